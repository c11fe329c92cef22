"""A service that answers about given tasks over HTTP, behind a proxy that fails on order."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from inductiva_widgets import errors
from tests.fault_proxy import FaultProxy
from tests.unit.conftest import FakeTransport


@contextlib.contextmanager
def task_service(tasks: dict[str, dict[str, Any]]) -> Iterator[FaultProxy]:
    """Serve tasks as the wire has them, by their ids; the caller changes them at any time."""
    data = FakeTransport([])
    data.tasks = tasks

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            params = {key: int(value) for key, value in query.items() if value.isdigit()}
            try:
                status, found = 200, data._answer("GET", parts.path, {**query, **params})
            except errors.NotFoundError:
                status, found = 404, {"detail": "Task not found"}
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        with FaultProxy(f"http://127.0.0.1:{server.server_address[1]}") as proxy:
            yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
