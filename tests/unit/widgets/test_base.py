"""Python's half of the widgets, without a kernel: a double records what would be sent."""

import gc
import threading
import weakref

import ipywidgets
import pytest

from inductiva_widgets.errors import InputError, ServerError
from inductiva_widgets.polling import PollStatus, get_poller
from inductiva_widgets.tasks import Task
from inductiva_widgets.widgets import OutputsWidget, TaskListWidget, TaskWidget, base
from tests.unit.conftest import CANARY, wire_task


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Run requests on the caller's thread, and pollers by hand."""

    def spawn(action, on_error, name):
        try:
            action()
        except Exception as error:  # the double of a thread's last resort
            on_error(error)

    monkeypatch.setattr(base, "run_in_thread", spawn)
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)


def record(widget):
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    return sent


def ask(widget, kind, **payload):
    sent = record(widget)
    widget._handle_custom_msg({"id": "r1", "kind": kind, **payload}, [])
    (reply,) = [message for message in sent if message.get("id") == "r1"]
    return reply


@pytest.fixture
def card(service):
    def make(**fields):
        client = service(wire_task("t1", **fields))
        return TaskWidget(Task("t1", client=client))

    return make


def test_card_starts_with_its_view(card):
    widget = card(status="submitted")
    assert widget.view["status"] == "submitted"
    assert widget.poll_status["updated"] is not None


def test_card_follows_its_task(card):
    widget = card(status="submitted")
    widget.task.client.transport.tasks["t1"].update(wire_task("t1", "success"))
    get_poller(widget.task.client).poll_once()
    assert widget.view["status"] == "success"


def test_unchanged_task_sends_nothing_but_a_sign_of_life_now_and_then(card):
    widget = card(status="computation-started")
    poller = get_poller(widget.task.client)
    changes = []
    widget.observe(lambda change: changes.append(change["name"]), ["view", "poll_status"])
    for _ in range(5):
        poller.poll_once()
    assert changes == []
    last = widget._poll_status_filter._last["updated"] / 1000
    widget._show_poll_status(PollStatus(last + 6))
    assert changes == ["poll_status"]


def test_offline_service_is_sent_at_once(card):
    widget = card(status="computation-started")
    widget._show_poll_status(PollStatus(1.0, offline_since=2.0, error="gone"))
    assert widget.poll_status["offline_since"] == 2000
    assert widget.poll_status["error"] == "gone"


def test_kill_of_the_page_reaches_the_service(card):
    widget = card(status="computation-started")
    assert ask(widget, "kill", task_id="t1") == {"id": "r1", "ok": True, "result": None}
    assert "POST /tasks/t1/kill" in widget.task.client.transport.requests


def test_kill_that_is_refused_says_why(card):
    widget = card(status="computation-started")

    def refuse():
        raise ServerError("The service is down for maintenance.", status=503)

    widget.task.client.transport.hooks["POST /tasks/t1/kill"] = refuse
    reply = ask(widget, "kill", task_id="t1")
    assert reply["ok"] is False
    assert reply["error"]["title"] == "The task could not be killed"
    assert reply["error"]["detail"] == "The service is down for maintenance."


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("explode", {}),
        (None, {}),
        ("kill", {}),
        ("kill", {"task_id": "somebody-elses"}),
        ("kill", {"task_id": ["t1"]}),
        ("download", {"task_id": "t1", "names": []}),
        ("download", {"task_id": "t1", "names": [3]}),
    ],
)
def test_request_that_makes_no_sense_is_answered_with_an_error(card, kind, payload):
    widget = card()
    assert ask(widget, kind, **payload)["ok"] is False
    assert "POST" not in " ".join(widget.task.client.transport.requests)


@pytest.mark.parametrize("content", [None, [], "kill", {}, {"id": 5, "kind": "kill"}])
def test_message_that_is_no_request_is_ignored(card, content):
    widget = card()
    sent = record(widget)
    widget._handle_custom_msg(content, [])
    assert sent == []


def test_unknown_keyword_is_refused(card, service):
    with pytest.raises(InputError, match="colour"):
        TaskWidget(Task("t1", client=service(wire_task("t1"))), colour="blue")


def test_closed_card_is_no_longer_polled_for(card):
    widget = card(status="computation-started")
    widget.close()
    assert not get_poller(widget.task.client).has_work()


@pytest.mark.parametrize("make", [TaskWidget, OutputsWidget, lambda task: TaskListWidget([task])])
def test_closed_widget_is_let_go(service, make):
    task = Task("t1", client=service(wire_task("t1", "computation-started")))
    widget = make(task)
    forgotten = weakref.ref(widget)
    widget.close()
    del widget
    gc.collect()
    assert forgotten() is None


def test_key_is_in_no_trait_and_no_bundle(card):
    widget = card()
    assert CANARY not in str(widget.get_state())
    assert CANARY not in str(widget._repr_mimebundle_())


def test_bundle_has_text_and_html_twins(card):
    data, _ = card()._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}


def test_closed_widget_leaves_nothing_open(service):
    task = Task("t1", client=service(wire_task("t1")))
    TaskWidget(task).close()  # what all widgets share is made once
    before = set(ipywidgets.widgets.widget._instances)
    TaskWidget(task).close()
    TaskListWidget([task]).close()
    OutputsWidget(task).close()
    assert set(ipywidgets.widgets.widget._instances) == before


def test_closed_widget_leaves_a_layout_of_the_user_open(service):
    layout = ipywidgets.Layout()
    TaskWidget(Task("t1", client=service(wire_task("t1"))), layout=layout).close()
    assert layout.comm is not None
