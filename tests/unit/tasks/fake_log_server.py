"""What is followed in tests: a small HTTP server as the embedded one is, and a listener."""

from __future__ import annotations

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from inductiva_widgets._secret import Secret
from inductiva_widgets.config import SERVER_NAME, Settings
from inductiva_widgets.http.client import Client
from inductiva_widgets.http.transport import Transport
from inductiva_widgets.tasks import _log_stream
from tests.unit.conftest import wire_task

MODIFIED = 1_700_000_000.5


class Disk:
    """Files behind HTTP, by the embedded server's contract; the test writes them."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[dict[str, str]] = []
        self.task = wire_task("t1", "computation-started", status_history=[])
        self.is_broken = False
        disk = self

        class Handler(BaseHTTPRequestHandler):
            server_version, sys_version = SERVER_NAME, ""
            protocol_version = "HTTP/1.1"

            def version_string(self):
                return SERVER_NAME

            def log_message(self, *args):
                pass

            def do_GET(self):
                disk.serve(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{self.server.server_port}"
        self.client = Client(Transport(Settings(url, Secret("key"), url), sleep=lambda _: None))

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if "/files/" in parts.path:
            self.asked.append(query)
            found = None if self.is_broken else self.files.get(parts.path.rpartition("/")[2])
            if found is None:
                self._send(request, 500 if self.is_broken else 404, b"{}")
                return
            if "after" in query:
                after = int(query["after"])
                data = found[after : after + int(query["most"])]
            else:
                data = found[max(0, len(found) - int(query["tail_bytes"])) :]
            self._send(request, 200, data, size=len(found))
            return
        import msgspec

        body = dict(self.task)
        if parts.path.endswith("/status"):
            body = {key: body[key] for key in ("status", "is_terminated")} | {"id": "t1"}
        self._send(request, 200, msgspec.json.encode(body))

    def _send(self, request, status, data, size=None):
        with contextlib.suppress(OSError):
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(data)))
            if size is not None:
                request.send_header("x-file-size", str(size))
                request.send_header("x-file-modified", str(MODIFIED))
            request.end_headers()
            request.wfile.write(data)


class Ear:
    """A listener that keeps all."""

    def __init__(self) -> None:
        self.chunks = []
        self.states = []
        self.came = threading.Condition()

    def on_data(self, piece):
        with self.came:
            self.chunks.append(piece)
            self.came.notify_all()

    def on_state(self, state):
        with self.came:
            self.states.append(state)
            self.came.notify_all()

    @property
    def text(self) -> bytes:
        return b"".join(piece.data for piece in self.chunks)

    def until(self, is_enough, seconds=60):
        with self.came:
            assert self.came.wait_for(is_enough, seconds), (self.chunks[-3:], self.states[-3:])


def readers_of(client):
    """Return the files that are read for one service; other tests may have left some open."""
    return [name for reading, _, name in list(_log_stream._streams) if reading is client]


def until(is_enough, seconds=60):
    deadline = time.monotonic() + seconds
    while not is_enough():
        assert time.monotonic() < deadline
        time.sleep(0.01)
