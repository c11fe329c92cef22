"""Submissions and uploads past a proxy that fails, and of folders that change meanwhile."""

from __future__ import annotations

import os
import random
import signal
import stat
import threading
import time

import pytest

from inductiva_widgets import errors, simulators
from inductiva_widgets._secret import Secret
from inductiva_widgets.config import Settings
from inductiva_widgets.http.client import Client
from inductiva_widgets.http.time_limits import TimeLimits
from inductiva_widgets.http.transport import Transport
from tests.fault_proxy import Entry, Fault, FaultProxy
from tests.integration.server.conftest import PATIENCE, LocalServer, until

EXTENDED = pytest.mark.extended
SUBMIT = "/tasks/submit"
COMMANDS = ["python -c pass"]
# Without the pauses between the tries.
SOON = {"status": 503, "headers": {"Retry-After": "0"}}


def is_submission(entry: Entry) -> bool:
    return entry.path == SUBMIT


def is_confirmation(entry: Entry) -> bool:
    return entry.path.endswith("/input_uploaded")


def is_upload(entry: Entry) -> bool:
    return entry.method == "PUT"


def is_upload_link(entry: Entry) -> bool:
    return entry.path == "/storage/signed-urls" and "operation=upload" in entry.query


@pytest.fixture
def server(shared):
    """Return a server on which each test sees its own tasks only."""
    return shared


@pytest.fixture
def tasks(server):
    """Return a function that returns the statuses of the test's tasks by id, newest first."""
    before = set(all_tasks(server))

    def listed() -> dict[str, str]:
        found = all_tasks(server)
        return {task_id: found[task_id] for task_id in found if task_id not in before}

    return listed


@pytest.fixture
def proxy(server: LocalServer):
    with FaultProxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def client(proxy, server, monkeypatch):
    """Make a client that goes through the proxy the default one."""
    client = Client(Transport(Settings(proxy.url, Secret(server.key), proxy.url)))
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
    return client


@pytest.fixture
def case(tmp_path, client):
    """Return an input folder; what runs it goes through the proxy."""
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "a.txt").write_text("input")
    return folder


def run(case, **options):
    return simulators.SWMM().run(case, commands=COMMANDS, **options)


def all_tasks(server: LocalServer, **query) -> dict[str, str]:
    """Return the statuses of all tasks by id."""
    return {
        task["task_id"]: task["status"]
        for task in server.get("/tasks", 200, per_page=500, **query)["tasks"]
    }


def paths(proxy: FaultProxy, wanted) -> int:
    return sum(wanted(entry) for entry in proxy.log)


# Faults between the client and the service ------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "seed"), [(6, 20), *(pytest.param(20, seed, marks=EXTENDED) for seed in range(3))]
)
def test_runs_succeed_if_a_fifth_of_all_answers_are_faults(proxy, case, tasks, count, seed):
    kinds = [{"status": 503}, {"lose": True}, {"status": 502}, {"drop": True}, {"cut": 0}]
    chance = random.Random(seed)
    order = [
        chance.choice(range(len(kinds))) if chance.random() < 0.2 else None for _ in range(999)
    ]
    for kind, fault in enumerate(kinds):
        proxy.add(
            Fault(when=lambda entry, kind=kind: order[entry.number] == kind, times=None, **fault)
        )
    ids = {run(case).id for _ in range(count)}

    assert len(ids) == count
    assert sum(order[entry.number] is not None for entry in proxy.log) > count
    found = tasks()
    assert "pending-input" not in found.values()
    assert {task_id for task_id, status in found.items() if status != "killed"} == ids


@pytest.mark.parametrize("fault", [{"lose": True}, {"cut": 0}, {"cut": 5}])
def test_lost_response_to_the_submission_returns_the_accepted_task(
    server, proxy, case, tasks, fault
):
    proxy.add(Fault(when=is_submission, **fault))
    task = run(case)
    assert list(tasks()) == [task.id]
    assert paths(proxy, is_submission) == 1
    assert server.wait(task.id)["status"] == "success"


@pytest.mark.parametrize(
    "fault",
    [{"drop": True}, *(pytest.param({"status": code}, marks=EXTENDED) for code in (502, 503))],
)
def test_submission_that_has_not_arrived_is_sent_again(server, proxy, case, tasks, fault):
    proxy.add(Fault(when=is_submission, times=2, **fault))
    task = run(case)
    assert list(tasks()) == [task.id]
    assert paths(proxy, is_submission) == 3


def test_submission_accepted_after_the_search_is_killed(server, proxy, case, tasks):
    late = threading.Event()

    def accept_the_first():
        late.set()
        until(tasks, "the first submission to be accepted")

    proxy.add(Fault(when=is_submission, late=late), Fault(when=is_submission, do=accept_the_first))
    task = run(case)
    found = tasks()
    assert len(found) == 2
    assert sorted(found) != [task.id]
    assert [status for task_id, status in found.items() if task_id != task.id] == ["killed"]


