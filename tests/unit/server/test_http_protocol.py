"""Connections whose client is silent, against a real server with short limits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time

import pytest
import uvicorn

from inductiva_widgets.server.http_protocol import TimedProtocol

PATIENCE = 30.0
LARGE = 64 << 20
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


class ShortLimits(TimedProtocol):
    max_head_seconds = 1.0
    max_stall_seconds = 1.0
    check_period = 0.05


async def app(scope, receive, send):
    """Read the body, and answer with as many bytes as the path says, or late."""
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/late":
        await asyncio.sleep(2.0)
    body = bytes(LARGE if scope["path"] == "/large" else 2)
    size = str(len(body)).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", size)]}
    )
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def address():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http=ShortLimits, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True
        )
        thread.start()
        yield listener.getsockname()
        server.should_exit = True
        thread.join(PATIENCE)


@pytest.fixture
def connect(address):
    with contextlib.ExitStack() as connections:
        yield lambda: connections.enter_context(socket.create_connection(address, PATIENCE))


def closed(connection):
    """Return whether the server closes the connection, whatever it has sent."""
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(1 << 20):
            pass
    return True


def answers(connection):
    """Return whether a whole response with two bytes arrives."""
    data = b""
    while not data.endswith(b"\r\n\r\n\0\0"):
        more = connection.recv(1000)
        if not more:
            return False
        data += more
    return True


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HTTP/1.1\r\nHos", POST, POST + b"half", GET + b"GET /"],
    ids=["nothing", "half a head", "no body", "half a body", "half of a second head"],
)
def test_silent_connection_is_closed(connect, sent):
    connection = connect()
    connection.sendall(sent)
    assert closed(connection)


def test_head_that_comes_byte_by_byte_is_closed(connect):
    connection = connect()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        time.sleep(0.05)
        try:
            connection.sendall(b"x")
        except ConnectionError:
            return
    pytest.fail("the connection is still open")


def test_connection_that_does_not_read_its_response_is_closed(connect):
    connection = connect()
    connection.sendall(GET.replace(b"/ ", b"/large "))
    time.sleep(3.0)  # longer than the limits: what is not read by then is lost
    count = 0
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(1 << 20):
            count += len(data)
    assert count < LARGE


def test_slow_upload_and_slow_response_are_not_closed(connect):
    connection = connect()
    connection.sendall(POST)
    for _ in range(10):
        time.sleep(0.15)
        connection.sendall(b"x")
    assert answers(connection)
    connection.sendall(GET.replace(b"/ ", b"/late "))
    assert answers(connection)


def test_idle_connection_between_two_requests_is_kept(connect):
    connection = connect()
    for _ in range(2):
        connection.sendall(GET)
        assert answers(connection)
        time.sleep(1.5)
    connection.sendall(GET)
    assert answers(connection)
