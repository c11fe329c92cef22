"""Content encodings that a server applies although none was requested.

Source: RFC 9110, section 8.4.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from inductiva_widgets.downloads._signed_url import header
from inductiva_widgets.downloads.http import StreamingResponse
from inductiva_widgets.errors import DownloadError

_GZIP = frozenset({"gzip", "x-gzip"})
_DEFLATE = "deflate"
# Other values are labels of no meaning, such as "utf-8" or "aws-chunked".
_ENCODINGS = frozenset({*_GZIP, _DEFLATE, "br", "zstd", "compress", "x-compress"})
_GZIP_SUFFIXES = frozenset({".gz", ".tgz", ".svgz", ".gzip"})
_GZIP_TYPES = frozenset({"application/gzip", "application/x-gzip"})
_GZIP_WINDOW, _ZLIB_WINDOW, _RAW_WINDOW = 31, 15, -15
_PIECE = 1024 * 1024


def content_encoding(response: StreamingResponse) -> str | None:
    """Return the encodings of a body, None if it is sent as it is.

    Parameters
    ----------
    response
        The response.
    """
    stated = (header(response, "Content-Encoding") or "").lower()
    names = [name for name in (one.strip() for one in stated.split(",")) if name in _ENCODINGS]
    return ", ".join(names) or None


def is_gzip_file(response: StreamingResponse, url: str) -> bool:
    """Return whether a file is a gzip file itself, which some servers state as its encoding.

    Parameters
    ----------
    response
        The response with the file.
    url
        URL of the file.
    """
    kind = (header(response, "Content-Type") or "").partition(";")[0].strip().lower()
    suffix = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
    return kind in _GZIP_TYPES or suffix in _GZIP_SUFFIXES


def decode_content(chunks: Iterable[bytes], encoding: str, shown: str) -> Iterator[bytes]:
    """Yield the decoded body of a response.

    Parameters
    ----------
    chunks
        The encoded body.
    encoding
        Value of ``content_encoding``.
    shown
        URL for messages.

    Raises
    ------
    DownloadError
        If the encoding is not supported, or the body is damaged or truncated.
    """
    if encoding not in _GZIP and encoding != _DEFLATE:
        raise DownloadError(
            f"The server sent {shown} with the encoding {encoding}, which was not requested."
        )
    window = _GZIP_WINDOW if encoding in _GZIP else None
    decoder = None
    try:
        for chunk in chunks:
            data = chunk
            while data:
                if decoder is None or decoder.eof:
                    if window is None:
                        # Some servers leave out the header of zlib, whose first byte is 0x78.
                        window = _ZLIB_WINDOW if data[0] & 0x0F == 8 else _RAW_WINDOW
                    decoder = zlib.decompressobj(window)
                yield decoder.decompress(data, _PIECE)
                data = decoder.unused_data or decoder.unconsumed_tail
        is_whole = decoder is None or decoder.eof
        while decoder is not None and not is_whole:
            piece = decoder.decompress(b"", _PIECE)
            is_whole = decoder.eof
            if not piece:
                break
            yield piece
    except zlib.error as exc:
        raise DownloadError(f"{shown} is damaged: it is not {encoding} as stated.") from exc
    if not is_whole:
        raise DownloadError(f"{shown} is damaged: its {encoding} data end too early.")
