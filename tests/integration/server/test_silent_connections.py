"""Clients that connect and then do nothing, on the real server."""

from __future__ import annotations

import contextlib
import socket
import time
from urllib.parse import urlsplit

import pytest
import requests

COUNT = 200
_HEAD = "{} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {}\r\n"
SILENT = {
    "nothing": "",
    "half a head": _HEAD,
    "half a body": _HEAD + "Content-Length: 1000\r\n\r\n{{",
    "reads nothing": _HEAD + "\r\n",
}


@pytest.mark.parametrize("sent", SILENT.values(), ids=SILENT)
def test_silent_connections_do_not_delay_a_request(shared, sent):
    address = urlsplit(shared.url)
    line = "POST /tasks/submit" if "Content-Length" in sent else "GET /openapi.json"
    with contextlib.ExitStack() as connections:
        for _ in range(COUNT):
            connection = socket.create_connection((address.hostname, address.port), 30)
            connections.enter_context(connection)
            connection.sendall(sent.format(line, shared.key).encode())
        # Those before it are answered, too.
        shared.get("/tasks")
        began = time.monotonic()
        headers = {"X-API-Key": shared.key}
        response = requests.get(f"{shared.url}/tasks", headers=headers, timeout=60)
        assert response.status_code == 200
        assert time.monotonic() - began < 1.0


def test_client_that_closes_within_a_request_is_no_error_of_the_server(server):
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), 30) as connection:
        line = SILENT["half a body"].format("POST /tasks/submit", server.key)
        connection.sendall(line.encode())
        # The server has begun to read the body.
        server.get("/tasks")
    server.get("/tasks")
    assert server.end() == (0, "", "")
