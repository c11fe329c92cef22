"""The peer of the running tasks: answers over WebRTC what the service's clients ask live."""

from inductiva_widgets.server.webrtc_server.service import PeerService

__all__ = ["PeerService"]
