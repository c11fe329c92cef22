"""Starting a server, or finding the one that is there."""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading

import psutil
import pytest
import requests

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.server import __main__, auth, serve, signed_urls
from inductiva_widgets.server.launch import start_or_attach
from inductiva_widgets.server.log_setup import set_up_log
from tests.integration.server.conftest import ROOT, LocalServer, is_running, until

LAUNCH = """
import sys
from inductiva_widgets.server.launch import start_or_attach
server = start_or_attach(sys.argv[1], idle_timeout=float(sys.argv[2]))
print(server.url, server.pid, server.api_key.reveal())
"""


def launch(folder, idle_timeout="600"):
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(folder), idle_timeout],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.split()


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "data"
    note = tmp_path / "data" / "server.json"
    if note.exists():
        pid = json.loads(note.read_text())["pid"]
        os.kill(pid, signal.SIGTERM)
        until(lambda: not is_running(pid), "the server to end")


def test_processes_that_start_at_once_share_one_server_which_outlives_them(folder):
    processes = [launch(folder) for _ in range(8)]
    [answer] = {tuple(said(process)) for process in processes}
    url, pid, key = answer
    headers = {"X-API-Key": key}
    assert requests.get(f"{url}/tasks", headers=headers, timeout=30).json()["total_size"] == 0
    assert is_running(int(pid))
    assert (folder / "server.out").read_text() == f"listening on {url}\n"
    servers = [one.pid for one in psutil.process_iter(["cmdline"]) if _serves(one, folder)]
    assert servers == [int(pid)]


def _serves(process, folder):
    words = process.info["cmdline"] or []
    return "inductiva_widgets.server" in words and str(folder) in words


def test_files_of_a_detached_server_are_for_its_user_only(folder):
    said(launch(folder))
    assert folder.stat().st_mode & 0o777 == 0o700
    names = ("server.json", "server.log", "server.out", "api_key", "link_secret")
    assert {name: oct((folder / name).stat().st_mode & 0o777) for name in names} == dict.fromkeys(
        names, "0o600"
    )


def test_server_that_nobody_needs_ends_and_the_next_one_has_the_same_key(folder):
    _, pid, key = said(launch(folder, idle_timeout="0.5"))
    until(lambda: not is_running(int(pid)), "the idle server to end")
    assert not (folder / "server.json").exists()
    again = start_or_attach(folder)
    assert str(again.pid) != pid
    assert again.api_key.reveal() == key


@pytest.mark.extended
def test_idle_server_stays_while_a_task_runs(folder, tmp_path):
    url, pid, key = said(launch(folder, idle_timeout="4"))
    session = requests.Session()
    session.headers["X-API-Key"] = key
    go_on = tmp_path / "go-on"
    task_id = _submit_waiting_task(session, url, go_on)
    state = folder / "tasks" / task_id / "events.jsonl"
    until(lambda: state.exists() and "command_running" in state.read_text(), "the task to run")
    # Far longer than it would stay otherwise; there is no event to wait for.
    with pytest.raises(AssertionError):
        until(lambda: not is_running(int(pid)), "the server to end too early", patience=8.0)
    go_on.touch()
    until(lambda: not is_running(int(pid)), "the server to end")


def _submit_waiting_task(session, url, go_on):
    from tests.integration.server.conftest import input_zip

    command = {"cmd": f"bash wait.sh {go_on}", "prompts": []}
    body = {
        "simulator": "arbitrary_commands",
        "resource_pool": "local",
        "container_image": "x",
        "extra_params": {"commands": [command]},
    }
    task_id = session.post(f"{url}/tasks/submit", json=body).json()["id"]
    query = {"operation": "upload", "paths": f"/{task_id}/input.zip"}
    link = session.get(f"{url}/storage/signed-urls", params=query).json()[0]
    script = 'until [ -e "$1" ]; do sleep 0.05; done\n'
    requests.put(link, data=input_zip({"wait.sh": script}), timeout=30)
    assert session.post(f"{url}/tasks/{task_id}/input_uploaded").status_code == 200
    return task_id


def test_stale_note_is_replaced(folder):
    first = start_or_attach(folder)
    assert start_or_attach(folder) == first
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: not is_running(first.pid), "the server to be gone")
    assert (folder / "server.json").exists()
    second = start_or_attach(folder)
    assert second.pid != first.pid
    assert second.is_alive()
    assert not first.is_alive()


