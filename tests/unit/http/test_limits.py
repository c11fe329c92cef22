"""Limits of time of a call, with real sockets that answer slowly, in part, or not at all."""

import contextlib
import socket
import threading
import time
from datetime import datetime, timezone

import pytest

from inductiva_widgets import errors
from inductiva_widgets._secret import Secret
from inductiva_widgets.config import Settings
from inductiva_widgets.http import time_limits
from inductiva_widgets.http.client import Client
from inductiva_widgets.http.time_limits import TimeLimits
from inductiva_widgets.http.transport import Transport
from tests.unit.conftest import CANARY

# Far more than any limit below: a busy machine is slow, not endless.
PATIENCE = 30.0
SHORT = TimeLimits(connect=0.5, answer=0.3, total=2.0, tries=3)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"


class Server:
    """Accepts connections and sends each the same bytes, one every ``pause`` seconds, for ever."""

    def __init__(self, sent: bytes, pause: float) -> None:
        self.sent, self.pause = sent, pause
        self.connections = 0
        self.closing = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.connections += 1
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for position in range(len(self.sent)):
                connection.sendall(self.sent[position : position + 1])
                if self.closing.wait(self.pause):
                    return
            self.closing.wait()

    def close(self):
        self.closing.set()
        self.socket.close()


@pytest.fixture
def serve():
    with contextlib.ExitStack() as stack:

        def start(sent=b"", pause=0.0):
            server = Server(sent, pause)
            stack.callback(server.close)
            return server

        yield start


def transport_of(url, repeatable=SHORT, **options):
    options.setdefault("sleep", lambda _: None)
    return Transport(Settings(url, Secret(CANARY), url), repeatable=repeatable, **options)


def seconds_until_timeout(call):
    begun = time.monotonic()
    with pytest.raises(errors.APITimeoutError, match="did not respond in time"):
        call()
    return time.monotonic() - begun


def test_usual_limits_are_those_that_the_docstrings_state():
    assert TimeLimits() == TimeLimits(connect=5.0, answer=15.0, total=60.0, tries=4)
    assert time_limits.UNREPEATABLE.total == 120.0


def test_silent_service_fails_each_try_and_then_the_call(serve):
    server = serve()
    seconds_until_timeout(lambda: transport_of(server.url).call("GET", "/tasks"))
    assert server.connections == SHORT.tries


def test_total_limit_ends_the_call_before_its_tries_are_used_up(serve):
    server = serve()
    many = TimeLimits(connect=0.5, answer=0.3, total=1.0, tries=1000)
    took = seconds_until_timeout(lambda: transport_of(server.url, many).call("GET", "/tasks"))
    assert took < PATIENCE
    assert 1 <= server.connections < 10


def test_total_limit_counts_the_pauses_between_tries(serve):
    slept = []
    server = serve()
    short = TimeLimits(connect=0.5, answer=0.1, total=0.2, tries=1000)
    transport = transport_of(server.url, short, sleep=slept.append)
    seconds_until_timeout(lambda: transport.call("GET", "/tasks"))
    # The shortest pause does not fit, so it is neither taken nor followed by a try.
    assert (slept, server.connections) == ([], 1)


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"[" + b" " * 90_000,
        HEAD[:40] + b"x" * 90_000,
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 90,
    ],
    ids=["body", "header", "headers"],
)
def test_answer_that_never_comes_to_its_end_is_bounded(serve, sent):
    transport = transport_of(serve(sent, pause=0.02).url)
    took = seconds_until_timeout(lambda: transport.call("GET", "/tasks", answer=list))
    assert SHORT.total * 0.5 < took < PATIENCE


def test_service_that_takes_no_connection_fails_within_the_limit():
    # A full queue of connections makes the kernel drop further requests to connect.
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        transport = transport_of(f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert seconds_until_timeout(lambda: transport.call("GET", "/tasks")) < PATIENCE


def test_single_try_makes_one_try_on_this_thread_only(serve):
    server = serve()
    transport = transport_of(server.url)
    with time_limits.single_try():
        seconds_until_timeout(lambda: transport.call("GET", "/tasks"))
        assert server.connections == 1
        other = threading.Thread(
            target=seconds_until_timeout, args=(lambda: transport.call("GET", "/tasks"),)
        )
        other.start()
        other.join()
    assert server.connections == 1 + SHORT.tries


def test_single_timeout_repeats_other_failures_only(serve):
    server = serve()
    transport = transport_of(server.url)
    with time_limits.single_timeout():
        seconds_until_timeout(lambda: transport.call("GET", "/tasks"))
        assert server.connections == 1
        refusing = transport_of("http://127.0.0.1:9", sleep=lambda _: slept.append(1))
        slept: list[int] = []
        with pytest.raises(errors.APIConnectionError):
            refusing.call("GET", "/tasks")
    assert len(slept) == SHORT.tries - 1


def test_single_timeout_bounds_an_answer_that_never_comes_to_its_end(serve):
    patient = TimeLimits(connect=0.5, answer=0.3, total=1000.0, tries=3)
    transport = transport_of(serve(HEAD + b"[" + b" " * 90_000, pause=0.02).url, patient)
    with time_limits.single_timeout():
        took = seconds_until_timeout(lambda: transport.call("GET", "/tasks", answer=list))
    assert took < PATIENCE


def test_calls_that_cannot_be_repeated_are_tried_once_with_their_own_limits(serve):
    server = serve()
    own = TimeLimits(connect=0.5, answer=0.2, total=1.0, tries=1)
    transport = transport_of(server.url, TimeLimits(answer=1000.0, total=1000.0), unrepeatable=own)
    seconds_until_timeout(lambda: transport.call("POST", "/tasks/submit", body={}))
    assert server.connections == 1


def test_answer_that_the_service_may_hold_back_gets_that_much_more_time(serve, monkeypatch):
    seen = []
    transport = transport_of("http://127.0.0.1:9")

    def note(_, timeout):
        seen.append(timeout)
        raise ConnectionError

    monkeypatch.setattr(transport, "_send_once", note)
    with pytest.raises(ConnectionError):
        Client(transport).get_peer_answer("t1", "me", 20)
    assert 20.0 < seen[0][1] <= 20.0 + SHORT.answer


def test_whole_answer_leaves_the_connection_for_the_next_call(serve):
    class Once(Server):
        def serve(self, connection):
            with connection, contextlib.suppress(OSError):
                while connection.recv(65536):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

    server = Once(b"", 0)
    try:
        transport = transport_of(server.url, TimeLimits())
        for _ in range(3):
            assert transport.call("GET", "/tasks", answer=list) == []
        assert server.connections == 1
    finally:
        server.close()


@pytest.mark.parametrize(
    "date",
    [
        "Thu, 01 Feb 2024 17:16:17",
        "Thu, 01 Feb 2024 17:16:17 -0000",
        "Thu, 01 Feb 2024 17:16:17 GMT, Thu, 01 Feb 2024 17:16:17 GMT",
        "Thu, 01 Feb 0001 17:16:17 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "99",
        "",
    ],
)
def test_call_succeeds_with_an_odd_date_header(serve, date):
    stated = b"HTTP/1.1 200 OK\r\nDate: %b\r\nContent-Length: 2\r\n\r\n[]" % date.encode()
    client = Client(transport_of(serve(stated).url))
    assert client.list_machine_groups() == []
    assert abs(client.server_time.year - datetime.now(timezone.utc).year) < 100
