"""What becomes of displays: live with a twin, then the twin alone, at the end or when asked."""

import threading

import pytest

from inductiva_widgets.downloads.download import Download
from inductiva_widgets.errors import DownloadCancelled
from inductiva_widgets.polling import WeakList, get_poller
from inductiva_widgets.tasks import Task, _display, get
from inductiva_widgets.widgets import TaskListWidget, TaskWidget, display_handles
from tests.unit.conftest import wire_task

LIVE = "application/vnd.jupyter.widget-view+json"
RUNNING = "computation-started"


class Screen:
    """Stands for the notebook: what is at each place, by display id."""

    def __init__(self):
        self.places = {}
        self.updates = 0
        self.is_lit = threading.Event()

    def publish(self, data, *, transient, update=False, **_):
        assert update == (transient["display_id"] in self.places)
        self.places[transient["display_id"]] = data
        self.updates += update
        self.is_lit.set()

    @property
    def shown(self):
        return list(self.places.values())


@pytest.fixture
def screen(monkeypatch):
    screen = Screen()
    monkeypatch.setattr("IPython.display.publish_display_data", screen.publish)
    monkeypatch.setattr("inductiva_widgets.widgets.base.in_notebook", lambda: True)
    monkeypatch.setattr(_display, "in_notebook", lambda: True)
    monkeypatch.setattr(_display, "_show", lambda widget: widget._ipython_display_())
    yield screen
    # Else the end of the tests is taken for that of a kernel.
    monkeypatch.setattr(display_handles, "_live", WeakList())


@pytest.fixture
def by_hand(monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)


def end(client, task_id="t1", status="success"):
    client.transport.tasks[task_id].update(wire_task(task_id, status))
    get_poller(client).poll_once()


def test_shown_card_is_live_and_carries_its_twins(screen, by_hand, service):
    TaskWidget(Task("t1", client=service(wire_task("t1", RUNNING))))._ipython_display_()
    (shown,) = screen.shown
    assert set(shown) == {LIVE, "text/html", "text/plain"}


def test_outside_of_a_notebook_ipython_is_left_to_show_the_text(by_hand, service):
    task = Task("t1", client=service(wire_task("t1")))
    for thing in (TaskWidget(task), task, get(client=task.client)):
        with pytest.raises(NotImplementedError):
            thing._ipython_display_()


def test_freeze_replaces_every_display_and_ends_the_updates(screen, by_hand, service):
    client = service(wire_task("t1", RUNNING))
    widget = TaskWidget(Task("t1", client=client))
    widget._ipython_display_()
    widget._ipython_display_()
    widget.freeze()
    assert [set(shown) for shown in screen.shown] == [{"text/html", "text/plain"}] * 2
    assert "In Progress" in screen.shown[0]["text/html"]
    assert not get_poller(client).has_work()


def test_frozen_widget_shows_itself_as_its_twin_and_freezes_again_without_harm(
    screen, by_hand, service
):
    widget = TaskWidget(Task("t1", client=service(wire_task("t1"))))
    widget.freeze()
    widget.freeze()
    widget._ipython_display_()
    assert set(screen.shown[0]) == {"text/html", "text/plain"}


def test_explicitly_shown_card_stays_live_when_its_task_has_ended(screen, by_hand, service):
    client = service(wire_task("t1", RUNNING))
    widget = TaskWidget(Task("t1", client=client))
    widget._ipython_display_()
    end(client)
    assert widget.view["status"] == "success"
    assert LIVE in screen.shown[0]


@pytest.mark.parametrize("status", ["success", "failed", "killed"])
def test_stored_text_of_a_live_card_says_the_end(screen, by_hand, service, status):
    client = service(wire_task("t1", RUNNING))
    task = Task("t1", client=client)
    # Both ways to show it.
    task._ipython_display_()
    TaskWidget(task)._ipython_display_()
    end(client, status=status)
    assert len(screen.shown) == 2
    for shown in screen.shown:
        assert LIVE in shown
        for mime in ("text/html", "text/plain"):
            assert "In Progress" not in shown[mime]
            assert status.title() in shown[mime]