def test_submissions_of_other_clients_with_equal_parameters_are_left_alone(
    server, proxy, case, tasks
):
    others = [server.submit(*COMMANDS) for _ in range(3)]
    proxy.add(Fault(when=is_submission, lose=True))
    task = run(case)
    found = tasks()
    assert set(found) == {task.id, *others}
    assert {found[other] for other in others} == {"pending-input"}


def test_lost_submission_of_an_unreachable_service_says_how_to_look(server, proxy, case, tasks):
    proxy.add(
        Fault(when=is_submission, lose=True),
        Fault(when=lambda entry: entry.path == "/tasks", times=None, **SOON),
    )
    with pytest.raises(errors.APIConnectionError) as caught:
        run(case)
    assert "may have accepted the task" in str(caught.value)
    assert "inductiva.tasks.get(status='pending-input')" in str(caught.value)
    assert paths(proxy, is_submission) == 1


@pytest.fixture
def hasty(client):
    """Let the client wait half a second for the response to a submission."""
    client.transport._unrepeatable = TimeLimits(answer=0.5, total=1.0, tries=1)


def test_submission_accepted_after_the_time_limit_is_found(server, proxy, case, tasks, hasty):
    proxy.add(Fault(when=is_submission, delay=PATIENCE))
    task = run(case)
    assert list(tasks()) == [task.id]
    assert paths(proxy, is_submission) == 1


def test_submission_without_a_response_in_time_is_not_sent_again(proxy, case, tasks, hasty):
    proxy.add(Fault(when=is_submission, status=503, delay=PATIENCE))
    with pytest.raises(errors.APITimeoutError, match="has not accepted the task yet"):
        run(case)
    assert paths(proxy, is_submission) == 1
    assert not tasks()


