"""A small web server for downloads, strict about ranges and able to misbehave on order.

Written from RFC 9110 and not from the code under test, so that a malformed header fails here.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

_RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))")


@dataclass
class Stored:
    """A file on the server."""

    data: bytes
    etag: str | None = '"v1"'
    modified: str | None = "Thu, 01 Feb 2024 17:16:17 GMT"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """What goes wrong with a request that `when` holds for."""

    status: int | None = None
    cut: int | None = None
    hold: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    when: Callable[[Entry], bool] = lambda entry: True


@dataclass
class Entry:
    """One request and what was sent."""

    method: str
    target: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0
    over: bool = False

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


class FileServer(ThreadingHTTPServer):
    """Serves `files` by path; `faults` are used up one by one, `always` stays."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, Stored] = {}
        self.log: list[Entry] = []
        self.connections = 0
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.ranges = True
        self.suffix_ranges = True
        self.chunked = False
        self.expired: set[str] = set()
        self.gate = threading.Event()  # what `hold` waits for
        self.holding = threading.Event()  # set when something waits there
        self.guard = threading.Lock()

    def put(self, path: str, data: bytes, **values) -> str:
        """Store a file and return its URL."""
        self.files[path] = Stored(data, **values)
        return self.url(path)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    @property
    def sent(self) -> int:
        return sum(entry.sent for entry in self.log)

    def get_request(self):
        self.connections += 1
        return super().get_request()

    def forget(self) -> None:
        self.log.clear()

    def handle_error(self, request, client_address) -> None:
        """A client that hangs up is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileServer

    def log_message(self, *args) -> None:
        pass

    def do_HEAD(self) -> None:
        self._serve(body=False)

    def do_GET(self) -> None:
        self._serve(body=True)

    def _serve(self, *, body: bool) -> None:
        entry = Entry(self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
        try:
            self._select_and_answer(entry, body=body)
        finally:
            entry.over = True

    def _select_and_answer(self, entry: Entry, *, body: bool) -> None:
        server = self.server
        with server.guard:
            server.log.append(entry)
            fault = server.always if server.always and server.always.when(entry) else None
            if server.faults and server.faults[0].when(entry):
                fault = server.faults.popleft()
        fault = fault or Fault()
        if any(token in self.path for token in server.expired):
            fault = Fault(status=403)
        if fault.status is not None:
            return self._answer(entry, fault.status, fault.headers, b"<Error/>", body, Fault())
        stored = server.files.get(unquote(urlsplit(self.path).path))
        if stored is None:
            return self._answer(entry, 404, {}, b"not found", body, Fault())
        status, data, headers = self._select(stored, entry)
        return self._answer(entry, status, headers | fault.headers, data, body, fault)

    def _select(self, stored: Stored, entry: Entry) -> tuple[int, bytes, dict[str, str]]:
        headers = dict(stored.headers)
        if stored.etag:
            headers["ETag"] = stored.etag
        if stored.modified:
            headers["Last-Modified"] = stored.modified
        if self.server.ranges:
            headers["Accept-Ranges"] = "bytes"
        asked = entry.range
        condition = entry.headers.get("if-range")
        if condition is not None:
            assert asked is not None, "If-Range without Range"
            assert not condition.startswith("W/"), "If-Range needs a strong validator"
        unchanged = condition is None or condition in (stored.etag, stored.modified)
        if asked is None or not self.server.ranges or not unchanged:
            return 200, stored.data, headers
        bounds = self._bounds(asked, len(stored.data))
        if bounds is None:
            return 200, stored.data, headers
        if bounds == "malformed":
            return 400, b"malformed range", {}
        if bounds == "outside":
            return 416, b"", headers | {"Content-Range": f"bytes */{len(stored.data)}"}
        start, stop = bounds
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(stored.data)}"
        return 206, stored.data[start:stop], headers

    def _bounds(self, asked: str, size: int) -> tuple[int, int] | str | None:
        found = _RANGE.fullmatch(asked)
        if found is None:
            return "malformed"
        first, last, suffix = found.groups()
        if suffix is not None:
            if not self.server.suffix_ranges:
                return None
            return (max(0, size - int(suffix)), size) if int(suffix) and size else "outside"
        if last and int(last) < int(first):
            return "malformed"
        if int(first) >= size:
            return "outside"
        return int(first), min(size, int(last) + 1) if last else size

    def _answer(self, entry, status, headers, data, body, fault: Fault) -> None:
        entry.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value.encode("utf-8").decode("latin-1"))
        chunked = self.server.chunked and status == 200
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if not body:
            return
        limit = len(data) if fault.cut is None else min(fault.cut, len(data))
        for start in range(0, limit, 8192):
            if fault.hold is not None and start + 8192 > fault.hold:
                self.server.holding.set()
                self.server.gate.wait(30)
            piece = data[start : min(limit, start + 8192)]
            # Before it is there: who has received it may look at the count at once.
            entry.sent += len(piece)
            if chunked:
                self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
            else:
                self.wfile.write(piece)
        if fault.cut is not None:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif chunked:
            self.wfile.write(b"0\r\n\r\n")


@contextlib.contextmanager
def serving() -> Iterator[FileServer]:
    """Run a server of files on a port of its own until the block is left."""
    server = FileServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    # Answers that a test holds back would keep it from ending.
    server.gate.set()
    server.shutdown()
    thread.join()
    server.server_close()