def test_stored_text_of_a_live_card_says_each_change_of_status(screen, by_hand, service):
    client = service(wire_task("t1", "submitted"))
    TaskWidget(Task("t1", client=client))._ipython_display_()
    end(client, status=RUNNING)
    assert "In Progress" in screen.shown[0]["text/html"]
    assert "In Progress" in screen.shown[0]["text/plain"]


def test_stored_text_of_a_live_table_says_the_end(screen, by_hand, service):
    client = service(wire_task("t1", RUNNING), wire_task("t2", RUNNING))
    TaskListWidget(get(client=client))._ipython_display_()
    for task_id in ("t1", "t2"):
        end(client, task_id)
    (shown,) = screen.shown
    assert LIVE in shown
    assert "In Progress" not in shown["text/html"]
    assert "2 succeeded" in shown["text/html"]
    assert "In Progress" not in shown["text/plain"]


def test_storm_of_changes_is_stored_in_few_updates_and_the_end_at_once(screen, by_hand, service):
    client = service(wire_task("t1", "submitted"), wire_task("t2", RUNNING))
    TaskListWidget(get(client=client))._ipython_display_()
    for number in range(50):
        end(client, "t1", status=("started", "submitted")[number % 2])
    # The timer for what came after the first one does not run here.
    assert screen.updates == 1
    for task_id in ("t1", "t2"):
        end(client, task_id)
    assert screen.updates == 2
    assert "2 succeeded" in screen.shown[0]["text/html"]


def test_last_of_a_storm_of_changes_is_stored_later(screen, service, monkeypatch):
    monkeypatch.setattr("inductiva_widgets.widgets.base._STORE_PERIOD", 0.05)
    stored = threading.Event()
    publish = screen.publish

    def note(data, **keywords):
        publish(data, **keywords)
        if "Killing" in data["text/html"] or "pending-kill" in data["text/html"]:
            stored.set()

    monkeypatch.setattr("IPython.display.publish_display_data", note)
    client = service(wire_task("t1", "submitted"))
    widget = TaskWidget(Task("t1", client=client))
    widget._ipython_display_()
    for status in ("started", RUNNING, "pending-kill"):
        end(client, status=status)
    assert stored.wait(30)
    widget.close()


def test_later_read_text_is_stored_though_an_earlier_one_is_published_after_it(screen):
    shown = display_handles.DisplayHandles()
    shown.show({"text/plain": "begin"})

    def slow():
        # Another thread reads a newer state and publishes it first.
        shown.update(lambda: {"text/plain": "end"})
        return {"text/plain": "middle"}

    shown.update(slow)
    assert screen.shown == [{"text/plain": "end"}]


def test_what_a_wait_has_learnt_is_stored_at_the_end_of_its_cell(screen, by_hand, service):
    client = service(wire_task("t1", RUNNING))
    task = Task("t1", client=client)
    TaskWidget(task)._ipython_display_()
    client.transport.tasks["t1"].update(wire_task("t1", "success"))
    # Without a look of the poller.
    task.refresh()
    assert "In Progress" in screen.shown[0]["text/html"]
    display_handles._update_all()
    assert "Success" in screen.shown[0]["text/html"]


def test_card_of_a_reloaded_page_stays_when_its_task_has_ended(screen, by_hand, service):
    client = service(wire_task("t1", RUNNING))
    widget = TaskWidget(Task("t1", client=client))
    widget._ipython_display_()
    # As a page asks that has been reloaded; no display of its own can be replaced.
    widget.get_state()
    client.transport.tasks["t1"].update(wire_task("t1", "success"))
    # Learnt by a wait, before the poller.
    widget.task.refresh()
    widget.freeze_when_finished()
    assert widget.comm is not None
    assert widget.view["status"] == "success"
    assert LIVE not in screen.shown[0]
    assert not get_poller(client).has_work()


def test_shutdown_replaces_what_is_live(screen, by_hand, service, monkeypatch):
    client = service(wire_task("t1", RUNNING))
    card = TaskWidget(Task("t1", client=client))
    table = TaskListWidget(get(client=client))
    broken = TaskWidget(Task("t1", client=client))
    for widget in (broken, card, table):
        widget._ipython_display_()
    monkeypatch.setattr(broken, "_static_mimebundle", lambda: 1 / 0)
    display_handles._replace_all()
    assert [LIVE in shown for shown in screen.shown] == [True, False, False]


