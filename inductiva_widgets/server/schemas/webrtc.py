"""Wire values of the WebRTC offers and answers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from inductiva_widgets.server.schemas.base import ServerModel

PeerId = Annotated[str, Meta(min_length=1, max_length=200)]


class PeerOffer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of the two requests by which a client looks for a peer."""

    sender_id: PeerId
    receiver_id: Annotated[str, Meta(max_length=200)] | None = None
    type: Annotated[str, Meta(max_length=20)] | None = None
    # Of a client with a hundred network addresses, 10 kB.
    sdp: Annotated[str, Meta(max_length=64 << 10)] | None = None


class PeerMessage(ServerModel, frozen=True, kw_only=True):
    """What the peer of a running task answers to an offer."""

    type: Literal["answer"] = "answer"
    sdp: str
