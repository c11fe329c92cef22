"""Commands on the files of a running task."""

import pytest
from click.testing import CliRunner

from inductiva_widgets.cli.main import main
from inductiva_widgets.errors import TaskError
from inductiva_widgets.models.tasks import WorkingFile
from inductiva_widgets.tasks import Task, WorkingFiles
from inductiva_widgets.tasks.working_files import RawText
from tests.unit.conftest import wire_task


@pytest.fixture
def call(service, monkeypatch):
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", service(wire_task("a")))

    def call(*arguments):
        return CliRunner().invoke(main, list(arguments))

    return call


@pytest.fixture
def tails(monkeypatch):
    """Return the arguments of calls of ``tail_files``."""
    made = []
    monkeypatch.setattr(Task, "tail_files", lambda _, *arguments: made.append(arguments))
    return made


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("logs", "a"), (["stdout.txt", "stderr.txt"], 20, False)),
        (("logs", "a", "--stderr", "-n", "3"), (["stderr.txt"], 3, False)),
        (("logs", "a", "--stdout", "--follow"), (["stdout.txt"], 20, True)),
        (("tasks", "tail", "a", "x.log", "y.log"), (("x.log", "y.log"), 10, False)),
        (("tasks", "tail", "a", "x.log", "-n", "5", "-f"), (("x.log",), 5, True)),
    ],
)
def test_tails(call, tails, arguments, expected):
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    assert tails == [expected]


def test_listing_is_a_tree(call, monkeypatch):
    files = WorkingFiles([WorkingFile(name="vtk/a", size=3), WorkingFile(name="b")])
    monkeypatch.setattr(Task, "list_files", lambda _: files)
    assert call("tasks", "list-files", "a").stdout == "vtk/\n  a   3 B\nb\n"


def test_top_is_text(call, monkeypatch):
    monkeypatch.setattr(Task, "top", lambda _: RawText("load average: 1"))
    assert call("tasks", "top", "a").stdout == "load average: 1\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("logs", "a", "-f"),
        ("tasks", "tail", "a", "x"),
        ("tasks", "top", "a"),
        ("tasks", "list-files", "a"),
        ("tasks", "last-modified-file", "a"),
    ],
)
def test_interrupt_ends_without_a_word(call, monkeypatch, arguments):
    def interrupt(*_):
        raise KeyboardInterrupt

    for name in ("tail_files", "top", "list_files", "last_modified_file"):
        monkeypatch.setattr(Task, name, interrupt)
    result = call(*arguments)
    assert (result.exit_code, result.output) == (130, "")


@pytest.mark.parametrize("command", ["top", "list-files", "last-modified-file"])
def test_ended_task_is_an_error_with_what_to_do(call, command):
    result = call("tasks", command, "a")
    assert isinstance(result.exception, TaskError)
    assert "has ended (success)" in str(result.exception)
