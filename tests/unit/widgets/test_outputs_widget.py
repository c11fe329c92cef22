"""The output files as a widget of their own, without a kernel."""

import pytest

import inductiva_widgets
from inductiva_widgets.downloads.download import Download
from inductiva_widgets.errors import TaskError
from inductiva_widgets.models.tasks import ArchiveEntry, ArchiveListing
from inductiva_widgets.tasks import Task, _display
from inductiva_widgets.tasks.outputs import OutputsInfo
from inductiva_widgets.widgets import OutputsWidget, base, static_html
from tests.unit.conftest import wire_task

NAMES = ["stdout.txt", "vtk/a.vtk", "vtk/b/c.vtk", "vtkx", "<b>&\u202e.csv"]
VIEW = "application/vnd.jupyter.widget-view+json"


def listing(*names):
    return ArchiveListing(
        size=9, contents=[ArchiveEntry(name=n, size=5, compressed_size=3) for n in names]
    )


@pytest.fixture(autouse=True)
def _requests_at_once(monkeypatch):
    def spawn(action, on_error, name):
        try:
            action()
        except Exception as error:  # the double of a thread's last resort
            on_error(error)

    monkeypatch.setattr(base, "run_in_thread", spawn)


@pytest.fixture
def task(service, monkeypatch):
    task = Task("t1", client=service(wire_task("t1")))
    task.listed = 0

    def archive_listing(*_):
        task.listed += 1
        return listing(*NAMES)

    monkeypatch.setattr(task.client, "archive_listing", archive_listing)
    return task


def ask(widget, kind, **payload):
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    widget._handle_custom_msg({"id": "r1", "kind": kind, **payload}, [])
    (reply,) = [message for message in sent if message.get("id") == "r1"]
    return reply


def test_is_offered_by_the_package():
    assert inductiva_widgets.OutputsWidget is OutputsWidget


def test_asks_nothing_before_it_is_shown_and_then_once(task):
    widget = OutputsWidget(task)
    assert task.listed == 0
    reply = ask(widget, "outputs", task_id="t1")
    assert [file["name"] for file in reply["result"]["files"]] == NAMES
    widget._repr_mimebundle_()
    assert task.listed == 1


def test_shows_only_its_task(task):
    reply = ask(OutputsWidget(task), "outputs", task_id="t2")
    assert "not shown here" in reply["error"]["detail"]


@pytest.mark.parametrize(
    ("chosen", "selected"),
    [
        ([], []),
        (["*"], NAMES),
        (["vtk/"], ["vtk/a.vtk", "vtk/b/c.vtk"]),
        (["vtk/b/", "stdout.txt"], ["stdout.txt", "vtk/b/c.vtk"]),
        (["gone.txt"], []),
    ],
)
def test_selected_are_the_files_that_the_page_chose(task, chosen, selected):
    widget = OutputsWidget(task)
    widget.set_state({"chosen": chosen})
    assert widget.selected == selected


def test_progress_of_a_download_is_sent(task, monkeypatch):
    asked = []

    def start_download(names=None):
        asked.append(names)
        download = Download(lambda _: "folder", "folder").start()
        download.result(10)
        return download

    monkeypatch.setattr(task, "start_download", start_download)
    widget = OutputsWidget(task)
    assert ask(widget, "download", task_id="t1", names=["vtk/"])["ok"]
    assert asked == [["vtk/"]]
    assert widget.download["phase"] == "done"


def test_preview_is_answered(task, monkeypatch, tmp_path):
    (tmp_path / "a.txt").write_text("words")
    monkeypatch.setattr(task, "open_output", lambda name: (tmp_path / name).open("rb"))
    reply = ask(OutputsWidget(task), "preview", task_id="t1", name="a.txt")
    assert (reply["result"]["kind"], reply["result"]["text"]) == ("text", "words")


def test_twins_hold_the_names_as_text(task):
    data, _ = OutputsWidget(task)._repr_mimebundle_()
    assert data["text/plain"].startswith("Archive size: 9 B\nContents:\n")
    assert "<bdi>&lt;b&gt;&amp;\u202e.csv</bdi>" in data["text/html"]
    assert VIEW in data


def test_html_twin_of_many_files_says_how_many():
    html = static_html.outputs_html(
        OutputsInfo.from_listing(listing(*(f"f{n}" for n in range(60))))
    )
    assert "The first 20 of 60 files." in html
    assert html.count("<tr>") == 21


def test_task_without_outputs_says_why(task, monkeypatch):
    def refuse(*_):
        raise TaskError("Task t1 has no output <yet>.")

    monkeypatch.setattr(task, "get_output_info", refuse)
    widget = OutputsWidget(task)
    data, _ = widget._repr_mimebundle_()
    assert "has no output &lt;yet&gt;." in data["text/html"]
    assert ask(widget, "outputs", task_id="t1")["error"]["detail"] == "Task t1 has no output <yet>."


def test_listing_shows_the_files_in_a_notebook_and_prints_elsewhere(task, monkeypatch):
    info = task.get_output_info()
    assert info == OutputsInfo.from_listing(listing(*NAMES))
    assert info._repr_mimebundle_() == ({"text/plain": str(info)}, {})
    monkeypatch.setattr(_display, "in_notebook", lambda: True)
    assert VIEW in info._repr_mimebundle_()[0]
    assert "task" not in repr(info)
