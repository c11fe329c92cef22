"""The working folder of a running task, as the page is told of it."""

from datetime import timedelta

import pytest

from inductiva_widgets.errors import TaskError
from inductiva_widgets.models.tasks import WorkingFile
from inductiva_widgets.tasks import Task
from inductiva_widgets.tasks.working_files import WorkingFiles
from inductiva_widgets.widgets import view_models
from inductiva_widgets.widgets.view_models import files_view
from tests.unit.conftest import START, wire_task


@pytest.fixture
def task(service):
    return Task("t1", client=service(wire_task("t1", "computation-started")))


def have(monkeypatch, task, *files):
    monkeypatch.setattr(task, "list_files", lambda: WorkingFiles(files))


def test_files_come_with_what_is_known_of_them(task, monkeypatch):
    moment = START + timedelta(seconds=1.5)
    have(
        monkeypatch,
        task,
        WorkingFile(name="vtk/a.vtk", size=7, modified=moment),
        WorkingFile(name="stdout.txt"),
    )
    view = files_view(task)
    assert view["files"] == [
        {"name": "vtk/a.vtk", "size": 7, "modified": round(moment.timestamp() * 1000)},
        {"name": "stdout.txt", "size": None, "modified": None},
    ]
    assert (view["more"], view["note"]) == (0, "")
    assert abs(view["as_of"] - task._state.server_time.timestamp() * 1000) < 10_000


def test_files_beyond_the_maximum_are_counted(task, monkeypatch):
    monkeypatch.setattr(view_models, "MAX_FILES", 3)
    have(monkeypatch, task, *(WorkingFile(name=f"{n}.vtk") for n in range(10)))
    view = files_view(task)
    assert ([file["name"] for file in view["files"]], view["more"]) == (
        ["0.vtk", "1.vtk", "2.vtk"],
        7,
    )


def test_empty_folder_says_so(task, monkeypatch):
    have(monkeypatch, task)
    assert files_view(task)["note"] == "There is no file yet."


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("pending-input", "uploaded"),
        ("submitted", "waits in the queue"),
        ("started", "prepares"),
        ("success", "among the outputs"),
    ],
)
def test_task_that_does_not_compute_has_a_note_and_is_not_asked(service, status, words):
    task = Task("t1", client=service(wire_task("t1", status)))
    view = files_view(task)
    assert words in view["note"]
    assert view["files"] == []


def test_folder_that_has_just_gone_is_a_note(task, monkeypatch):
    def gone():
        raise TaskError("Task t1 has no working folder any more: it has just ended.")

    monkeypatch.setattr(task, "list_files", gone)
    assert "just ended" in files_view(task)["note"]
