"""A canary key is searched for in whatever shows the variables of a failed call."""

import contextlib
import copy
import http.client
import io
import os
import pickle
import socket
import socketserver
import subprocess
import sys
import threading
import traceback

import pytest
import requests
from rich.console import Console
from rich.traceback import Traceback

import inductiva_widgets as inductiva
from inductiva_widgets import connect, errors
from inductiva_widgets.http import time_limits

KEY = "canary-4c9d1e77"
SIGNATURE = "5ec2e7"
PATIENCE = 30.0
HEAD = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"
ANSWERS = {
    "ok": HEAD % (b"200 OK", 2, b"") + b"[]",
    "unauthorized": HEAD % (b"401 Unauthorized", 2, b"") + b"{}",
    "broken": HEAD % (b"500 Oops", 2, b"") + b"{}",
    "no json": HEAD % (b"200 OK", 5, b"") + b"{oops",
    "wrong type": HEAD % (b"200 OK", 4, b"") + b'"no"',
    "redirect": HEAD % (b"302 Found", 0, b"Location: http://elsewhere.invalid/\r\n"),
    "cut": HEAD % (b"200 OK", 999, b"") + b"[",
    "no http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "reset": b"",
}


class FaultyServer(socketserver.ThreadingTCPServer):
    """Sends the same bytes to every request, or nothing, and records what it has received."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received = []
        self.answer = ANSWERS["ok"]
        self.is_over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.BaseRequestHandler):
    def handle(self):
        got = b""
        while b"\r\n\r\n" not in got:
            if not (data := self.request.recv(65536)):
                return
            got += data
        self.server.received.append(got)
        if self.server.answer is None:
            self.server.is_over.wait(PATIENCE)
        else:
            self.request.sendall(self.server.answer)


@pytest.fixture
def faulty():
    with FaultyServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.is_over.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def default_client(monkeypatch):
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", None)


def fail(url):
    """Make a call that fails, and return the exception."""
    client = connect(url, api_key=KEY)
    with pytest.raises(errors.InductivaError) as caught, time_limits.single_try(0.5):
        client.list_machine_groups()
    return caught.value


def chained(error):
    """Yield an exception and all that it is chained to or wraps."""
    pending, seen = [error], []
    while pending:
        current = pending.pop()
        if isinstance(current, BaseException) and not any(current is one for one in seen):
            seen.append(current)
            yield current
            pending += [current.__cause__, current.__context__, *current.args]
            pending.append(getattr(current, "reason", None))


def shown(error):
    """Return what tools show of an exception: variables of all frames, attributes, headers."""
    parts = ["".join(traceback.format_exception(error)), with_rich(error)]
    for one in chained(error):
        parts += [repr(one), repr(vars(one))]
        request = getattr(one, "request", None)
        parts.append(repr(getattr(request, "headers", None)))
        with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
            parts.append(repr(pickle.dumps(one)))
        trace = one.__traceback__
        while trace is not None:
            if is_outside_this_module(trace.tb_frame):
                parts += frame_values(trace.tb_frame)
            trace = trace.tb_next
    return "\n".join(parts)


def is_outside_this_module(frame):
    """Return whether a frame is of the package or of its libraries."""
    return frame.f_globals.get("__name__") != __name__


def frame_values(frame):
    """Yield the reprs of local variables, and of their attributes and those of these."""
    for value in frame.f_locals.values():
        yield repr(value)
        for attribute in getattr(value, "__dict__", {}).values():
            yield repr(attribute)
            for inner in getattr(attribute, "__dict__", {}).values():
                yield repr(inner)


def with_rich(error):
    """Return the traceback of rich with all local variables, but those of this module."""
    out = io.StringIO()
    options = {"locals_max_length": None, "locals_max_string": None, "locals_hide_dunder": False}
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__") == __name__:
        trace = trace.tb_next
    Console(file=out, width=4000).print(
        Traceback.from_exception(type(error), error, trace, show_locals=True, **options)
    )
    return out.getvalue()


def assert_failure_hides_the_key(error):
    text = shown(error)
    assert KEY not in text, next(line for line in text.splitlines() if KEY in line)[:2000]


def test_the_search_finds_a_key_in_the_frames_of_requests(faulty):
    faulty.answer = ANSWERS["reset"]
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get(faulty.url, headers={"X-API-Key": KEY}, timeout=PATIENCE)
    assert KEY in shown(caught.value)
    assert KEY in with_rich(caught.value)


def test_server_receives_the_key_once_as_a_header(faulty):
    connect(faulty.url, api_key=KEY).list_machine_groups()
    [request] = faulty.received
    lines = request.decode().split("\r\n\r\n")[0].split("\r\n")
    assert [line for line in lines if KEY in line] == [f"X-API-Key: {KEY}"]


@pytest.mark.parametrize("kind", sorted(set(ANSWERS) - {"ok"}))
def test_failed_call_shows_no_key(faulty, kind):
    faulty.answer = ANSWERS[kind]
    error = fail(faulty.url)
    assert KEY.encode() in faulty.received[0]
    assert_failure_hides_the_key(error)


def test_timeout_shows_no_key(faulty):
    faulty.answer = None
    error = fail(faulty.url)
    assert isinstance(error, errors.APITimeoutError)
    assert_failure_hides_the_key(error)


def test_refused_connection_shows_no_key():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert_failure_hides_the_key(fail(f"http://127.0.0.1:{port}"))


def test_failed_handshake_shows_no_key(faulty):
    error = fail(faulty.url.replace("http:", "https:"))
    assert isinstance(error, errors.APIConnectionError)
    assert_failure_hides_the_key(error)


def test_proxy_of_a_secure_service_receives_no_key(faulty, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", faulty.url)
    faulty.answer = ANSWERS["unauthorized"]
    assert_failure_hides_the_key(fail("https://service.invalid"))
    assert faulty.received[0].startswith(b"CONNECT service.invalid:443 ")
    assert KEY.encode() not in b"".join(faulty.received)


def test_failure_while_the_request_is_sent_shows_no_key(faulty, monkeypatch):
    client = connect(faulty.url, api_key=KEY)
    monkeypatch.setattr(
        "urllib3.util.connection.create_connection", lambda *_, **__: closed_socket()
    )
    with pytest.raises(errors.APIConnectionError) as caught, time_limits.single_try(0.5):
        client.list_machine_groups()
    assert "Bad file descriptor" in str(caught.value)
    assert_failure_hides_the_key(caught.value)


def closed_socket():
    connection = socket.socket()
    connection.close()
    return connection


def test_interrupt_shows_no_key(faulty, monkeypatch):
    client = connect(faulty.url, api_key=KEY)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(http.client.HTTPResponse, "begin", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        client.list_machine_groups()
    assert_failure_hides_the_key(caught.value)


@pytest.mark.parametrize("key", [f"{KEY} x", f"'{KEY}'", f"{KEY}é", KEY.encode()])
def test_malformed_key_is_not_shown(key):
    with pytest.raises(errors.ConfigurationError) as caught:
        connect("http://127.0.0.1:9", api_key=key)
    assert_failure_hides_the_key(caught.value)


def test_key_file_that_cannot_be_decoded_is_not_shown(monkeypatch, tmp_path):
    monkeypatch.delenv("INDUCTIVA_API_KEY", raising=False)
    path = tmp_path / "api_key"
    path.write_bytes(KEY.encode() + b"\xff")
    monkeypatch.setattr("inductiva_widgets.config.key_file", lambda: path)
    with pytest.raises(errors.ConfigurationError) as caught:
        connect("http://127.0.0.1:9")
    assert_failure_hides_the_key(caught.value)


def test_debug_output_of_http_client_shows_no_key(faulty, monkeypatch, capsys):
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    connect(faulty.url, api_key=KEY).list_machine_groups()
    assert KEY.encode() in faulty.received[0]
    out = capsys.readouterr().out
    assert "send:" in out
    assert KEY not in out


def test_values_and_copies_show_no_key_and_pickles_are_refused():
    client = connect("http://127.0.0.1:9", api_key=KEY)
    settings = client.settings
    task = inductiva.Task("abc", client=client)
    for value in (client, client.transport, settings, settings.api_key, task):
        assert KEY not in f"{value} {value!r} {getattr(value, '__dict__', None)}"
    assert KEY not in f"{settings.api_key:}{[settings.api_key]}"
    for copied in (copy.copy(settings), copy.deepcopy(settings)):
        assert copied == settings
        assert KEY not in repr(vars(copied))
    for value in (client, settings, settings.api_key, task):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(value)


def test_failed_upload_shows_no_signature(faulty):
    client = connect(faulty.url, api_key=KEY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/file", f"{faulty.url}/file"):
        faulty.answer = ANSWERS["broken"]
        link = f"{url}?X-Goog-Signature={SIGNATURE}"
        with pytest.raises(errors.InductivaError) as caught, time_limits.single_try(0.5):
            client.upload(link, lambda: iter([b"data"]))
        for one in chained(caught.value):
            assert SIGNATURE not in repr(one) + repr(vars(one))
        assert SIGNATURE not in "".join(traceback.format_exception(caught.value))


VERBOSE = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor")
shell.run_cell("%xmode Verbose")
shell.run_cell("import inductiva_widgets as inductiva, requests, sys")
shell.run_cell("from inductiva_widgets.http import time_limits")
for url in sys.argv[1:]:
    shell.run_cell(
        f"with time_limits.single_try(0.5): inductiva.connect({url!r}).list_machine_groups()"
    )
shell.run_cell("requests.get(sys.argv[1], headers={'X-Other': 'seen-' + 'header'}, timeout=30)")
"""


def test_verbose_tracebacks_of_ipython_show_no_key(faulty, tmp_path):
    faulty.answer = ANSWERS["reset"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refused = f"http://127.0.0.1:{listener.getsockname()[1]}"
    urls = [faulty.url, refused, faulty.url.replace("http:", "https:"), "ftp://odd"]
    out = ipython(urls, KEY, tmp_path)
    assert out.count("APIConnectionError") >= 3
    assert out.count("ConfigurationError") >= 1
    # The frames of requests were shown with their variables.
    assert "seen-header" in out
    assert KEY not in out, next(line for line in out.splitlines() if KEY in line)[:2000]


def test_verbose_traceback_of_ipython_shows_no_malformed_key(faulty, tmp_path):
    out = ipython([faulty.url], f"'{KEY}'", tmp_path)
    assert "must consist of letters" in out
    assert KEY not in out, next(line for line in out.splitlines() if KEY in line)[:2000]


def ipython(urls, key, folder):
    """Return what IPython prints of calls to these addresses, with the key in the environment."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("INDUCTIVA_")}
    environment |= {"INDUCTIVA_API_KEY": key, "IPYTHONDIR": str(folder), "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", VERBOSE, *urls],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=10 * PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
