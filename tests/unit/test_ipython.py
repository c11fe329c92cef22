"""``%load_ext inductiva_widgets`` in a real IPython shell."""

import sys
import types

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.unit.conftest import wire_task


@pytest.fixture
def shell(service, monkeypatch, tmp_path):
    client = service(wire_task("t1"))
    monkeypatch.setattr("inductiva_widgets.api.connect._default", client)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "inductiva_widgets")
    yield shell
    shell.run_line_magic("unload_ext", "inductiva_widgets")


@pytest.fixture
def vendors_task(monkeypatch):
    """Return a class that is called like the vendor's and lives where the vendor's does."""
    module = types.ModuleType("inductiva.tasks.task")
    module.Task = type("Task", (), {"__module__": module.__name__, "id": "t1"})
    monkeypatch.setitem(sys.modules, "inductiva.tasks.task", module)
    return module.Task


def test_magic_runs_the_command_line(shell, capsys):
    shell.run_line_magic("inductiva", "tasks list -n 3")
    assert "t1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tasks list --colour", "No such option"),
        ("tasks info nope", "no such task"),
        ("tasks list -s done", "no status 'done'"),
        ("tasks 'list", "quotation"),
    ],
)
def test_magic_tells_errors_in_a_line(shell, capsys, line, said):
    shell.run_line_magic("inductiva", line)
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err + captured.out


def test_vendors_task_shows_as_ours(shell, vendors_task):
    data, _ = shell.display_formatter.mimebundle_formatter(vendors_task())
    assert data["text/plain"].startswith("Task('t1'")


def test_loading_does_not_import_the_vendors_client(shell):
    assert "inductiva" not in sys.modules


def test_unloading_takes_everything_back(shell, vendors_task):
    shell.display_formatter.mimebundle_formatter(vendors_task())
    shell.run_line_magic("unload_ext", "inductiva_widgets")
    assert not any(shell.display_formatter.mimebundle_formatter(vendors_task()) or ())
    assert shell.find_line_magic("inductiva") is None
    shell.run_line_magic("load_ext", "inductiva_widgets")
