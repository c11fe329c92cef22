"""The door for HTTP against a real server on loopback that misbehaves on demand."""

import threading
import tracemalloc
import zlib
from collections import deque
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from inductiva_widgets import errors
from inductiva_widgets._secret import Secret
from inductiva_widgets.config import SERVER_NAME, Settings
from inductiva_widgets.http import time_limits
from inductiva_widgets.http import transport as transport_module
from inductiva_widgets.http.transport import TRIES, Transport
from inductiva_widgets.models.tasks import TaskInfo, TaskPage
from tests.unit.conftest import CANARY


class Script:
    """Answers in order, the last one for ever; each is (status, headers, body) or "cut"."""

    def __init__(self):
        self.answers = deque([(200, {}, b"{}")])
        self.seen = []

    def set(self, *answers):
        self.answers = deque(answers)

    def next(self):
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def server(script):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            script.seen.append((self.command, self.path, dict(self.headers), body))
            answer = script.next()
            if answer == "cut":
                self.close_connection = True
                self.connection.close()
                return
            status, headers, content = answer
            self.send_response_only(status)
            usual = {"Content-Type": "application/json", "Date": self.date_time_string()}
            for name, value in (usual | headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815 - the library's names

        def log_message(self, *_):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def transport(server, pauses):
    return Transport(Settings(server, Secret(CANARY), server), sleep=pauses.append)


def test_key_goes_with_api_calls(transport, script):
    transport.call(
        "GET", "/tasks", params={"page": 1, "status": None, "paths": ["a", "b"], "on": True}
    )
    method, path, headers, _ = script.seen[0]
    assert (method, path) == ("GET", "/tasks?page=1&paths=a&paths=b&on=true")
    assert headers["X-API-Key"] == CANARY


def test_key_stays_home_on_signed_links_and_for_the_catalogue(transport, script, server):
    transport.upload(f"{server}/signed?signature=s", lambda: iter([b"ab", b"c"]))
    transport.call("GET", "/simulators/available-images", keyed=False)
    assert [CANARY in str(seen[2]) for seen in script.seen] == [False, False]
    assert script.seen[0][3] == b"abc"


def test_redirect_is_not_followed(transport, script):
    script.set((302, {"Location": "http://elsewhere.invalid/"}, b""))
    with pytest.raises(errors.UnexpectedResponseError, match=r"elsewhere\.invalid"):
        transport.call("GET", "/tasks")
    assert len(script.seen) == 1


@pytest.mark.parametrize("fault", [(503, {}, b""), (429, {}, b""), (500, {}, b"oops"), "cut"])
def test_safe_call_is_tried_again(transport, script, pauses, fault):
    script.set(fault, fault, (200, {}, b'{"tasks": []}'))
    assert transport.call("GET", "/tasks", answer=TaskPage).tasks == []
    assert len(script.seen) == 3
    assert len(pauses) == 2
    assert pauses[1] > pauses[0] * 0.9


def test_retry_after_is_honoured(transport, script, pauses):
    script.set((429, {"Retry-After": "7"}, b""), (200, {}, b"{}"))
    transport.call("GET", "/tasks")
    assert pauses == [7.0]


def test_retries_end(transport, script):
    script.set((503, {}, b'{"detail": "maintenance"}'))
    with pytest.raises(errors.ServerError, match="maintenance") as caught:
        transport.call("GET", "/tasks")
    assert len(script.seen) == TRIES
    assert (caught.value.status, caught.value.endpoint) == (503, "GET /tasks")


def test_submission_is_never_repeated(transport, script):
    script.set((503, {}, b""))
    with pytest.raises(errors.ServerError):
        transport.call("POST", "/tasks/submit", body={})
    assert len(script.seen) == 1


def test_kill_may_be_repeated(transport, script):
    script.set((503, {}, b""), (200, {}, b"{}"))
    transport.call("POST", "/tasks/x/kill", retry=True)
    assert len(script.seen) == 2


def test_service_words_are_in_the_error(transport, script):
    body = b'{"detail": [{"loc": ["query", "page"], "msg": "must be positive", "type": "x"}]}'
    script.set((422, {}, body))
    with pytest.raises(errors.InvalidRequestError, match=r"query\.page: must be positive"):
        transport.call("GET", "/tasks")


def test_refused_key_says_what_to_check_and_not_the_key(transport, script):
    script.set((401, {}, b'{"detail": "Invalid API key"}'))
    with pytest.raises(errors.AuthenticationError, match="INDUCTIVA_API_KEY") as caught:
        transport.call("GET", "/tasks")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "body", "why"),
    [
        ({"Content-Type": "text/html"}, b"<html>login</html>", "text/html"),
        ({}, b"{not json", "malformed"),
        ({}, b'{"tasks": 3}', "Expected `array`"),
        ({}, b"", "truncated"),
    ],
)
def test_answer_of_another_kind_is_one_error_naming_the_endpoint(
    transport, script, headers, body, why
):
    script.set((200, headers, body))
    with pytest.raises(errors.UnexpectedResponseError, match="GET /tasks") as caught:
        transport.call("GET", "/tasks", answer=TaskPage)
    assert why in str(caught.value)


def test_unreachable_server_is_one_clear_error():
    settings = Settings("http://127.0.0.1:9", Secret(CANARY), "http://x")
    transport = Transport(settings, sleep=lambda _: None)
    with pytest.raises(errors.APIConnectionError, match="the connection was refused"):
        transport.call("GET", "/tasks")


def test_unknown_host_is_one_clear_error():
    settings = Settings("http://no-such-host.invalid", Secret(CANARY), "http://x")
    with pytest.raises(errors.APIConnectionError, match="host name could not be resolved"):
        Transport(settings, sleep=lambda _: None).call("GET", "/tasks")


def test_refused_connection_revives_the_embedded_server_once(server, script):
    dead = Settings("http://127.0.0.1:9", Secret("old"), "http://127.0.0.1:9", is_local=True)
    alive = Settings(server, Secret("new"), server, is_local=True)
    revived = []

    def revive():
        revived.append(1)
        return alive

    transport = Transport(dead, revive=revive, sleep=lambda _: None)
    transport.call("POST", "/tasks/submit", body={})
    transport.call("GET", "/tasks")
    assert len(revived) == 1
    assert script.seen[0][2]["X-API-Key"] == "new"


def test_clock_skew_is_read_from_the_answer(transport, script):
    transport.call("GET", "/tasks")
    assert transport.clock_skew == 0.0


@pytest.mark.parametrize(
    ("ahead", "took", "skew"),
    [
        (0, 20, 0.0),  # a late answer, dated when it was asked for
        (20, 20, 0.0),  # or when it was sent
        (-30, 0, -30.0),
        (3600, 20, 3590.0),
    ],
)
def test_late_answer_does_not_shift_the_clock(transport, script, monkeypatch, ahead, took, skew):
    asked = datetime.now(timezone.utc)
    script.set(
        (200, {"Date": format_datetime(asked + timedelta(seconds=ahead), usegmt=True)}, b"{}")
    )
    real = transport_module.time

    class Late:
        @staticmethod
        def monotonic():
            return real.monotonic() + (took if script.seen else 0)

    class LateClock(datetime):
        @classmethod
        def now(cls, tz=None):
            return asked + timedelta(seconds=took)

    monkeypatch.setattr(transport_module, "time", Late)
    monkeypatch.setattr(transport_module, "datetime", LateClock)
    transport.call("GET", "/tasks")
    assert transport.clock_skew == pytest.approx(skew, abs=2.0)


@pytest.mark.parametrize("status", [404, 500, 502, 503])
def test_error_of_a_proxy_changes_neither_clock_nor_kind_of_the_service(transport, script, status):
    script.set((200, {"Server": SERVER_NAME}, b"{}"))
    transport.call("GET", "/tasks")
    assert transport.is_embedded
    script.set((status, {"Server": "nginx", "Date": "Thu, 01 Feb 2024 17:16:17 GMT"}, b"<html>"))
    with pytest.raises(errors.InductivaError):
        transport.call("GET", "/tasks")
    assert transport.is_embedded
    assert transport.clock_skew == 0.0


def _nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (_nested(100_000), {}),
        (b'{"detail":' + _nested(100_000) + b"}", {}),
        (b'{"detail": [{"loc": 3, "msg": [1]}, {"loc": null}, 7]}', {}),
        (b"[1, 2", {}),
        (b'"text"', {}),
        (b"7", {}),
        (b"null", {}),
        (b"", {}),
        (b"not gzip", {"Content-Encoding": "gzip"}),
    ],
    ids=[
        "nesting", "nested detail", "odd detail", "cut", "text", "number", "null", "nothing",
        "wrong encoding",
    ],
)  # fmt: skip
def test_answer_of_no_use_is_one_of_our_errors(transport, script, status, content, headers):
    script.set((status, headers, content))
    with pytest.raises(errors.InductivaError):
        transport.call("GET", "/tasks/t1", answer=TaskInfo)


