"""Send a file or a byte range of it, like object stores."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from inductiva_widgets.server.http_util import error_response

_CHUNK = 1 << 20


class UnsatisfiableRangeError(Exception):
    """A file has none of the requested bytes."""


def send_file(request: Request, path: Path) -> Response:
    """Return the response to a GET or HEAD of a file.

    A single range leads to status 206, one outside the file to 416. Several ranges get the whole
    file, as the standard allows. Responses are never compressed.

    Parameters
    ----------
    request
        The request.
    path
        The file.
    """
    file = path.open("rb")
    try:
        facts = os.fstat(file.fileno())
        size = facts.st_size
        tag = f'"{size:x}-{facts.st_mtime_ns:x}"'
        headers = {
            "accept-ranges": "bytes",
            "etag": tag,
            "last-modified": formatdate(facts.st_mtime, usegmt=True),
            "content-disposition": _disposition(path.name),
        }
        asked = None
        # With another ETag, the client has a part of an older file and needs the whole new one.
        if request.headers.get("if-range", tag) == tag:
            asked = parse_range(request.headers.get("range", ""), size)
    except UnsatisfiableRangeError as error:
        file.close()
        refusal = error_response(416, str(error))
        refusal.headers["content-range"] = f"bytes */{size}"
        return refusal
    except BaseException:
        file.close()
        raise
    byte_range = range(size) if asked is None else asked
    if asked is not None:
        headers["content-range"] = f"bytes {asked.start}-{asked.stop - 1}/{size}"
    headers["content-length"] = str(len(byte_range))
    status = 200 if asked is None else 206
    kind = "application/zip" if path.suffix == ".zip" else "application/octet-stream"
    if request.method == "HEAD":
        file.close()
        return Response(status_code=status, headers=headers, media_type=kind)
    return StreamingResponse(_chunks(file, byte_range), status, headers, kind)


def parse_range(header: str, size: int) -> range | None:
    """Return the range of a Range header, or None if it has no single range.

    Parameters
    ----------
    header
        The header, "" if there is none.
    size
        Length of the file.

    Raises
    ------
    UnsatisfiableRangeError
        The file has none of those bytes.

    Examples
    --------
    >>> parse_range("bytes=2-5", 10), parse_range("bytes=-3", 10), parse_range("lines=1-", 10)
    (range(2, 6), range(7, 10), None)
    """
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        byte_range = range(max(0, size - int(last)), size)
    elif not last:
        byte_range = range(int(first), size)
    elif int(last) < int(first):
        return None
    else:
        byte_range = range(int(first), min(size, int(last) + 1))
    if not byte_range:
        raise UnsatisfiableRangeError(f"The file has {size} bytes, none of them in {header!r}.")
    return byte_range


def _disposition(name: str) -> str:
    """Return the header with the file name of a download, with an encoded name beyond ASCII."""
    if name.isascii() and '"' not in name:
        return f'attachment; filename="{name}"'
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def _chunks(file: BinaryIO, byte_range: range) -> Iterator[bytes]:
    with file:
        file.seek(byte_range.start)
        left = len(byte_range)
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk
