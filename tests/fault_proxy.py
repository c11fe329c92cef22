"""An HTTP/1.1 reverse proxy that goes wrong on order, in front of any server.

In a test::

    with FaultProxy(upstream_url) as proxy:
        proxy.add(Fault(cut=100_000))  # the next request only
        proxy.add(Fault(status=429, headers={"Retry-After": "1"}, times=3))
        fetch_file(proxy.at("/output.zip"), target)
        assert proxy.log[0].sent == 100_000

By hand: ``python -m tests.fault_proxy http://127.0.0.1:8000 --rate 100000``.

The Host header is passed on as the client sent it, so links that a server builds from it lead back
through the proxy. Every request gets an upstream connection of its own. No web sockets.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import json
import random
import re
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Literal
from urllib.parse import urlsplit

_CHUNK = 16 * 1024
_TICK = 0.02  # seconds between two looks at whether a wait is over
_TIMEOUT = 60.0
_HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip
_NO_BODY = frozenset({204, 304})
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-")

Ending = Literal["", "whole", "cut", "dropped", "gone"]


@dataclass(eq=False)
class Entry:
    """One request, and what was sent for it. ``sent`` grows while the body is under way.

    Parameters
    ----------
    method, path, query
        The request line, the target taken apart.
    headers
        Headers of the request, their names in lower case.
    number
        Count of requests since the proxy began, from 0.
    status
        What was answered, 0 for no answer.
    start
        Position in the file of the first byte of the body.
    sent
        Bytes of the body that were given to the connection.
    end
        ``whole``, ``cut`` or ``dropped`` by the proxy, ``gone`` when either side hung up;
        empty while it goes on.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    number: int = 0
    status: int = 0
    start: int = 0
    sent: int = 0
    end: Ending = ""

    @property
    def range(self) -> str | None:
        """The Range header."""
        return self.headers.get("range")

    @property
    def stop(self) -> int:
        """Position in the file behind the last byte that was sent."""
        return self.start + self.sent

    def __str__(self) -> str:
        return (
            f"{self.method} {self.path} {self.range or '-'}: {self.status}, "
            f"{self.sent} bytes, {self.end or 'under way'}"
        )


@dataclass(eq=False)
class Fault:
    """What goes wrong with requests that ``when`` holds for.

    Parameters
    ----------
    when
        Chooses requests by their `Entry`; any by default.
    times
        For how many requests; None for all.
    do
        Called before the request is passed on, such as to exchange a file meanwhile.
    delay
        Seconds before the headers of the answer.
    drop
        Close the connection without an answer; the server is not asked.
    lose
        Close the connection without an answer when the server has answered.
    late
        Close the connection without an answer, and ask the server when this event is set.
    status
        Answer this instead of asking the server; ``headers`` and ``body`` come with it.
    headers
        Headers of the answer to set; None removes one.
    body
        Body of an answer by ``status``.
    ignore_range
        Answer with the whole file, as a server without ranges does.
    shorten
        Answer with so many bytes of the range that is asked, correctly declared.
    cut
        Close the connection after so many bytes of the body; a pair is a span to choose from.
    reset
        Close it by a reset: bytes on their way to the client are lost as well.
    stall
        Send no more after so many bytes of the body, while the connection stays open.
    rate
        Bytes per second, instead of the proxy's own rate.
    corrupt
        Position in the file of a byte to turn over.
    repeat
        Position in the body, and how many bytes before it are sent twice; the length stays, so as
        many are missing at the end.
    """

    when: Callable[[Entry], bool] = lambda entry: True
    times: int | None = 1
    do: Callable[[], object] | None = None
    delay: float = 0.0
    drop: bool = False
    lose: bool = False
    late: threading.Event | None = None
    status: int | None = None
    headers: dict[str, str | None] = field(default_factory=dict)
    body: bytes = b"<Error/>"
    ignore_range: bool = False
    shorten: int | None = None
    cut: int | tuple[int, int] | None = None
    reset: bool = False
    stall: int | None = None
    rate: float | None = None
    corrupt: int | None = None
    repeat: tuple[int, int] | None = None


class FaultProxy:
    """The proxy, in threads of its own while the context lasts. All of it may change meanwhile.

    Parameters
    ----------
    upstream
        Address of the server behind; may be replaced while the proxy runs.
    port
        Port on 127.0.0.1; 0 for any that is free.
    rate
        Bytes per second of each connection; None for all that there is.
    seed
        For faults that choose at random.
    log_to
        Called with each `Entry` at its end.

    Attributes
    ----------
    log
        All requests since the last `forget`.
    faults
        What `add` took and what is not used up; the first that fits a request counts.
    moved
        Path to the path that the server is asked for instead: a file that changes.
    expired
        Texts in a query that make a link expired, hence answered by 403.
    stalled
        Set when a connection begins to stall; cleared by `forget` and `release`.
    exhausted
        Set when the bytes that `limit` allowed are gone.
    """

    def __init__(
        self,
        upstream: str,
        *,
        port: int = 0,
        rate: float | None = None,
        seed: int = 0,
        log_to: Callable[[Entry], object] | None = None,
    ) -> None:
        self.upstream = upstream.rstrip("/")
        self.rate = rate
        self.random = random.Random(seed)
        self.log: list[Entry] = []
        self.faults: list[Fault] = []
        self.moved: dict[str, str] = {}
        self.expired: set[str] = set()
        self.stalled = threading.Event()
        self.exhausted = threading.Event()
        self.set_up_log = log_to
        self.closing = threading.Event()
        self._count = 0
        self._left: int | None = None
        self._then: Literal["cut", "stall"] = "cut"
        self._generation = 0  # of stalls: `release` ends those of earlier ones
        self._guard = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.hang_up()

    @property
    def sent(self) -> int:
        """Bytes of all bodies since the last `forget`."""
        with self._guard:
            return sum(entry.sent for entry in self.log)

    def at(self, link: str) -> str:
        """Return the address of a path, or of a link to the server behind, by way of the proxy."""
        parts = urlsplit(link)
        return f"{self.url}{parts._replace(scheme='', netloc='').geturl() or '/'}"

    def add(self, *faults: Fault) -> None:
        """Have things go wrong from now on."""
        with self._guard:
            self.faults.extend(faults)

    def limit(self, count: int | None, then: Literal["cut", "stall"] = "cut") -> None:
        """Let so many bytes of bodies pass from now on, those of all connections together.

        Then everything breaks off, later requests included, until a new limit; None lifts it.
        """
        with self._guard:
            self._left, self._then = count, then
            self._generation += 1
            self.exhausted.clear()
            if count == 0:
                self.exhausted.set()

    def release(self) -> None:
        """Let what stalls go on."""
        with self._guard:
            self._generation += 1
            self.stalled.clear()

    def clear(self) -> None:
        """Behave from now on; the rate stays."""
        with self._guard:
            self.faults.clear()
            self.moved.clear()
            self.expired.clear()
        self.limit(None)
        self.release()

    def forget(self) -> list[Entry]:
        """Begin the log anew, and return the old one."""
        with self._guard:
            old, self.log = self.log, []
            self.stalled.clear()
        return old

    def idle(self) -> bool:
        """Tell whether no request is under way."""
        with self._guard:
            return all(entry.end for entry in self.log)

    # What follows is for the handler.

    def begin(self, entry: Entry) -> Fault:
        """Log a request and return its fault."""
        with self._guard:
            entry.number = self._count
            self._count += 1
            self.log.append(entry)
            # Without the guard in `when`: it may look at the proxy.
            waiting = list(self.faults)
        if any(token in entry.query for token in self.expired):
            return Fault(status=403, body=b"<Code>ExpiredToken</Code>")
        for fault in waiting:
            if not fault.when(entry):
                continue
            with self._guard:
                if fault.times is not None:
                    if fault not in self.faults:
                        continue  # another request was faster
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
            return fault
        return Fault()

    def allow(self, entry: Entry, count: int) -> tuple[int, Literal["cut", "stall"]]:
        """Take bytes off the limit and count them; return how many may pass, and what is next."""
        with self._guard:
            if self._left is not None:
                count = min(count, self._left)
                self._left -= count
                if not self._left:
                    self.exhausted.set()
            entry.sent += count
            return count, self._then

    def is_dead(self) -> bool:
        """Tell whether the limit is reached and cuts."""
        with self._guard:
            return self._left == 0 and self._then == "cut"

    def stall(self, gone: Callable[[], bool]) -> None:
        """Wait for `release` or a new limit, or until the client hangs up."""
        with self._guard:
            generation = self._generation
            self.stalled.set()
        while generation == self._generation and not self.closing.wait(_TICK):
            if gone():
                raise ConnectionAbortedError

    def pause(self, seconds: float, gone: Callable[[], bool]) -> None:
        """Wait, but neither for a client that hung up nor beyond the proxy's own end."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self.closing.wait(min(left, 0.1)):
            if gone():
                raise ConnectionAbortedError


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128
    proxy: FaultProxy

    def __init__(self, *args) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request, client_address) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address) -> None:
        """A client that hangs up is what many tests are about."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Cut(Exception):
    """The connection is to be closed in the middle of an answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        # A small buffer, so that bytes count as sent about when the client takes them.
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        super().setup()

    def log_message(self, *args) -> None:
        pass

    def __getattr__(self, name: str):
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        proxy = self.server.proxy
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        entry = Entry(self.command, parts.path, parts.query, headers)
        fault = proxy.begin(entry)
        try:
            self._answer(entry, fault)
        except _Cut:
            entry.end = "cut" if entry.status else "dropped"
            self._hang_up(reset=fault.reset)
        except (OSError, http.client.HTTPException):
            entry.end = "gone"
            self._hang_up()
        else:
            entry.end = "whole"
        if proxy.set_up_log is not None:
            proxy.set_up_log(entry)

    def _answer(self, entry: Entry, fault: Fault) -> None:
        proxy = self.server.proxy
        if fault.do is not None:
            fault.do()
        if fault.drop or proxy.is_dead():
            raise _Cut
        if fault.status is not None:
            self._drain()
            proxy.pause(fault.delay, self._gone)
            self._head(entry, fault.status, list(fault.headers.items()), len(fault.body))
            if self.command != "HEAD" and fault.status not in _NO_BODY:
                self.wfile.write(fault.body)  # not counted: it is no part of any file
            return
        if fault.late is not None:
            self._keep_body_and_hang_up()
            fault.late.wait(_TIMEOUT)
        with contextlib.closing(self._connect()) as upstream:
            response = self._ask(upstream, entry, fault)
            if fault.lose or fault.late is not None:
                response.read()
                raise _Cut
            proxy.pause(fault.delay, self._gone)
            headers = self._headers_of(response, fault)
            found = _CONTENT_RANGE.match(response.getheader("Content-Range") or "")
            entry.start = int(found.group(1)) if found and response.status == 206 else 0
            no_body = self.command == "HEAD" or response.status in _NO_BODY
            length = response.getheader("Content-Length")  # of the file, where a HEAD was asked
            size = int(length) if length and not response.chunked else None
            self._head(entry, response.status, headers, size, no_body=no_body)
            if not no_body:
                self._body(response, entry, fault)

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.server.proxy.upstream)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        return kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)

    def _ask(
        self, upstream: http.client.HTTPConnection, entry: Entry, fault: Fault
    ) -> http.client.HTTPResponse:
        path = self.server.proxy.moved.get(entry.path, entry.path)
        base = urlsplit(self.server.proxy.upstream).path
        upstream.putrequest(
            self.command,
            f"{base}{path}{'?' if entry.query else ''}{entry.query}",
            skip_host=True,
            skip_accept_encoding=True,
        )
        left_out = _HOP_BY_HOP | ({"range", "if-range"} if fault.ignore_range else set())
        for name, value in self.headers.items():
            if name.lower() not in left_out:
                found = _RANGE.fullmatch(value) if name.lower() == "range" else None
                if found and fault.shorten is not None:
                    first, last = int(found.group(1)), int(found.group(2) or sys.maxsize)
                    value = f"bytes={first}-{min(last, first + fault.shorten - 1)}"  # noqa: PLW2901
                upstream.putheader(name, value)
        chunked = "chunked" in (self.headers.get("Transfer-Encoding") or "").lower()
        if chunked:
            upstream.putheader("Transfer-Encoding", "chunked")
        upstream.putheader("Connection", "close")
        upstream.endheaders()
        for piece in self._request_body():
            upstream.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            upstream.send(b"0\r\n\r\n")
        return upstream.getresponse()

    def _request_body(self) -> Iterator[bytes]:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            piece = self.rfile.read(min(left, 4 * _CHUNK))
            if not piece:
                raise ConnectionAbortedError
            left -= len(piece)
            yield piece

    def _keep_body_and_hang_up(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile = io.BytesIO(self.rfile.read(length))
        self._hang_up()

    def _drain(self) -> None:
        for _ in self._request_body():
            pass

    def _headers_of(
        self, response: http.client.HTTPResponse, fault: Fault
    ) -> list[tuple[str, str | None]]:
        replaced = {name.lower() for name in fault.headers}
        if fault.ignore_range:
            replaced.add("accept-ranges")
        kept: list[tuple[str, str | None]] = [
            (name, value)
            for name, value in response.getheaders()
            if name.lower() not in _HOP_BY_HOP | replaced | {"content-length"}
        ]
        return kept + list(fault.headers.items())

    def _head(
        self,
        entry: Entry,
        status: int,
        headers: list[tuple[str, str | None]],
        length: int | None,
        *,
        no_body: bool = False,
    ) -> None:
        entry.status = status
        self.send_response_only(status)
        for name, value in headers:
            if value is not None:
                self.send_header(name, value)
        given = {name.lower() for name, _ in headers}
        self._chunked = False
        if length is not None and status not in _NO_BODY and "content-length" not in given:
            self.send_header("Content-Length", str(length))
        elif length is None and not no_body:
            self._chunked = True
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def _body(self, response: http.client.HTTPResponse, entry: Entry, fault: Fault) -> None:
        expected = response.length
        cut = fault.cut
        if isinstance(cut, tuple):
            cut = self.server.proxy.random.randint(*cut)
        stalled = False
        due = time.monotonic()
        for whole in _disturbed(response, entry.start, fault):
            piece = memoryview(whole)
            while piece:
                ends = [end for end in (cut, None if stalled else fault.stall) if end is not None]
                room = min(ends, default=entry.sent + len(piece)) - entry.sent
                rate = fault.rate or self.server.proxy.rate
                step = len(piece) if rate is None else max(1, int(rate * 0.05))
                if room <= 0:
                    if cut is not None and entry.sent >= cut:
                        raise _Cut
                    stalled = True
                    self.server.proxy.stall(self._gone)
                    continue
                part = piece[: min(room, step, _CHUNK)]
                part = part[: self._passed(entry, len(part))]
                self._send(part)
                piece = piece[len(part) :]
                if rate is not None:
                    due = max(due, time.monotonic() - 0.1) + len(part) / rate
                    self.server.proxy.pause(due - time.monotonic(), self._gone)
        if expected is not None and entry.sent < expected:
            raise ConnectionAbortedError  # the server broke off by itself
        if self._chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _passed(self, entry: Entry, count: int) -> int:
        """Return how many bytes may be sent, at least one, after a stall if need be."""
        while True:
            allowed, then = self.server.proxy.allow(entry, count)
            if allowed:
                return allowed
            if then == "cut":
                raise _Cut
            self.server.proxy.stall(self._gone)

    def _send(self, data: memoryview) -> None:
        if self._chunked:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            self.wfile.write(data)

    def _gone(self) -> bool:
        try:
            ready, _, _ = select.select([self.connection], [], [], 0)
            return bool(ready) and not self.connection.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            return True

    def _hang_up(self, *, reset: bool = False) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            if reset:
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.connection.close()
            else:
                self.connection.shutdown(socket.SHUT_RDWR)


def _disturbed(
    response: http.client.HTTPResponse, start: int, fault: Fault
) -> Iterator[bytes | bytearray]:
    """Yield a body, with a byte turned over or bytes repeated on order."""
    position, total = 0, response.length
    recent = b""
    for chunk in iter(lambda: response.read1(_CHUNK), b""):
        piece: bytes | bytearray = chunk
        at = -1 if fault.corrupt is None else fault.corrupt - start - position
        if 0 <= at < len(chunk):
            piece = bytearray(chunk)
            piece[at] ^= 0xFF
        if fault.repeat is not None:
            at, count = fault.repeat
            if position <= at < position + len(chunk):
                head = recent + bytes(piece[: at - position])
                again = head[max(0, len(head) - count) :]
                piece = bytes(piece[: at - position]) + again + bytes(piece[at - position :])
            recent = (recent + chunk)[-count:] if count else b""
        if total is not None:
            piece = piece[: total - position] if position < total else b""
        position += len(piece)
        if piece:
            yield piece


class RandomFaults:
    """Faults that a share of all requests meets, by chance; ``counts`` has how many met which.

    Parameters
    ----------
    rate
        Share of the requests that go wrong, from 0 to 1.
    seed
        For the choice.
    """

    KINDS: ClassVar[dict[str, Fault]] = {
        "unavailable": Fault(status=503, headers={"Retry-After": "1"}),
        "bad gateway": Fault(status=502, headers={"Content-Type": "text/html"}, body=b"<html>"),
        "dropped": Fault(drop=True),
        "late": Fault(delay=2.0),
        "cut": Fault(cut=(0, 100)),
    }

    def __init__(self, rate: float, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._rate = rate

    def faults(self) -> list[Fault]:
        """Return the faults to add to a proxy."""
        share = self._rate / len(self.KINDS)
        found = [
            # Faults are tried in order: each gets its share of what the ones before it left.
            replace(fault, times=None, when=self._choice(name, share / (1 - share * index)))
            for index, (name, fault) in enumerate(self.KINDS.items())
        ]
        return [Fault(times=None, when=self._count_request), *found]

    def _count_request(self, _: Entry) -> bool:
        self.counts["requests"] += 1
        return False

    def _choice(self, name: str, share: float) -> Callable[[Entry], bool]:
        def is_chosen(_: Entry) -> bool:
            found = self._random.random() < share
            self.counts[name] += found
            return found

        return is_chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target_url", help="the server behind, such as http://127.0.0.1:8000")
    parser.add_argument("--rate", type=float, help="bytes per second of each connection")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; any by default")
    parser.add_argument("--fault-rate", type=float, default=0.0, help="share of random faults")
    parser.add_argument("--seed", type=int, default=0, help="for the random faults")
    parser.add_argument("--verbose", action="store_true", help="print each request")
    options = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    log_to = (lambda entry: print(entry, file=sys.stderr, flush=True)) if options.verbose else None
    with FaultProxy(
        options.target_url, port=options.port, rate=options.rate, log_to=log_to
    ) as proxy:
        faults = RandomFaults(options.fault_rate, options.seed)
        proxy.add(*faults.faults())
        print(f"listening on {proxy.url}", flush=True)
        while not ended.wait(10.0):
            proxy.forget()
        print(json.dumps(faults.counts))


if __name__ == "__main__":
    main()
