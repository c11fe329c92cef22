"""WebRTC requests to the machine that computes a task.

``request`` returns one answer, ``open_stream`` a stream of answers. All connections of a kernel run
on one event loop in a background thread, and callers wait on their own threads. Needs
``pip install "inductiva-widgets[live]"``.
"""

from inductiva_widgets.webrtc.connection import import_aiortc
from inductiva_widgets.webrtc.messages import PeerRequest
from inductiva_widgets.webrtc.requests import AnswerStream, MessageBatch, open_stream, request

__all__ = ["AnswerStream", "MessageBatch", "PeerRequest", "import_aiortc", "open_stream", "request"]