@pytest.mark.parametrize("status", [200, 404])
def test_answer_that_expands_a_thousandfold_is_refused_early(transport, script, status):
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(b" " * 1_000_000) for _ in range(300)) + packer.flush()
    assert len(packed) < 400_000
    script.set((status, {"Content-Encoding": "gzip"}, packed))
    tracemalloc.start()
    try:
        with pytest.raises(errors.UnexpectedResponseError, match="at most 64 MiB"):
            transport.call("GET", "/tasks")
        assert tracemalloc.get_traced_memory()[1] < 2 * time_limits.MAX_RESPONSE
    finally:
        tracemalloc.stop()
    assert len(script.seen) == 1


def test_answer_without_content_is_an_error_unless_the_type_allows_it(transport, script):
    script.set((204, {}, b""))
    with pytest.raises(errors.UnexpectedResponseError, match="/tasks/t1"):
        transport.call("GET", "/tasks/t1", answer=TaskInfo)
    assert transport.call("GET", "/tasks/t1", answer=TaskInfo | None) is None
    assert transport.call("GET", "/tasks/t1") is None


def test_malformed_redirect_is_one_of_our_errors(transport, script):
    script.set((302, {"Location": "http://[::1"}, b""))
    with pytest.raises(errors.UnexpectedResponseError, match="malformed redirect"):
        transport.call("GET", "/tasks")


def test_upload_that_is_refused_raises(transport, script, server):
    script.set((403, {}, b"<Error>expired</Error>"))
    with pytest.raises(errors.AuthenticationError):
        transport.upload(f"{server}/signed?signature=secret", lambda: iter([b"x"]))


def test_broken_upload_starts_again_from_its_first_byte(transport, script, server):
    script.set((503, {}, b""), (200, {}, b""))
    transport.upload(f"{server}/signed", lambda: iter([b"all"]))
    assert [seen[3] for seen in script.seen] == [b"all", b"all"]


@pytest.mark.parametrize("error", [OSError("no such file"), ValueError("odd"), EOFError()])
def test_error_of_the_content_to_upload_is_raised_unchanged_after_one_try(
    transport, server, pauses, error
):
    tries = []

    def content():
        tries.append(1)
        yield b"first"
        raise error

    with pytest.raises(type(error)) as caught:
        transport.upload(f"{server}/signed?signature=secret", content)
    assert caught.value is error
    assert (len(tries), pauses) == (1, [])


def test_unreachable_store_is_named_without_the_signature(transport):
    with pytest.raises(errors.APIConnectionError) as caught:
        transport.upload("http://127.0.0.1:1/signed?signature=secret", lambda: iter([b"x"]))
    assert str(caught.value).startswith("http://127.0.0.1:1 cannot be reached")
    assert "secret" not in str(caught.value)
    assert "INDUCTIVA_API_URL" not in str(caught.value)


def test_persistent_block_makes_more_tries_of_repeatable_calls_only(transport, script):
    script.set((503, {}, b""))
    with time_limits.persistent(), pytest.raises(errors.ServerError):
        transport.call("GET", "/tasks")
    assert len(script.seen) == time_limits.PERSISTENT_TRIES > TRIES
    script.seen.clear()
    with time_limits.persistent(), pytest.raises(errors.ServerError):
        transport.call("POST", "/tasks/submit")
    assert len(script.seen) == 1


def test_retry_after_beyond_the_limit_is_an_error_at_once_that_says_it(transport, script, pauses):
    script.set((429, {"Retry-After": "600"}, b""))
    with pytest.raises(errors.RateLimitError, match="try again in 600 s") as caught:
        transport.call("GET", "/tasks")
    assert (pauses, len(script.seen), caught.value.retry_after) == ([], 1, 600.0)


def test_retry_after_is_honoured_up_to_a_minute_in_one_call(transport, script, pauses):
    script.set((503, {"Retry-After": "25"}, b""))
    with pytest.raises(errors.ServerError):
        transport.call("GET", "/tasks")
    assert pauses == [25.0, 25.0]
