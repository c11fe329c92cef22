"""Routes that exchange WebRTC offers and answers with running tasks."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from inductiva_widgets.server.context import context_of
from inductiva_widgets.server.endpoints import Endpoint, QueryModel
from inductiva_widgets.server.http_util import read_body, read_query, respond, run_in_thread
from inductiva_widgets.server.schemas.base import ServerModel

PeerId = Annotated[str, Meta(min_length=1, max_length=200)]


class PeerOffer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of the requests that register a client and send its offer."""

    sender_id: PeerId
    receiver_id: Annotated[str, Meta(max_length=200)] | None = None
    type: Annotated[str, Meta(max_length=20)] | None = None
    # The offer of a client with a hundred network addresses has 10 kB.
    sdp: Annotated[str, Meta(max_length=64 << 10)] | None = None


class PeerMessage(ServerModel, frozen=True, kw_only=True):
    """Answer of a task's peer to an offer."""

    type: Literal["answer"] = "answer"
    sdp: str


class _MessageQuery(QueryModel, frozen=True, kw_only=True):
    client: PeerId
    block_s: Annotated[int, Meta(ge=0, le=60)] = 0


async def _register(request: Request) -> Response:
    """Accept the registration of a client, which has no effect."""
    await run_in_thread(context_of(request).tasks.ensure_exists, _id_of(request))
    await read_body(request, PeerOffer)
    return respond({})


async def _offer(request: Request) -> Response:
    """Accept the offer of a client; it then requests the answer as a message."""
    await run_in_thread(context_of(request).tasks.ensure_exists, _id_of(request))
    offer = await read_body(request, PeerOffer)
    if offer.sdp and offer.type == "offer":
        peers = context_of(request).peers
        await run_in_thread(peers.offer, _id_of(request), offer.sender_id, offer.sdp)
    return respond({})


async def _message(request: Request) -> Response:
    """Send the answer of a task's peer once, or status 204 if there is none."""
    query = read_query(request, _MessageQuery)
    await run_in_thread(context_of(request).tasks.ensure_exists, _id_of(request))
    peers = context_of(request).peers
    sdp = await peers.answer(_id_of(request), query.client, query.block_s)
    return Response(status_code=204) if sdp is None else respond(PeerMessage(sdp=sdp))


def _id_of(request: Request) -> str:
    return str(request.path_params["id"])


_TASK = "/tasks/{id}"

ROUTES = [
    Endpoint(
        "POST",
        f"{_TASK}/register",
        _register,
        body=PeerOffer,
        answer=dict[str, str],
        errors=(404,),
    ),
    Endpoint(
        "POST", f"{_TASK}/offer", _offer, body=PeerOffer, answer=dict[str, str], errors=(404,)
    ),
    Endpoint(
        "GET",
        f"{_TASK}/message",
        _message,
        query=_MessageQuery,
        answer=PeerMessage,
        errors=(204, 404),
    ),
]
