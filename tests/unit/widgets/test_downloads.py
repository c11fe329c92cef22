"""The buttons of a download, without a kernel: what the page asks for reaches the engine."""

import json
import threading

import pytest

from inductiva_widgets.downloads.download import Download
from inductiva_widgets.downloads.progress import FileProgress, Progress
from inductiva_widgets.errors import DownloadCancelled, DownloadError
from inductiva_widgets.tasks import Task, get
from inductiva_widgets.widgets import DownloadWidget, TaskListWidget, TaskWidget, base, view_models
from tests.unit.conftest import wire_task

PATIENCE = 60


class Work:
    """Stands for the engine: goes on until it is told to end, obeys the control."""

    def __init__(self):
        self.names = "never asked"
        self.begun = threading.Event()
        self.end = threading.Event()
        self.error = None

    def __call__(self, tally):
        share = tally.add_part()
        share.reset(0, 100)
        share.receive(25)
        stop = threading.Event()
        tally.cancel_token.on_cancel(stop.set)
        tally.cancel_token.on_cancel(self.end.set)
        self.begun.set()
        assert self.end.wait(PATIENCE)
        if stop.is_set():
            raise DownloadCancelled("stopped")
        if self.error:
            raise self.error
        return "folder"


@pytest.fixture
def works():
    made = []
    yield made
    for work in made:
        work.end.set()


@pytest.fixture
def begin(works):
    def begin(names=None):
        work = Work()
        work.names = names
        works.append(work)
        download = Download(work, "inductiva_output/t1/outputs").start()
        assert work.begun.wait(PATIENCE)
        return download

    return begin


@pytest.fixture(autouse=True)
def _requests_at_once(monkeypatch):
    def spawn(action, on_error, name):
        try:
            action()
        except Exception as error:  # the double of a thread's last resort
            on_error(error)

    monkeypatch.setattr(base, "run_in_thread", spawn)


@pytest.fixture
def card(service, begin, monkeypatch):
    task = Task("t1", client=service(wire_task("t1")))
    monkeypatch.setattr(task, "start_download", begin)
    return TaskWidget(task)


def ask(widget, kind, **payload):
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    widget._handle_custom_msg({"id": "r1", "kind": kind, **payload}, [])
    (reply,) = [message for message in sent if message.get("id") == "r1"]
    return reply


def download_of(card):
    return card._handlers["download"].__self__._downloads["t1"].download


def ended(download):
    download._ended.wait(PATIENCE)
    return download.progress.phase


def test_view_names_the_files_under_way_and_is_plain_json():
    files = (FileProgress("a/b.vtk", 5, 10), FileProgress("c.csv", 0, 3))
    view = view_models.download_view(Progress(phase="paused", active=files))
    assert view["phase"] == "paused"
    assert view["files"] == [
        {"name": "a/b.vtk", "done": 5, "total": 10},
        {"name": "c.csv", "done": 0, "total": 3},
    ]
    assert json.loads(json.dumps(view)) == view


def test_card_pauses_goes_on_and_cancels(card, works):
    assert ask(card, "download", task_id="t1", names=None)["ok"]
    assert (card.download["phase"], card.download["bytes_done"]) == ("running", 25)
    assert ask(card, "pause_download", task_id="t1")["ok"]
    assert card.download["phase"] == "paused"
    assert ask(card, "resume_download", task_id="t1")["ok"]
    assert card.download["phase"] == "running"
    download = download_of(card)
    assert ask(card, "cancel_download", task_id="t1")["ok"]
    assert ended(download) == "cancelled"
    assert card.download["phase"] == "cancelled"
    assert len(works) == 1


@pytest.mark.parametrize("phase", ["paused", "running"])
def test_second_download_of_a_task_is_refused_while_one_is_under_way(card, works, phase):
    ask(card, "download", task_id="t1", names=None)
    if phase == "paused":
        ask(card, "pause_download", task_id="t1")
    reply = ask(card, "download", task_id="t1", names=None)
    assert "is running" in reply["error"]["detail"]
    assert len(works) == 1


@pytest.mark.parametrize("way", ["cancelled", "failed"])
def test_resume_restarts_a_finished_download_with_the_same_files(card, works, way):
    ask(card, "download", task_id="t1", names=["a.csv"])
    download = download_of(card)
    if way == "cancelled":
        ask(card, "cancel_download", task_id="t1")
    else:
        works[0].error = DownloadError("The disk is full.")
        works[0].end.set()
    assert ended(download) == way
    assert ask(card, "resume_download", task_id="t1")["ok"]
    assert [work.names for work in works] == [["a.csv"], ["a.csv"]]
    assert card.download["phase"] == "running"


def test_download_that_could_not_begin_can_be_asked_for_again(card, monkeypatch, begin):
    def refuse(_):
        raise DownloadError("The link could not be had.")

    monkeypatch.setattr(card.task, "start_download", refuse)
    assert ask(card, "download", task_id="t1", names=None)["ok"] is False
    monkeypatch.setattr(card.task, "start_download", begin)
    assert ask(card, "download", task_id="t1", names=None)["ok"]


@pytest.mark.parametrize("kind", ["pause_download", "cancel_download"])
def test_asking_a_download_that_is_not_there_harms_nothing(card, kind):
    assert ask(card, kind, task_id="t1")["ok"]
    assert card.download is None


def test_resume_without_a_download_fails(card):
    assert ask(card, "resume_download", task_id="t1")["ok"] is False


def test_card_of_a_table_pauses_too(service, begin, monkeypatch):
    widget = TaskListWidget(get(last_n=5, client=service(wire_task("t1"), wire_task("t2"))))
    monkeypatch.setattr(Task, "start_download", lambda _, names: begin(names))
    told = []
    ask(widget, "download", task_id="t2", names=None)
    widget.send = lambda content, buffers=None: told.append(content)
    widget._handle_custom_msg({"id": "r2", "kind": "pause_download", "task_id": "t2"}, [])
    pushes = [message for message in told if message.get("push") == "download"]
    assert [(push["task_id"], push["download"]["phase"]) for push in pushes] == [("t2", "paused")]


def test_bar_of_a_cell_pauses_goes_on_and_cancels(begin):
    download = begin()
    widget = DownloadWidget(download, title="Outputs of task t1")
    for kind, phase in (("pause_download", "paused"), ("resume_download", "running")):
        assert ask(widget, kind)["ok"]
        assert widget.download["phase"] == phase
    assert ask(widget, "cancel_download")["ok"]
    assert ended(download) == "cancelled"
    assert widget.download["phase"] == "cancelled"
    with pytest.raises(DownloadCancelled):
        download.result()