def test_server_of_another_folder_at_the_same_address_is_not_taken(folder, tmp_path):
    other = start_or_attach(tmp_path / "other")
    try:
        folder.mkdir()
        note = json.loads((tmp_path / "other" / "server.json").read_text())
        (folder / "server.json").write_text(json.dumps({**note, "instance": "of the past"}))
        mine = start_or_attach(folder)
        assert mine.url != other.url
    finally:
        os.kill(other.pid, signal.SIGTERM)
        until(lambda: not is_running(other.pid), "the other server to end")


def test_server_that_cannot_start_tells_why(folder):
    folder.mkdir()
    (folder / "store.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(LocalServerError) as caught:
        start_or_attach(folder)
    message = str(caught.value)
    assert f"The store {folder / 'store.sqlite3'} is damaged: file is not a database." in message
    assert "Restore a backup of the file, or start again" in message
    assert "\n" not in message


def test_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LocalServerError, match="cannot be used"):
        start_or_attach(tmp_path / "file" / "data")


def test_environment_names_the_folder(folder, monkeypatch):
    monkeypatch.setenv("INDUCTIVA_LOCAL_DIR", str(folder))
    server = start_or_attach()
    assert (folder / "server.json").exists()
    assert server.is_alive()


# Notes that are not true any more ---------------------------------------------------------------


def _leave_note(folder, **facts):
    folder.mkdir()
    note = {"url": "http://127.0.0.1:9", "api_key": "k", "pid": 1, "version": "0", "instance": "x"}
    (folder / "server.json").write_text(json.dumps(note | facts))


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"url": 1}', b"\xff\xfe"])
def test_note_that_makes_no_sense_is_replaced(folder, content):
    folder.mkdir()
    (folder / "server.json").write_bytes(content)
    assert start_or_attach(folder).is_alive()