@pytest.fixture
def _interruptible():
    """Raise KeyboardInterrupt on SIGINT, which a process in the background ignores."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_interrupt_during_the_submission_kills_the_accepted_task(proxy, case, tasks):
    proxy.add(Fault(when=is_submission, delay=PATIENCE))

    def interrupt():
        until(tasks, "the submission to be accepted")
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        run(case)
    watcher.join()
    assert list(tasks().values()) == ["killed"]


@pytest.mark.parametrize(
    "faults",
    [
        [SOON] * 5,
        [{"lose": True}],
        [{"drop": True}, {"lose": True}],
        # A service that refuses what it has accepted before.
        [{"lose": True}, {"status": 409, "body": b'{"detail": "not waiting for input"}'}],
    ],
    ids=["503", "lost", "dropped and lost", "lost and refused"],
)
def test_faults_at_the_confirmation_do_not_throw_the_run_away(server, proxy, case, tasks, faults):
    proxy.add(*(Fault(when=is_confirmation, **fault) for fault in faults))
    task = run(case)
    assert server.wait(task.id)["status"] == "success"
    assert list(tasks()) == [task.id]


def test_refused_confirmation_kills_the_task(server, proxy, case, tasks):
    refusal = {"status": 400, "body": b'{"detail": "no room"}'}
    proxy.add(Fault(when=is_confirmation, **refusal))
    with pytest.raises(errors.InvalidRequestError, match="no room"):
        run(case)
    assert list(tasks().values()) == ["killed"]


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([{"status": 503}, {"status": 500}], marks=EXTENDED),
        [{"drop": True}, {"lose": True}],
        [{"status": 403}],
    ],
    ids=["error statuses", "broken connections", "expired link"],
)
def test_faults_of_the_upload_are_repeated_with_the_whole_archive(
    server, proxy, case, tasks, faults
):
    (case / "large.bin").write_bytes(random.Random(1).randbytes(3_000_000))
    proxy.add(*(Fault(when=is_upload, **fault) for fault in faults))
    task = simulators.SWMM().run(case, commands=["sha256sum large.bin"])
    assert server.wait(task.id)["status"] == "success"
    assert paths(proxy, is_upload) == len(faults) + 1
    assert list(tasks()) == [task.id]


def test_upload_error_names_the_store_and_no_key(server, proxy, case, tasks):
    proxy.add(Fault(when=is_upload, status=403, times=None))
    with pytest.raises(errors.AuthenticationError) as caught:
        run(case)
    assert "refused the signed URL" in str(caught.value)
    assert "key" not in str(caught.value)
    assert list(tasks().values()) == ["killed"]


@pytest.mark.parametrize("fault", [{"lose": True}, {"status": 503}])
def test_faults_at_the_creation_of_the_project_do_not_throw_the_run_away(
    server, proxy, case, fault
):
    project = f"rain-{'-'.join(fault)}"
    proxy.add(Fault(when=lambda entry: entry.path == "/projects", **fault))
    task = run(case, project=project)
    assert list(all_tasks(server, project=project)) == [task.id]


# Input folders that change ----------------------------------------------------------------------


def remove(path):
    path.unlink()


def shrink(path):
    os.truncate(path, 10)


def empty(path):
    os.truncate(path, 0)


def overwrite_by_folder(path):
    path.unlink()
    path.mkdir()


def overwrite_by_pipe(path):
    path.unlink()
    os.mkfifo(path)


def link_to_memory(path):
    path.unlink()
    path.symlink_to("/proc/self/mem")


def link_to_endless_device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (remove, "was removed"),
        (shrink, "2,000,000 bytes and has 10 now"),
        pytest.param(empty, "2,000,000 bytes and has 0 now", marks=EXTENDED),
        pytest.param(overwrite_by_folder, "directory", marks=EXTENDED),
        (overwrite_by_pipe, "not a file any more"),
        pytest.param(link_to_endless_device, "not a file any more", marks=EXTENDED),
        (link_to_memory, "input/output error"),
    ],
)
def test_changed_input_is_named_at_once_and_the_task_killed(
    server, proxy, case, tasks, change, said
):
    large = case / "large.bin"
    large.write_bytes(random.Random(1).randbytes(2_000_000))
    proxy.add(Fault(when=is_upload_link, do=lambda: change(large)))
    began = time.monotonic()
    with pytest.raises(errors.InputError) as caught:
        run(case)
    assert time.monotonic() - began < PATIENCE / 2
    (killed,) = tasks()
    message = str(caught.value)
    assert repr(str(large)) in message
    assert said in message
    assert f"Task {killed} was killed." in message
    assert "network" not in message
    assert tasks()[killed] == "killed"
    assert paths(proxy, is_upload) <= 1
    assert not paths(proxy, is_confirmation)
    assert server.get(f"/tasks/{killed}")["input_submit_time"] is None
    server.get("/storage/contents", 404, path=f"{killed}/input.zip")


def test_task_that_cannot_be_killed_is_named_with_the_file(proxy, case, tasks):
    proxy.add(
        Fault(when=is_upload_link, do=(case / "a.txt").unlink),
        Fault(when=lambda entry: entry.path.endswith("/kill"), times=None, **SOON),
    )
    with pytest.raises(errors.InputError, match=r"a\.txt' was removed") as caught:
        run(case)
    ((task_id, status),) = tasks().items()
    assert f"Task {task_id} has no inputs, and it could not be killed" in str(caught.value)
    assert f"inductiva.tasks.Task('{task_id}').kill()" in str(caught.value)
    assert status == "pending-input"


def test_file_that_grows_as_fast_as_it_is_read_is_named(server, proxy, case, tasks):
    log = case / "run.log"
    log.write_bytes(b"line\n")
    stop = threading.Event()

    def write():
        with log.open("ab") as file:
            for _ in range(2000):
                if stop.is_set():
                    return
                file.write(b"line\n" * 100_000)
                file.flush()

    writer = threading.Thread(target=write)

    def begin():
        writer.start()
        until(lambda: log.stat().st_size > 1_000_000, "the log to grow")

    proxy.add(Fault(when=is_upload_link, do=begin))
    try:
        with pytest.raises(errors.InputError, match="it had 5 bytes and has more now") as caught:
            run(case)
    finally:
        stop.set()
        writer.join()
    assert repr(str(log)) in str(caught.value)
    assert list(tasks().values()) == ["killed"]


def test_file_overwritten_while_it_is_read_is_named(server, proxy, case, tasks):
    large = case / "large.bin"
    size = 40_000_000
    large.write_bytes(random.Random(1).randbytes(1_000_000) * 40)
    stop = threading.Event()

    def overwrite():
        with large.open("r+b") as file:
            while not stop.is_set():
                file.seek(0)
                file.write(os.urandom(1000))
                file.flush()
                time.sleep(0.01)

    writer = threading.Thread(target=overwrite)
    proxy.add(Fault(when=is_upload_link, do=writer.start))
    try:
        with pytest.raises(errors.InputError, match="it was overwritten") as caught:
            run(case)
    finally:
        stop.set()
        writer.join()
    assert large.stat().st_size == size
    assert repr(str(large)) in str(caught.value)


@pytest.mark.parametrize("name", [b"caf\xe9.txt", b"\xff\xfe"])
def test_name_that_is_no_text_is_refused_before_the_submission(server, proxy, case, tasks, name):
    (case / os.fsdecode(name)).write_text("x")
    with pytest.raises(errors.InputError, match="valid UTF-8") as caught:
        run(case)
    # The message can be printed.
    str(caught.value).encode()
    assert not tasks()


@pytest.mark.parametrize("kind", ["pipe", "device", "memory"])
def test_special_file_does_not_block(server, proxy, case, tasks, kind):
    path = case / "special"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else "/proc/self/mem")
    assert not stat.S_ISDIR(path.stat().st_mode)
    with pytest.raises(errors.InputError, match="special"):
        run(case)
    assert set(tasks().values()) <= {"killed"}


# Inputs in the remote storage -------------------------------------------------------------------


def test_remote_assets_need_no_input_folder(server, case, proxy):
    first = server.run("python -c pass", files={"kept.txt": "from the first task"})
    server.wait(first)
    output = server.get(f"/tasks/{first}")["storage_output_path"]
    task = simulators.SWMM().run(
        None, commands=[f"cat {first}/kept.txt", "ls"], remote_assets=[output]
    )
    assert server.wait(task.id)["status"] == "success"
    said = server.output(task.id, "stdout.txt")
    assert "from the first task" in said
    assert "output.zip" not in said
