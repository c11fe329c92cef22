"""Live cards over real sockets while the service fails for one task, or for all of them."""

import time

import pytest

from inductiva_widgets import errors
from inductiva_widgets._secret import Secret
from inductiva_widgets.config import Settings
from inductiva_widgets.http.client import Client
from inductiva_widgets.http.time_limits import TimeLimits
from inductiva_widgets.http.transport import Transport
from inductiva_widgets.tasks import Task, TaskList
from inductiva_widgets.widgets import TaskListWidget, TaskWidget
from tests.fault_proxy import Fault
from tests.task_service import task_service
from tests.unit.conftest import CANARY, wire_task

DEADLINE = 60.0
HANGS = Fault(delay=1000.0, times=None)


@pytest.fixture
def tasks():
    """Tasks that the service has, by id; tests change them."""
    return {f"t{n}": wire_task(f"t{n}", "computation-started") for n in range(4)}


@pytest.fixture
def proxy(tasks):
    """Return a service with those tasks, behind a proxy that fails as it is told."""
    with task_service(tasks) as found:
        yield found


@pytest.fixture
def client(proxy):
    """Return a client with shorter limits, which a busy machine keeps all the same."""
    settings = Settings(proxy.url, Secret(CANARY), proxy.url)
    short = TimeLimits(connect=4.0, answer=4.0, total=20.0)
    return Client(Transport(settings, repeatable=short))


@pytest.fixture
def card(client):
    """Return a maker of live cards."""
    made = []

    def make(task_id):
        made.append(TaskWidget(Task(task_id, client=client)))
        return made[-1]

    yield make
    for widget in made:
        widget.close()


def until(condition):
    deadline = time.monotonic() + DEADLINE
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)
    return found


FAULTS = {
    "404": (Fault(status=404, body=b'{"detail": "Task not found"}'), "unknown to the service"),
    "500": (Fault(status=500), "service error (500)"),
    "403": (Fault(status=403, body=b'{"detail": "not yours"}'), "access refused (403)"),
    "html": (Fault(status=200, body=b"<html>"), "unexpected answer"),
    "dropped": (Fault(drop=True), "offline"),
    "cut-short": (Fault(cut=10), "offline"),
    "silent": (Fault(delay=1000.0), "not answering"),
}


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        pytest.param(*case, id=name, marks=() if name == "404" else pytest.mark.extended)
        for name, case in FAULTS.items()
    ],
)
def test_fault_of_one_task_shows_on_its_card_and_nowhere_else(card, proxy, tasks, fault, problem):
    bad, good = card("t0"), card("t1")
    # Both are watched: the only live task could not be told from the service at once.
    until(lambda: any(entry.path == "/tasks" and entry.end for entry in proxy.log))
    seen = []
    good.observe(lambda change: seen.append(change["new"]["offline_since"]), "poll_status")
    fault.when, fault.times = (lambda entry: entry.path.startswith("/tasks/t0")), None
    proxy.add(fault)
    tasks["t0"].update(wire_task("t0", "success"))
    until(lambda: bad.poll_status["problem"])
    assert bad.poll_status["problem"] == problem
    assert bad.poll_status["offline_since"]
    assert CANARY not in str(bad.poll_status)
    tasks["t1"].update(wire_task("t1", "success"))
    until(lambda: good.view["status"] == "success")
    assert not any(seen)
    proxy.clear()
    until(lambda: bad.view["status"] == "success")
    until(lambda: bad.poll_status["problem"] is None)


def test_removed_task_says_so_on_its_card_and_in_what_is_saved(card, proxy, tasks):
    gone, good = card("t0"), card("t1")
    del tasks["t0"]
    until(lambda: gone.poll_status["notice"])
    assert gone.view["can_kill"] is False
    saved = gone._repr_mimebundle_()[0]
    for kind in ("text/plain", "text/html"):
        assert "does not know this task any more" in saved[kind]
    assert good.poll_status["notice"] is None
    # The card was just told: the next try is seconds away, while the others are asked each second.
    proxy.forget()
    until(lambda: sum(entry.path == "/tasks" for entry in proxy.log) >= 3)
    assert sum(entry.path == "/tasks/t0" for entry in proxy.log) <= 1


def test_removed_task_of_a_table_is_named_in_it_and_in_what_is_saved(client, tasks):
    table = TaskListWidget(TaskList(Task(task_id, client=client) for task_id in tasks))
    sent = []
    table.send = lambda content, _=None: sent.append(content)
    try:
        del tasks["t2"]
        told = until(lambda: [one for one in sent if one["push"] == "error"])
        assert told[0]["task_id"] == "t2"
        assert "does not know this task" in told[0]["error"]["title"]
        saved = table._repr_mimebundle_()[0]
        assert "shown as last known: t2." in saved["text/plain"]
        assert "shown as last known: t2." in saved["text/html"].replace("</bdi>", "")
        tasks["t3"].update(wire_task("t3", "failed"))
        until(lambda: table.tasks[3]._state.last_info.status == "failed")
        assert table.poll_status["offline_since"] is None
    finally:
        table.close()


@pytest.mark.parametrize("count", [pytest.param(1, marks=pytest.mark.extended), 3])
@pytest.mark.extended
def test_silent_service_is_told_after_the_first_try_and_recovers(card, proxy, tasks, count):
    cards = [card(f"t{n}") for n in range(count)]
    until(lambda: sum(entry.status == 200 for entry in proxy.log) > 2 * count)
    proxy.forget()
    proxy.add(HANGS)
    for one in cards:
        until(lambda one=one: one.poll_status["problem"] == "not answering")
    silent = [entry for entry in proxy.log if entry.status == 0]
    assert len(silent) <= 2  # the try that failed, and maybe the next one
    proxy.clear()
    tasks["t0"].update(wire_task("t0", "success"))
    until(lambda: cards[0].view["status"] == "success")


def test_card_of_a_known_task_is_shown_while_the_service_is_silent(card, client, proxy):
    task = Task("t0", client=client)
    task.get_info()
    proxy.add(HANGS)
    widget = TaskWidget(task)
    try:
        assert widget.poll_status["problem"] == "not answering"
        assert widget.view["status"] == "computation-started"
    finally:
        widget.close()


@pytest.mark.extended
def test_wait_goes_on_while_the_service_is_silent(client, proxy, tasks, monkeypatch):
    task, shown = Task("t0", client=client), []
    task.get_info()

    class Recorder:
        def __enter__(self):
            return lambda _, error=None: shown.append(error)

        def __exit__(self, *_):
            pass

    monkeypatch.setattr("inductiva_widgets.tasks._display.show_wait", lambda *_: Recorder())
    proxy.add(Fault(delay=1000.0, times=2))
    tasks["t0"].update(wire_task("t0", "success"))
    assert task.wait(0.05, download_std_on_completion=False) == "success"
    assert [type(error) for error in shown[:2]] == [errors.APITimeoutError] * 2
    assert shown[-1] is None
    assert sum(entry.status == 0 for entry in proxy.log) == 2
