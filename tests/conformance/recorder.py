"""A small reverse proxy on loopback that remembers what passes through it.

The Host header goes through as it came, so signed links of the server behind lead here too.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

MARK = "/-/operation/"
"""Below this path the proxy itself answers: a client says what it is about to do."""

_CHUNK = 64 * 1024
_HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"}


@dataclass(frozen=True)
class Recorded:
    """One request that passed through."""

    operation: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: bytes
    content_type: str
    chunked: bool
    has_key: bool
    range: str
    user_agent: str
    status: int

    @property
    def json(self) -> Any:
        """The body as JSON; None without one."""
        return json.loads(self.body) if self.content_type == "application/json" else None


class Recorder:
    """The proxy's memory. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Recorded] = []
        self.operation = ""

    @property
    def requests(self) -> list[Recorded]:
        """What has passed through since the last :meth:`clear`, oldest first."""
        with self._lock:
            return list(self._requests)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._requests.clear()
            self.operation = ""

    def add(self, request: Recorded) -> None:
        """Remember one request."""
        with self._lock:
            self._requests.append(request)

    def lines(self) -> list[str]:
        """Return method and path of each request, for assertions that read well."""
        return [f"{request.method} {request.path}" for request in self.requests]


@contextlib.contextmanager
def recording_proxy(target: str) -> Iterator[tuple[str, Recorder]]:
    """Run a proxy in front of a server; gives its address and its memory."""
    recorder = Recorder()
    address = urlsplit(target).netloc

    class Handler(_Handler):
        pass

    Handler.recorder = recorder
    Handler.target = address
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.daemon_threads = True
    proxy.block_on_close = False
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}", recorder
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    recorder: Recorder
    target: str

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def _handle(self) -> None:
        if self.path.startswith(MARK):
            self.recorder.operation = unquote(self.path.removeprefix(MARK))
            self.send_response_only(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        # One connection to the server for each request: nothing here depends on the order in which
        # clients open, share and drop theirs.
        upstream = http.client.HTTPConnection(self.target, timeout=120)
        try:
            self._forward(upstream)
        except ConnectionError:
            self.close_connection = True  # the client went away in the middle
        finally:
            upstream.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815

    def _forward(self, upstream: http.client.HTTPConnection) -> None:
        operation = self.recorder.operation
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                upstream.putheader(name, value)
        body = bytearray()
        # As it comes, so that the server sees chunks where the client sent chunks.
        upstream.endheaders(self._read_body(body, chunked), encode_chunked=chunked)
        answer = upstream.getresponse()
        url = urlsplit(self.path)
        self.recorder.add(
            Recorded(
                operation=operation,
                method=self.command,
                path=url.path,
                query=tuple(parse_qsl(url.query, keep_blank_values=True)),
                body=bytes(body),
                content_type=self.headers.get("Content-Type", ""),
                chunked=chunked,
                has_key="X-API-Key" in self.headers,
                range=self.headers.get("Range", ""),
                user_agent=self.headers.get("User-Agent", ""),
                status=answer.status,
            )
        )
        self._answer(answer)

    def _read_body(self, kept: bytearray, chunked: bool) -> Iterator[bytes]:
        if chunked:
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data = self.rfile.read(size)
                self.rfile.readline()
                kept += data
                yield data
            while self.rfile.readline().strip():
                pass
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            data = self.rfile.read(min(left, _CHUNK))
            if not data:
                raise ConnectionError("the client sent less than it announced")
            left -= len(data)
            kept += data
            yield data

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        bodiless = self.command == "HEAD" or answer.status in (204, 304)
        chunked = answer.chunked and not bodiless
        if not bodiless and not chunked and answer.length is None:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        while not bodiless and (data := answer.read1(_CHUNK)):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
