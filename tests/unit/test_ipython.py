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
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
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
        ("tasks list -s done", "Did you mean 'success'?"),
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


REFUSED = """from inductiva_widgets.http.client import Client
from inductiva_widgets.http.transport import Transport
from inductiva_widgets._secret import Secret
from inductiva_widgets.config import Settings
nobody = "http://127.0.0.1:9"
def ask():
    return Client(Transport(Settings(nobody, Secret("key"), nobody))).list_machine_groups()
ask()"""


def test_error_shows_the_lines_of_the_user_and_its_words_alone(shell, capsys):
    text = shown(shell, capsys, REFUSED)
    assert "APIConnectionError" in text
    assert "----> 8 ask()" in text
    assert "----> 7     return Client" in text
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


# Interrupts -------------------------------------------------------------------------------------


@pytest.fixture
def notebook(shell, service, monkeypatch, capsys, tmp_path):
    """Return a function that runs a cell in a kernel's shell, interrupted where it blocks."""
    from inductiva_widgets.downloads import Download
    from inductiva_widgets.tasks import Task, TaskList
    from inductiva_widgets.tasks._log_stream import LogSubscription

    client = service(wire_task("t1", "computation-started"), wire_task("t2"))
    task = Task("t1", client=client)
    monkeypatch.setattr(
        "inductiva_widgets.tasks._log_stream.subscribe", lambda *_: LogSubscription()
    )
    watch = task.watch("(x)")

    def interrupted(*_):
        raise KeyboardInterrupt

    def run(cell, *, is_kernel=True):
        if is_kernel:
            monkeypatch.setattr(shell, "kernel", object(), raising=False)
            monkeypatch.setattr("inductiva_widgets.tasks._display.in_notebook", lambda: False)
        return shown(shell, capsys, cell)

    monkeypatch.setattr("inductiva_widgets._kernel.sleep_and_process_messages", interrupted)
    monkeypatch.setattr(watch._over, "wait", interrupted)
    monkeypatch.setattr(Download, "_wait", interrupted)
    monkeypatch.chdir(tmp_path)
    shell.push({"task": task, "ended": Task("t2", client=client), "tasks": TaskList([task])})
    shell.push({"watch": watch})
    yield run
    watch.stop()


WAITS = {
    "task.wait(silent_mode=True)": "The wait was interrupted; task t1 goes on.",
    "task.wait_for_status('success')": "The wait was interrupted; task t1 goes on.",
    "tasks.wait()": "The wait was interrupted; the tasks go on.",
    "watch.wait()": "The wait was interrupted; the watch goes on.",
    "ended.download_outputs()": "The download was interrupted and cancelled. Call again to resume",
    "tasks.download_outputs()": "The download was interrupted and cancelled. Call again to resume",
}


@pytest.mark.parametrize("call", WAITS)
def test_interrupt_of_a_call_shows_the_lines_of_the_user_and_one_sentence(notebook, call):
    text = notebook(f"def mine():\n    {call}\nmine()")
    assert "----> 3 mine()" in text
    assert f"----> 2     {call}" in text
    assert "inductiva_widgets/" not in text
    assert text.rstrip().splitlines()[-1].startswith(f"KeyboardInterrupt: {WAITS[call]}")
    assert text.count("\n") < 20


def test_interrupt_of_a_kill_says_where_to_look(notebook, shell, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(shell.user_ns["task"].client, "kill_task", interrupted)
    text = notebook("task.kill(wait_timeout=9)")
    assert text.rstrip().endswith(
        "The kill of task t1 was interrupted; its status says what came of it."
    )
    assert "inductiva_widgets/" not in text


def test_interrupt_in_a_block_that_kills_says_so(notebook):
    text = notebook("with task.sync_context():\n    task.wait(silent_mode=True)")
    assert text.rstrip().endswith(
        "KeyboardInterrupt: The block was interrupted; task t1 was asked to end."
    )
    assert "inductiva_widgets/" not in text


def test_interrupt_of_a_request_is_short_too(notebook, shell, monkeypatch):
    from requests import Session

    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "request", interrupted)
    monkeypatch.setattr(Session, "send", interrupted)
    text = notebook(REFUSED)
    assert text.rstrip().endswith("KeyboardInterrupt: A request to the service was interrupted.")
    assert "transport.py" not in text


def test_interrupt_can_still_be_caught_as_one(notebook):
    cell = (
        "try:\n    task.wait(silent_mode=True)\n"
        "except KeyboardInterrupt as interrupt:\n    print(type(interrupt))"
    )
    assert "<class 'KeyboardInterrupt'>" in notebook(cell)


def test_interrupt_shows_all_in_verbose_mode(notebook, shell):
    shell.run_line_magic("xmode", "Verbose")
    try:
        assert "_wait.py" in notebook("task.wait(silent_mode=True)")
    finally:
        shell.run_line_magic("xmode", "Context")


def test_interrupt_outside_a_notebook_is_left_as_it_is(notebook):
    text = notebook("task.wait(silent_mode=True)", is_kernel=False)
    assert "_wait.py" in text
    assert text.rstrip().splitlines()[-1].strip() in ("KeyboardInterrupt:", "KeyboardInterrupt")
