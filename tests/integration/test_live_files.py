"""Files of a running task, read from a real server: over HTTP, and by WebRTC as from the cloud."""

import re
import sys
import threading

import pytest

from inductiva_widgets import connect, errors, simulators
from inductiva_widgets.tasks import Task
from tests.fault_proxy import Fault, FaultProxy
from tests.integration.conftest import CASES, KEY


@pytest.fixture(autouse=True)
def _no_server_outside(monkeypatch):
    monkeypatch.setenv("INDUCTIVA_TURN_SERVER_URL", "turn.invalid:3478")


@pytest.fixture
def cloud(server_url, client):
    """Return a client that takes the server for the cloud, since it does not name itself."""
    with FaultProxy(server_url) as proxy:
        proxy.faults.append(Fault(headers={"Server": "cloud"}, times=None))
        yield connect(proxy.url, api_key=KEY), proxy


@pytest.fixture(params=[pytest.param("embedded", marks=pytest.mark.extended), "cloud"])
def service(request):
    """Return a client, the same for both ways to the files."""
    if request.param == "embedded":
        return request.getfixturevalue("client")
    return request.getfixturevalue("cloud")[0]


@pytest.fixture
def running(client):
    """Return a task that computes until the test is over."""
    task = simulators.SWMM().run(CASES / "swmm_long")
    task.wait_for_status("computation-started", 0.1, silent_mode=True)
    yield task
    task.kill(wait_timeout=20)


def test_running_task_tells_of_its_files(service, running):
    task = Task(running.id, client=service)
    listing = task.list_files()
    assert "model.inp" in {file.name for file in listing}
    assert "stdout.txt" in str(listing)
    assert re.fullmatch(r"\S+ was written .* ago \(.*\)\.", str(task.last_modified_file()))
    assert "load average" in str(task.top())


def test_embedded_server_needs_no_webrtc(running, monkeypatch):
    monkeypatch.setitem(sys.modules, "aiortc", None)
    assert running.list_files()
    assert running.last_modified_file()
    # Of its own processes, and no others.
    *_, headings, process, end = str(running.top()).split("\n")
    assert headings.split()[0] == "PID"
    assert "python" in process
    assert end == ""
    running.tail_files("stdout.txt", lines=1)


def test_sizes_and_times_are_known_locally_alone(client, cloud, running):
    listing = Task(running.id, client=client).list_files()
    [here] = [one for one in listing if one.name == "model.inp"]
    assert here.size > 1000
    assert here.modified is not None
    listing = Task(running.id, client=cloud[0]).list_files()
    [there] = [one for one in listing if one.name == "model.inp"]
    assert there.size is None
    assert there.modified is None


def test_numbers_of_a_running_task_become_series(service, running):
    watch = Task(running.id, client=service).watch()
    has_more = threading.Event()
    end = watch.subscribe(lambda: watch.samples > 1 and has_more.set())
    assert has_more.wait(60), watch.error
    end()
    watch.stop()
    percents = [value for _, value in watch.points()["percent"]]
    assert percents == sorted(percents)
    assert 0 <= percents[0] < percents[-1] < 100


def test_last_lines_of_a_running_task(service, running, capsys):
    task = Task(running.id, client=service)
    printed = ""
    while "EPA SWMM" not in printed:
        task.tail_files("stdout.txt", lines=50)
        printed += capsys.readouterr().out


def test_follow_prints_all_to_the_end(service, short_storm, capsys):
    made = simulators.SWMM().run(short_storm)
    task = Task(made.id, client=service)
    task.tail_files("stdout.txt", lines=1000, follow=True, wait=True)
    printed = capsys.readouterr().out
    task.wait(0.1, silent_mode=True, download_std_on_completion=False)
    with task.open_output("stdout.txt") as file:
        assert printed == file.read().decode()


def test_readers_of_a_task_share_one_connection(cloud, running):
    client, proxy = cloud
    task = Task(running.id, client=client)
    for _ in range(3):
        task.list_files()
    assert sum(entry.path.endswith("/offer") for entry in proxy.log) == 1


def test_errors_say_what_to_do_instead(service, client, short_storm, running):
    queued = Task(simulators.SWMM().run(short_storm).id, client=service)
    with pytest.raises(errors.TaskError, match="wait_for_status"):
        queued.list_files()
    queued.kill(wait_timeout=20)
    with pytest.raises(errors.TaskError, match="get_output_info"):
        queued.list_files()


def test_file_that_is_not_there_is_an_error(cloud, running):
    task = Task(running.id, client=cloud[0])
    with pytest.raises(errors.TaskError, match=r"nothing\.txt"):
        task.tail_files("nothing.txt")


def test_nothing_lives_on_after_the_end(client, short_storm, capsys):
    task = simulators.SWMM().run(short_storm)
    task.tail_files(follow=True)
    for thread in threading.enumerate():
        if thread.name == "inductiva-follow":
            thread.join(20)
            assert not thread.is_alive()