def test_card_of_a_wait_is_replaced_once_the_task_has_ended(screen, by_hand, service):
    client = service(wire_task("t1", RUNNING))
    with _display.show_wait(Task("t1", client=client), silent=False):
        assert LIVE in screen.shown[0]
        end(client)
        assert LIVE in screen.shown[0]
    assert LIVE not in screen.shown[0]
    assert "Success" in screen.shown[0]["text/html"]
    assert 'inductiva.Task("t1").download_outputs()' in screen.shown[0]["text/plain"]


@pytest.mark.parametrize("silent", [False, True])
def test_wait_for_several_tasks_shows_one_table_and_no_cards(screen, by_hand, service, silent):
    tasks = get(client=service(wire_task("t1"), wire_task("t2", "killed")))
    assert sorted(tasks.wait(silent_mode=silent)) == ["killed", "success"]
    assert ["2 tasks" in shown["text/html"] for shown in screen.shown] == [True] * (not silent)


def test_card_of_an_interrupted_wait_stays_live_until_the_task_has_ended(screen, by_hand, service):
    client = service(wire_task("t1", RUNNING))
    with (
        pytest.raises(KeyboardInterrupt),
        _display.show_wait(Task("t1", client=client), silent=False),
    ):
        raise KeyboardInterrupt
    assert LIVE in screen.shown[0]
    end(client, status="killed")
    assert "Killed" in screen.shown[0]["text/html"]
    assert LIVE not in screen.shown[0]


def test_card_with_a_download_under_way_waits_for_its_end(screen, by_hand, service):
    client = service(wire_task("t1", RUNNING))
    widget = TaskWidget(Task("t1", client=client))
    widget._ipython_display_()
    widget.freeze_when_finished()
    view = {
        "phase": "running", "bytes_done": 5, "bytes_total": 2048, "files_done": 0,
        "files_total": 12, "speed": 1.0, "eta": 2.0, "files": [], "path": None, "error": None,
    }  # fmt: skip
    widget.download = view
    end(client)
    assert LIVE in screen.shown[0]
    widget.download = {
        **view, "phase": "done", "bytes_done": 2048, "files_done": 12, "path": "out/t1",
    }  # fmt: skip
    assert "Downloaded 12 files, 2.00 KiB, to: out/t1" in screen.shown[0]["text/plain"]
    assert "<code" in screen.shown[0]["text/html"]


def test_last_words_that_come_late_reach_the_twin(screen, by_hand, service):
    client = service(wire_task("t1", RUNNING))
    widget = TaskWidget(Task("t1", client=client))
    widget._ipython_display_()
    widget.freeze_when_finished()
    end(client, status="failed")
    assert LIVE not in screen.shown[0]
    words = [{"name": "stderr.txt", "text": "mesh is \x1b[31mtangled\x1b[0m"}]
    widget.view = {**widget.view, "failure": {**widget.view["failure"], "last_words": words}}
    assert "mesh is tangled" in screen.shown[0]["text/html"]
    assert "mesh is tangled" in screen.shown[0]["text/plain"]
    updates = screen.updates
    widget.freeze()
    assert screen.updates == updates


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_bar_of_a_cell_gives_way_to_what_became_of_the_download(screen, is_cancelled):
    def work(tally):
        share = tally.add_part()
        share.reset(0, 100)
        share.receive(25)
        assert screen.is_lit.wait(10)
        if is_cancelled:
            raise DownloadCancelled("stopped")
        return "folder"

    download = Download(work, "inductiva_output/t1").start()
    if is_cancelled:
        with pytest.raises(DownloadCancelled):
            _display.wait_with_progress(download, "Outputs of task t1")
    else:
        assert _display.wait_with_progress(download, "Outputs of task t1") == "folder"
    (shown,) = screen.shown
    assert LIVE not in shown
    expected = "Cancelled at 25 B of 100 B" if is_cancelled else "to: inductiva_output/t1"
    assert expected in shown["text/plain"]


def test_wait_for_a_task_that_has_ended_shows_the_twin_at_once(screen, by_hand, service):
    with _display.show_wait(Task("t1", client=service(wire_task("t1"))), silent=False):
        (shown,) = screen.shown
        assert LIVE not in shown