def test_note_whose_process_number_belongs_to_another_program_is_replaced(folder):
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        _leave_note(folder, pid=other.pid)
        server = start_or_attach(folder)
        assert server.pid != other.pid
        assert other.poll() is None
    finally:
        other.communicate()


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
        b"HTTP/1.1 500 No\r\n\r\n",
        b"",
    ],
)
def test_other_server_at_the_port_of_a_note_is_not_taken_for_ours(folder, answer):
    class Stranger(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(65536)
            self.request.sendall(answer)

    with socketserver.TCPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{stranger.server_address[1]}"
        _leave_note(folder, url=url, pid=os.getpid())
        server = start_or_attach(folder)
        stranger.shutdown()
    assert server.url != url


# One server a folder, and its end ---------------------------------------------------------------


def test_second_server_on_a_folder_is_told_of_the_first(make_server, capsys):
    first = make_server()
    assert __main__.main(["--data-dir", str(first.data_dir)]) == 1
    message = capsys.readouterr().err
    assert f"at {first.url} (process {first.process.pid})" in message
    assert "local stop" in message


@pytest.mark.extended
def test_server_that_is_still_ending_is_waited_for(tmp_path):
    folder = tmp_path / "data"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\nfrom filelock import FileLock\n"
            "with FileLock(sys.argv[1]): print('held', flush=True); input()",
            str(folder / "server.lock"),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    folder.mkdir()
    assert holder.stdout.readline() == b"held\n"
    command = [sys.executable, "-m", "inductiva_widgets.server", "--data-dir", str(folder)]
    late = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        # As long as the lock is held there is no server, and no refusal either.
        with pytest.raises(AssertionError):
            until(lambda: late.poll() is not None, "the server to give up", patience=0.7)
        holder.communicate(b"\n")
        assert late.stdout.readline().startswith("listening on ")
    finally:
        late.terminate()
        late.communicate(timeout=30)
    assert late.returncode == 0


@pytest.mark.extended
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_told_to_end_the_server_ends_well_and_leaves_no_note(make_server, number):
    server = make_server()
    server.get("/tasks")
    assert server.end(number) == (0, "", "")
    assert not (server.data_dir / "server.json").exists()
    lines = (server.data_dir / "server.log").read_text().splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == [
        f"Version 0.1.0 listens on {server.url}.",
        "Stopped.",
    ]


def test_running_task_survives_a_polite_end_and_is_taken_up_again(make_server, tmp_path):
    server = make_server()
    go_on = tmp_path / "go-on"
    task_id = _submit_waiting_task(server.session, server.url, go_on)
    server.wait(task_id, "computation-started")
    assert server.end(signal.SIGTERM) == (0, "", "")
    server.start()
    assert server.status(task_id) == "computation-started"
    go_on.touch()
    assert server.wait(task_id)["status"] == "success"


def test_log_is_kept_over_starts_and_stays_small(tmp_path):
    path = tmp_path / "server.log"
    logger = logging.getLogger("inductiva_widgets.server.test")
    for start in range(3):
        with set_up_log(path, max_bytes=2000):
            for number in range(30):
                logger.info("start %d, line %d", start, number)
    logger.warning("after the end")
    names = sorted(entry.name for entry in tmp_path.iterdir())
    assert names == ["server.log", "server.log.1"]
    assert all((tmp_path / name).stat().st_size <= 2000 for name in names)
    assert all((tmp_path / name).stat().st_mode & 0o777 == 0o600 for name in names)
    assert path.read_text().splitlines()[-1].endswith("start 2, line 29")


# Where it listens, and to whom ------------------------------------------------------------------


def _refusal(capsys, *arguments):
    assert __main__.main([*map(str, arguments)]) == 1
    return capsys.readouterr().err


def test_port_in_use_is_told_in_a_sentence(tmp_path, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        message = _refusal(capsys, "--data-dir", tmp_path, "--port", port)
    assert f"Port {port} of 127.0.0.1 cannot be used: Address already in use." in message
    assert "Name another port" in message
    assert not (tmp_path / "server.json").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_address_that_others_can_reach_is_refused_unless_asked_for(tmp_path, capsys, host):
    message = _refusal(capsys, "--data-dir", tmp_path / "data", "--host", host)
    assert message.startswith("Refused")
    assert "--allow-remote" in message
    assert not (tmp_path / "data").exists()


@pytest.mark.extended
def test_remote_reach_that_was_asked_for_comes_with_a_warning(tmp_path):
    server = LocalServer(tmp_path / "data", "--host", "0.0.0.0", "--allow-remote")
    assert server.url.startswith("http://127.0.0.1:")
    assert server.get("/tasks")["total_size"] == 0
    _, _, err = server.end()
    server.session.close()
    assert "Careful: at 0.0.0.0 other machines can reach the server" in err


def test_by_default_only_this_machine_can_connect(shared):
    process = psutil.Process(shared.process.pid)
    listening = [one for one in process.net_connections("inet") if one.status == "LISTEN"]
    assert {one.laddr.ip for one in listening} == {"127.0.0.1"}


@pytest.mark.parametrize("key", ["", "clé", "two words", "a\nb"])
def test_key_that_no_client_could_send_is_refused(tmp_path, key):
    with pytest.raises(LocalServerError, match="letters, digits"):
        serve.serve(data_dir=tmp_path, api_key=key)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.", ""])
def test_rebound_name_is_refused_on_every_kind_of_path(shared, host):
    for path in ("/version", "/tasks", "/signed/x/output.zip?expires=1&signature=x"):
        connection = http.client.HTTPConnection(shared.url.removeprefix("http://"), timeout=30)
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host)
        connection.putheader("X-API-Key", shared.key)
        connection.endheaders()
        assert connection.getresponse().status == 421, path
        connection.close()


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
@pytest.mark.parametrize("path", ["/version", "/tasks", "/users/info", "/signed/x"])
def test_no_web_page_of_another_origin_may_read_an_answer(shared, method, path):
    headers = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "x-api-key",
    }
    answer = requests.request(method, shared.url + path, headers=headers, timeout=30)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(("module", "check"), [(auth, "key"), (signed_urls, "link")])
def test_secrets_are_compared_in_constant_time(monkeypatch, module, check):
    compared = []

    def compare(given, expected):
        compared.append((given, expected))
        return given == expected

    monkeypatch.setattr(module.hmac, "compare_digest", compare)
    if check == "key":
        keeper = auth.AuthMiddleware(None, "right", (), auth.IdleTracker())
        assert not keeper._may_pass("/tasks", b"wrong")
        assert keeper._may_pass("/tasks", b"right")
    else:
        signer = signed_urls.UrlSigner(b"secret")
        link = signer.sign("GET", "a/output.zip")
        expires = link.partition("expires=")[2].partition("&")[0]
        with pytest.raises(signed_urls.ForbiddenError):
            signer.verify("GET", "a/output.zip", expires, "0" * 64)
    assert compared
