"""``%load_ext inductiva_widgets`` in a real IPython shell."""

import re
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
    # The one of the process, as everywhere: what is shown asks for it.
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "inductiva_widgets")
    yield shell
    shell.run_line_magic("unload_ext", "inductiva_widgets")
    InteractiveShell.clear_instance()


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


def shown(shell, capsys, cell):
    """Return what a cell that fails shows, without colours."""
    shell.run_cell(cell)
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)


REFUSED = """from inductiva_widgets.api.client import Client
from inductiva_widgets.api.transport import Transport
from inductiva_widgets.config import Settings
nobody = "http://127.0.0.1:9"
def ask():
    return Client(Transport(Settings(nobody, "key", nobody))).machine_groups()
ask()"""


def test_error_shows_the_lines_of_the_user_and_its_words_alone(shell, capsys):
    text = shown(shell, capsys, REFUSED)
    assert "APIConnectionError" in text
    assert "----> 7 ask()" in text
    assert "----> 6     return Client" in text
    assert text.count("\n") < 20
    assert "transport.py" not in text
    assert "urllib3" not in text
    assert (
        text.rstrip().splitlines()[-1].startswith("APIConnectionError: http://127.0.0.1:9 cannot")
    )


def test_verbose_errors_show_the_whole_way_and_its_cause(shell, capsys):
    shell.run_line_magic("xmode", "Verbose")
    text = shown(shell, capsys, REFUSED)
    assert "transport.py" in text
    assert "urllib3" in text


def test_error_keeps_its_notes_and_what_it_knows(shell, capsys):
    cell = """from inductiva_widgets.errors import NotFoundError
error = NotFoundError("There is no such task.", status=404)
error.__notes__ = ["Seen in a test."]
raise error"""
    text = shown(shell, capsys, cell)
    assert "NotFoundError: There is no such task." in text
    if sys.version_info >= (3, 11):
        assert "Seen in a test." in text
    assert shell.user_ns["error"].status == 404
