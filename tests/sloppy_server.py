"""A file server whose answers are legal but unusual, or merely sloppy.

Each kind of sloppiness is a function from a request to an answer, written from RFC 9110 and from
what servers do, not from the code under test::

    with SloppyServer(data, KINDS["part without Content-Range"]) as server:
        fetch_file(server.url, target)
"""

from __future__ import annotations

import gzip
import re
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
DATE = "Thu, 01 Feb 2024 17:16:17 GMT"
LATER = "Thu, 01 Feb 2024 17:16:18 GMT"


@dataclass(frozen=True)
class Request:
    """A request for the file.

    Parameters
    ----------
    data
        The file.
    number
        Number of requests before this one.
    start, stop
        The requested range, None without one.
    is_suffix
        If True, the last bytes were requested.
    """

    data: bytes
    number: int
    start: int | None = None
    stop: int | None = None
    is_suffix: bool = False

    @property
    def has_range(self) -> bool:
        return self.start is not None

    @property
    def part(self) -> bytes:
        return self.data[self.start : self.stop]


@dataclass(frozen=True)
class Answer:
    """An answer: `framing` is "length", "chunked" or "close"."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    framing: str = "length"

    def having(self, **headers: str | None) -> Answer:
        """Return the answer with other headers; None removes one."""
        merged = dict(self.headers)
        for name, value in headers.items():
            merged.pop(name.replace("_", "-"), None)
            if value is not None:
                merged[name.replace("_", "-")] = value
        return replace(self, headers=merged)


Kind = Callable[[Request], Answer]


def whole(request: Request) -> Answer:
    """Answer with the file, as if there were no ranges."""
    return Answer(200, request.data, {"ETag": '"v1"', "Last-Modified": DATE})


def clean(request: Request) -> Answer:
    """Answer as a server without fault."""
    if not request.has_range:
        return whole(request).having(Accept_Ranges="bytes")
    stated = f"bytes {request.start}-{request.stop - 1}/{len(request.data)}"
    return replace(whole(request), status=206, body=request.part).having(Content_Range=stated)


def to_ranges(change: Kind) -> Kind:
    """Return a kind that is clean without a range."""
    return lambda request: change(request) if request.has_range else clean(request)


def to_suffixes(change: Kind) -> Kind:
    """Return a kind that is clean unless the last bytes are requested."""
    return lambda request: change(request) if request.is_suffix else clean(request)


def once_started(change: Kind, clean_requests: int = 1) -> Kind:
    """Return a kind that is clean at first."""
    return lambda request: (change if request.number >= clean_requests else clean)(request)


def with_headers(**headers: str | None) -> Kind:
    return lambda request: clean(request).having(**headers)


def status(code: int) -> Kind:
    return lambda request: Answer(code, b"<html>no</html>", {"Content-Type": "text/html"})


def compressed(request: Request, *, label: str | None = "gzip", framing: str = "length") -> Answer:
    answer = clean(request)
    packed = gzip.compress(answer.body, 1)
    return replace(answer, body=packed, framing=framing).having(Content_Encoding=label)


def deflated(request: Request, *, wbits: int) -> Answer:
    packer = zlib.compressobj(1, wbits=wbits)
    body = packer.compress(request.data) + packer.flush()
    return replace(whole(request), body=body).having(Content_Encoding="deflate")


def part_length_as_total(request: Request) -> Answer:
    stated = f"bytes {request.start}-{request.stop - 1}/{request.stop - request.start}"
    return clean(request).having(Content_Range=stated)


def suffix_from_zero(request: Request) -> Answer:
    """The last bytes, stated as if they were the whole file."""
    length = request.stop - request.start
    return clean(request).having(Content_Range=f"bytes 0-{length - 1}/{length}")


def whole_as_part(request: Request) -> Answer:
    size = len(request.data)
    return replace(whole(request), status=206).having(Content_Range=f"bytes 0-{size - 1}/{size}")


def whole_as_asked_part(request: Request) -> Answer:
    """The whole body under the headers of the part."""
    return replace(clean(request), body=request.data)


def multipart(request: Request) -> Answer:
    answer = clean(request)
    stated = answer.headers["Content-Range"]
    head = f"--X\r\nContent-Type: text/plain\r\nContent-Range: {stated}\r\n\r\n".encode()
    return replace(answer, body=head + answer.body + b"\r\n--X--\r\n").having(
        Content_Range=None, Content_Type="multipart/byteranges; boundary=X"
    )


def other_units(request: Request) -> Answer:
    stated = clean(request).headers["Content-Range"].replace("bytes", "blocks")
    return clean(request).having(Content_Range=stated)


def unknown_total(request: Request) -> Answer:
    stated = clean(request).headers["Content-Range"].rpartition("/")[0]
    return clean(request).having(Content_Range=f"{stated}/*")


def other_total(request: Request) -> Answer:
    stated = clean(request).headers["Content-Range"].rpartition("/")[0]
    return clean(request).having(Content_Range=f"{stated}/{len(request.data) + request.number}")


def capped(request: Request, size: int = 700_001) -> Answer:
    return clean(replace(request, stop=min(request.stop, request.start + size)))


def aligned(request: Request) -> Answer:
    """A part that begins and ends at the borders of blocks."""
    size = len(request.data)
    stop = min(size, -(-request.stop // 4096) * 4096)
    return clean(replace(request, start=request.start // 4096 * 4096, stop=stop))


def short_of_stated(request: Request) -> Answer:
    answer = clean(request)
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def long_of_stated(request: Request) -> Answer:
    answer = clean(request)
    return replace(answer, body=answer.body + b"surplus", framing="chunked")


def short_in_chunks(request: Request) -> Answer:
    return replace(short_of_stated(request), framing="chunked")


def part_as_whole(request: Request) -> Answer:
    return replace(clean(request), status=200).having(Content_Range=None)


def repeated_length(request: Request) -> Answer:
    answer = clean(request)
    return answer.having(Content_Length=f"{len(answer.body)}, {len(answer.body)}")


def padded_length(request: Request) -> Answer:
    answer = clean(request)
    return answer.having(Content_Length=f"{len(answer.body):020d}")


def rotating(**choices: tuple[str | None, ...]) -> Kind:
    """Return a kind whose mirrors answer in turn, each with headers of its own."""

    def answer(request: Request) -> Answer:
        turn = {name: values[request.number % len(values)] for name, values in choices.items()}
        return clean(request).having(**turn)

    return answer


KINDS: dict[str, Kind] = {
    "clean": clean,
    "no ranges": whole,
    "compressed part": to_ranges(compressed),
    "compressed part without its label": to_ranges(partial(compressed, label=None)),
    "compressed part in chunks": to_ranges(partial(compressed, framing="chunked")),
    "compressed part in chunks without its label": to_ranges(
        partial(compressed, label=None, framing="chunked")
    ),
    "compressed part later": once_started(to_ranges(partial(compressed, label=None))),
    "compressed part later in chunks": once_started(
        to_ranges(partial(compressed, label=None, framing="chunked"))
    ),
    "compressed whole": lambda request: compressed(replace(request, start=None, stop=None)),
    "compressed whole in chunks": lambda request: compressed(
        replace(request, start=None, stop=None), label="x-gzip", framing="chunked"
    ),
    "deflated whole": partial(deflated, wbits=15),
    "raw deflated whole": partial(deflated, wbits=-15),
    "label that is no encoding": with_headers(Content_Encoding="UTF-8"),
    "length of the part as total": to_ranges(part_length_as_total),
    "last bytes as the whole": to_suffixes(suffix_from_zero),
    "whole as part": to_ranges(whole_as_part),
    "whole as part always": whole_as_part,
    "whole under the headers of the part": to_ranges(whole_as_asked_part),
    "whole as part without Content-Range": lambda request: replace(whole(request), status=206),
    "part without Content-Range": with_headers(Content_Range=None),
    "malformed Content-Range": to_ranges(with_headers(Content_Range="bytes=0-9/10")),
    "multipart": to_ranges(multipart),
    "other units": to_ranges(other_units),
    "unknown total": to_ranges(unknown_total),
    "other total each time": to_ranges(other_total),
    "small parts": to_ranges(capped),
    "small parts without ends": to_ranges(
        lambda request: replace(capped(request), framing="close")
    ),
    "parts at block borders": to_ranges(aligned),
    "part shorter than stated": to_ranges(short_of_stated),
    "part shorter than stated in chunks": to_ranges(short_in_chunks),
    "part longer than stated": to_ranges(long_of_stated),
    "part as 200": to_ranges(part_as_whole),
    "parts in chunks": to_ranges(lambda request: replace(clean(request), framing="chunked")),
    "parts until the end of the connection": to_ranges(
        lambda request: replace(clean(request), framing="close")
    ),
    "whole until the end of the connection": lambda request: replace(
        whole(request), framing="close"
    ),
    "login page to ranges": to_ranges(status(200)),
    "203 to ranges": to_ranges(lambda request: replace(whole(request), status=203)),
    "203 always": lambda request: replace(whole(request), status=203),
    "206 always": lambda request: replace(clean(request), status=206),
    **{
        f"{code} to ranges": to_ranges(status(code))
        for code in (204, 400, 401, 403, 404, 405, 406, 408, 429, 500, 501, 502, 503, 504)
    },
    **{
        f"{code} to ranges later": once_started(to_ranges(status(code)), 2)
        for code in (200, 400, 403, 404, 429, 501, 503)
    },
    **{
        f"{code} to last bytes": to_suffixes(status(code))
        for code in (200, 400, 403, 404, 416, 429, 501, 503)
    },
    "416 of nothing to last bytes": to_suffixes(
        lambda request: Answer(416, b"", {"Content-Range": "bytes */0"})
    ),
    "416 to ranges": to_ranges(status(416)),
    "416 of nothing to ranges": to_ranges(
        lambda request: Answer(416, b"", {"Content-Range": "bytes */0"})
    ),
    "repeated length": repeated_length,
    "padded length": padded_length,
    "other tags": rotating(ETag=('"a"', '"b"', '"c"')),
    "other tags without ranges later": once_started(
        lambda request: whole(request).having(ETag=f'"{request.number}"')
    ),
    "dates a second apart": rotating(ETag=(None,), Last_Modified=(DATE, LATER)),
    "weak and strong tags": rotating(ETag=('W/"x"', '"x"')),
    "no tags": with_headers(ETag=None, Last_Modified=None),
}


class SloppyServer(ThreadingHTTPServer):
    """Serves one file in one kind, at any path.

    Parameters
    ----------
    data
        The file.
    kind
        How the requests are answered.
    """

    daemon_threads = True

    def __init__(self, data: bytes, kind: Kind) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data = data
        self.kind = kind
        self.ranges: list[str | None] = []
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file.bin"

    def __enter__(self) -> SloppyServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request, client_address) -> None:
        """A client may hang up on an answer that it cannot use."""

    def answer(self, header: str | None) -> Answer:
        with self._guard:
            number = len(self.ranges)
            self.ranges.append(header)
        return self.kind(self._request(header, number))

    def _request(self, header: str | None, number: int) -> Request:
        size = len(self.data)
        found = _RANGE.fullmatch(header or "")
        if found is None:
            return Request(self.data, number)
        first, last = found.groups()
        if not first:
            return Request(self.data, number, max(0, size - int(last)), size, is_suffix=True)
        stop = min(size, int(last) + 1) if last else size
        return Request(self.data, number, int(first), stop)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SloppyServer

    def log_message(self, *args) -> None:
        pass

    def do_GET(self) -> None:
        answer = self.server.answer(self.headers.get("Range"))
        self.send_response(answer.status)
        headers = dict(answer.headers)
        if answer.framing == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        elif answer.framing == "close":
            headers["Connection"] = "close"
            self.close_connection = True
        elif answer.status != 204:
            headers.setdefault("Content-Length", str(len(answer.body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if answer.status == 204:
            return
        for start in range(0, len(answer.body), 65536):
            piece = answer.body[start : start + 65536]
            if answer.framing == "chunked":
                piece = b"%x\r\n" % len(piece) + piece + b"\r\n"
            self.wfile.write(piece)
        if answer.framing == "chunked":
            self.wfile.write(b"0\r\n\r\n")
