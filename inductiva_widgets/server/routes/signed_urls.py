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
# Number of bytes between checks of the free disk space.
_CHECK_EVERY = 64 << 20


class _LinkQuery(QueryModel, frozen=True, kw_only=True):
    expires: str
    signature: str


def _checked_path(request: Request) -> str:
    path = str(request.path_params["path"])
    query = read_query(request, _LinkQuery)
    context_of(request).signer.verify(request.method, path, query.expires, query.signature)
    return path


async def _download(request: Request) -> Response:
    """Send a file, or the requested range of it."""
    path = _checked_path(request)
    file = await run_in_thread(context_of(request).storage.file, path)
    return await run_in_thread(send_file, request, file)


async def _upload(request: Request) -> Response:
    """Receive a file, and store it when it is complete."""
    path = _checked_path(request)
    storage = context_of(request).storage
    _, target = await run_in_thread(storage.upload_target, path)
    await run_in_thread(storage.check_free_space, _announced_size(request))
    await run_in_thread(target.parent.mkdir, parents=True, exist_ok=True)
    temporary = temp_path(target)
    try:
        await _receive(request, temporary, storage)
        # Checked again, since the target may have become invalid during the upload.
        await run_in_thread(storage.upload_target, path)
        # A file that is visible is complete.
        await run_in_thread(temporary.replace, target)
    except ClientDisconnect:
        # The client does not receive this; `finally` removes the partial file.
        return Response(status_code=400)
    finally:
        await run_in_thread(temporary.unlink, missing_ok=True)
    return Response()


def _announced_size(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadRequestError(f"The Content-Length must be a number of bytes, got {text!r}.")
    return int(text)


async def _receive(request: Request, path: Path, storage: StorageService) -> None:
    file = await run_in_thread(path.open, "xb")
    try:
        buffer = bytearray()
        received, checked = 0, 0
        async for chunk in request.stream():
            buffer += chunk
            received += len(chunk)
            if received - checked >= _CHECK_EVERY:
                checked = received
                # The free space already reflects written bytes; the size limit applies to all.
                await run_in_thread(storage.check_upload_size, received)
            if len(buffer) >= _BUFFER:
                await run_in_thread(file.write, bytes(buffer))
                buffer.clear()
        await run_in_thread(file.write, bytes(buffer))
        await run_in_thread(file.flush)
        # An acknowledged input must survive a power cut.
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
