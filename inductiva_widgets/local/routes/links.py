"""Where signed links lead: downloads with ranges, and uploads as they stream in."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from inductiva_widgets.local.context import context_of
from inductiva_widgets.local.ranges import send_file
from inductiva_widgets.local.signing import LINK_PREFIX
from inductiva_widgets.local.web import call, read_query

_BUFFER = 1 << 20


class _LinkQuery(msgspec.Struct, frozen=True, kw_only=True):
    expires: str
    signature: str


def _checked_path(request: Request) -> str:
    path = str(request.path_params["path"])
    query = read_query(request, _LinkQuery)
    context_of(request).signer.check(request.method, path, query.expires, query.signature)
    return path


async def _download(request: Request) -> Response:
    path = _checked_path(request)
    file = await call(context_of(request).storage.file, path)
    return await call(send_file, request, file)


async def _upload(request: Request) -> Response:
    path = _checked_path(request)
    _, target = await call(context_of(request).storage.upload_target, path)
    await call(target.parent.mkdir, parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    try:
        await _receive(request, beside)
        # Whoever sees the file sees all of it.
        await call(beside.replace, target)
    except ClientDisconnect:
        # Nobody is left to read an answer; the half file must not stay.
        return Response(status_code=400)
    finally:
        await call(beside.unlink, missing_ok=True)
    return Response()


async def _receive(request: Request, path: Path) -> None:
    file = await call(path.open, "xb")
    try:
        buffer = bytearray()
        async for chunk in request.stream():
            buffer += chunk
            if len(buffer) >= _BUFFER:
                await call(file.write, bytes(buffer))
                buffer.clear()
        await call(file.write, bytes(buffer))
        await call(file.flush)
        # The task must find its input after a power cut, too, once the upload was acknowledged.
        await call(os.fsync, file.fileno())
    finally:
        file.close()


ROUTES = [
    Route(f"{LINK_PREFIX}{{path:path}}", _download),
    Route(f"{LINK_PREFIX}{{path:path}}", _upload, methods=["PUT"]),
]
