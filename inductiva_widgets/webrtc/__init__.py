"""WebRTC requests to the machine that computes a task.

``ask`` puts one question, ``stream`` one whose answers go on. All of a kernel's connections live on
one event loop, on a thread of its own; those who ask wait on their own threads. Needs
``pip install "inductiva-widgets[live]"``.
"""

from inductiva_widgets.webrtc.connection import import_aiortc
from inductiva_widgets.webrtc.messages import PeerRequest
from inductiva_widgets.webrtc.requests import AnswerStream, MessageBatch, open_stream, request

__all__ = ["AnswerStream", "MessageBatch", "PeerRequest", "import_aiortc", "open_stream", "request"]
