"""Routes behind signed URLs: downloads with ranges, and streamed uploads."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from inductiva_widgets._atomic import temp_path
from inductiva_widgets.server.context import context_of
from inductiva_widgets.server.endpoints import Endpoint, QueryModel
from inductiva_widgets.server.errors import BadRequestError
from inductiva_widgets.server.http_ranges import send_file
from inductiva_widgets.server.http_util import read_query, run_in_thread
from inductiva_widgets.server.signed_urls import LINK_PREFIX
from inductiva_widgets.server.storage_service import StorageService

_BUFFER = 1 << 20
# How often to look whether the disk still has room.
_LOOK_EVERY = 64 << 20


class _LinkQuery(QueryModel, frozen=True, kw_only=True):
    expires: str
    signature: str


def _checked_path(request: Request) -> str:
    path = str(request.path_params["path"])
    query = read_query(request, _LinkQuery)
    context_of(request).signer.verify(request.method, path, query.expires, query.signature)
    return path


async def _download(request: Request) -> Response:
    """Send a file, or the one range of it that is asked for."""
    path = _checked_path(request)
    file = await run_in_thread(context_of(request).storage.file, path)
    return await run_in_thread(send_file, request, file)


async def _upload(request: Request) -> Response:
    """Take a file in; it is stored when all of it has come."""
    path = _checked_path(request)
    storage = context_of(request).storage
    _, target = await run_in_thread(storage.upload_target, path)
    await run_in_thread(storage.check_free_space, _announced_size(request))
    await run_in_thread(target.parent.mkdir, parents=True, exist_ok=True)
    temporary = temp_path(target)
    try:
        await _receive(request, temporary, storage)
        # It may have been decided otherwise while the bytes came.
        await run_in_thread(storage.upload_target, path)
        # A file that is visible is complete.
        await run_in_thread(temporary.replace, target)
    except ClientDisconnect:
        # Nobody is left to read an answer; the half file must not stay.
        return Response(status_code=400)
    finally:
        await run_in_thread(temporary.unlink, missing_ok=True)
    return Response()


def _announced_size(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadRequestError(f"The length of the upload makes no sense: {text!r}.")
    return int(text)


async def _receive(request: Request, path: Path, storage: StorageService) -> None:
    file = await run_in_thread(path.open, "xb")
    try:
        buffer = bytearray()
        received, looked = 0, 0
        async for chunk in request.stream():
            buffer += chunk
            received += len(chunk)
            if received - looked >= _LOOK_EVERY:
                looked = received
                # Of what is there already the disk knows; the limit of a file counts all of it.
                await run_in_thread(storage.check_upload_size, received)
            if len(buffer) >= _BUFFER:
                await run_in_thread(file.write, bytes(buffer))
                buffer.clear()
        await run_in_thread(file.write, bytes(buffer))
        await run_in_thread(file.flush)
        # The task must find its input after a power cut, too, once the upload was acknowledged.
        await run_in_thread(os.fsync, file.fileno())
    finally:
        file.close()


ROUTES = [
    Endpoint(
        "GET",
        f"{LINK_PREFIX}{{path:path}}",
        _download,
        query=_LinkQuery,
        answer=bytes,
        errors=(206, 400, 403, 404, 416),
        is_open=True,
    ),
    Endpoint(
        "PUT",
        f"{LINK_PREFIX}{{path:path}}",
        _upload,
        query=_LinkQuery,
        body=bytes,
        errors=(400, 403, 409, 413, 507),
        is_open=True,
    ),
]
