"""A widget that nobody sees asks nothing; a callback that fails is told where people look."""

import threading
import time

import pytest

from inductiva_widgets.downloads.progress import Progress
from inductiva_widgets.polling import get_poller
from inductiva_widgets.tasks import Task, get
from inductiva_widgets.widgets import DownloadWidget, TaskListWidget, TaskWidget, base, view_models
from tests.unit.conftest import CANARY, wire_task

RUNNING = "computation-started"


@pytest.fixture(autouse=True)
def _pollers_by_hand(monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)


def card_of(client):
    return TaskWidget(Task("t1", client=client))


def table_of(client):
    return TaskListWidget(get(last_n=10, client=client))


@pytest.fixture(params=[card_of, table_of], ids=["card", "table"])
def widget(request, service):
    return request.param(service(wire_task("t1", RUNNING)))


def record(widget):
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    return sent


def tell(widget, view, is_visible):
    widget._handle_custom_msg(
        {"id": "r", "kind": "visible", "view": view, "is_visible": is_visible}, []
    )


def poller_of(widget):
    task = widget.task if isinstance(widget, TaskWidget) else widget.tasks[0]
    return get_poller(task.client), task.client.transport


def looks(widget):
    """Return whether a tick of the poller asks the service anything."""
    poller, transport = poller_of(widget)
    transport.calls.clear()
    poller.poll_once()
    return bool(transport.calls)


def test_host_that_says_nothing_of_sight_is_served(widget):
    assert looks(widget)
    assert widget.poll_status["is_paused"] is False


def test_nothing_is_asked_while_no_view_is_in_sight(widget):
    tell(widget, "a", True)
    tell(widget, "b", True)
    tell(widget, "a", False)
    assert looks(widget)
    tell(widget, "b", False)
    assert not looks(widget)
    assert widget.poll_status["is_paused"] is True
    assert not poller_of(widget)[0].has_work()


def test_coming_back_looks_at_once(widget):
    tell(widget, "a", True)
    tell(widget, "a", False)
    poller, _ = poller_of(widget)
    poller._wake.clear()
    tell(widget, "a", True)
    assert poller._wake.is_set()
    assert looks(widget)
    assert widget.poll_status["is_paused"] is False


def test_updates_of_the_hidden_time_are_delivered_when_visible(service):
    client = service(wire_task("t1", RUNNING))
    card = card_of(client)
    tell(card, "a", True)
    tell(card, "a", False)
    client.transport.tasks["t1"].update(wire_task("t1", "success"))
    # Such as a wait in a cell, which goes on whoever looks.
    card.task.refresh()
    get_poller(client).poll_once()
    assert card.view["status"] == RUNNING
    tell(card, "a", True)
    get_poller(client).poll_once()
    assert card.view["status"] == "success"


def test_hidden_widget_leaves_the_others_served(service):
    client = service(wire_task("t1", RUNNING))
    hidden, seen = card_of(client), card_of(client)
    tell(hidden, "a", True)
    tell(hidden, "a", False)
    assert looks(seen)


def test_closed_widget_is_not_woken_by_a_late_message(widget):
    tell(widget, "a", False)
    widget.close()
    tell(widget, "a", True)
    assert not looks(widget)


@pytest.mark.parametrize("payload", [{}, {"view": 3, "is_visible": True}, {"view": "a"}])
def test_malformed_sight_is_refused(widget, payload):
    sent = record(widget)
    widget._handle_custom_msg({"id": "r", "kind": "visible", **payload}, [])
    assert [message["ok"] for message in sent] == [False]
    assert looks(widget)


def break_a_callback(widget):
    for subscription in widget._subscriptions:

        def fail(_):
            raise RuntimeError(f"signed link with {CANARY}")

        subscription.on_status = fail


def test_failing_callback_is_shown_once_with_a_report_without_secrets(widget):
    sent = record(widget)
    break_a_callback(widget)
    poller, _ = poller_of(widget)
    poller.poll_once()
    poller.poll_once()
    (push,) = [message for message in sent if message.get("push") == "error"]
    assert push["error"]["title"] == "An update could not be shown"
    assert "RuntimeError in fail" in push["error"]["report"]
    assert CANARY not in str(push)


def test_failing_callback_is_logged_and_the_others_are_called(service, caplog):
    client = service(wire_task("t1", RUNNING))
    broken, sound = card_of(client), card_of(client)
    break_a_callback(broken)
    client.transport.tasks["t1"].update(wire_task("t1", "success"))
    get_poller(client).poll_once()
    assert "A callback of the poller failed" in caplog.text
    assert sound.view["status"] == "success"


def test_failing_error_callback_is_logged(widget, caplog):
    def refuse(*_):
        raise OSError("no comm")

    widget.send = refuse
    break_a_callback(widget)
    poller_of(widget)[0].poll_once()
    assert "The error callback of the poller failed" in caplog.text


def test_failing_callback_of_a_download_is_shown(service, monkeypatch):
    class Download:
        progress, error = Progress(phase="running"), None

        def subscribe(self, callback):
            self.callback = callback

    download = Download()
    widget = DownloadWidget(download, title="Outputs")
    sent = record(widget)
    monkeypatch.setattr(view_models, "download_view", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        download.callback(Progress())
    assert [message["push"] for message in sent] == ["error"]


@pytest.mark.parametrize("comes_beside_cells", [True, False])
def test_display_that_was_cleared_before_it_was_drawn_rests(
    widget, monkeypatch, comes_beside_cells
):
    proof = threading.Event()
    monkeypatch.setattr(base, "_receives_during_cells", proof)
    if comes_beside_cells:
        proof.set()
    widget._shown_at = time.monotonic()
    assert looks(widget)
    widget._shown_at -= 60
    # Told at the end of a look, so the next one is none.
    assert looks(widget)
    assert looks(widget) is not comes_beside_cells
    tell(widget, "a", True)
    assert looks(widget)
