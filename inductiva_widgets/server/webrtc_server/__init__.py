"""WebRTC peer of the running tasks, which answers live file requests."""

from inductiva_widgets.server.webrtc_server.service import PeerService

__all__ = ["PeerService"]
