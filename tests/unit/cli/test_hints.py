"""Errors in a terminal name shell commands, those in Python its methods."""

import ast
import re
from pathlib import Path

import pytest

import inductiva_widgets
from inductiva_widgets.cli import main as command_line
from inductiva_widgets.errors import TaskError
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.tasks import Task, TaskList
from tests.unit.conftest import wire_task

ROOT = Path(inductiva_widgets.__file__).parent
PYTHON_CALL = re.compile(
    r"\b(task|tasks|inductiva)\.\w+(\.\w+)*\(|\bconnect\(|\bhistory\(|all again"
)
# Their errors do not reach the command line.
PYTHON_ONLY = {"plots", "resources", "simulators", "widgets"}
PYTHON_ONLY_MODULES = {
    "downloads/_cancellation.py",
    "downloads/_staging.py",
    "history/load.py",
    "server/demo/services.py",
    "tasks/log_watch.py",
    "tasks/task_list.py",
}


@pytest.fixture
def fail(service, monkeypatch, capsys):
    """Return a function that runs a failing command and returns its message."""

    def fail(task, *arguments):
        client = service(task)
        monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
        monkeypatch.setattr("sys.argv", ["inductiva-widgets", *arguments])
        with pytest.raises(SystemExit) as caught:
            command_line.run()
        assert caught.value.code == 1
        return capsys.readouterr().err

    return fail


ID = "n7pbtxunxqzuca6nwe9v0gn75"


@pytest.mark.parametrize(
    ("status", "arguments", "hint"),
    [
        ("success", ("tasks", "list-files", ID), f"tasks download {ID}"),
        ("success", ("tasks", "last-modified-file", ID), f"tasks info {ID}"),
        ("success", ("tasks", "top", ID), f"tasks info {ID} --json"),
        ("computation-ended", ("tasks", "top", ID), f"tasks list --id {ID} --watch"),
        ("submitted", ("tasks", "list-files", ID), f"tasks list --id {ID} --watch"),
        ("submitted", ("logs", ID), f"tasks list --id {ID} --watch"),
        ("submitted", ("tasks", "tail", ID, "x.log"), f"tasks list --id {ID} --watch"),
        ("computation-started", ("tasks", "download", ID), f"logs {ID} --follow"),
    ],
)
def test_hint_is_a_command(fail, status, arguments, hint):
    message = fail(wire_task(ID, status), *arguments)
    assert message.startswith("Error: ")
    assert message.count("\n") == 1
    assert f"`inductiva-widgets {hint}`" in message
    assert not PYTHON_CALL.search(message)


def test_hint_in_python_is_a_method(service):
    task = Task(ID, client=service(wire_task(ID, "computation-started")))
    with pytest.raises(TaskError, match=r"Wait for its end with task\.wait\(\)\."):
        task.download_outputs()


def test_errors_of_several_tasks_have_both_hints(service):
    client = service(wire_task("a", "submitted"), wire_task("b", "submitted"))
    tasks = TaskList(Task(name, client=client) for name in "ab")
    with pytest.raises(Exception, match=r"a: .*task\.wait\(\)") as caught:
        tasks.download_outputs()
    assert "`inductiva-widgets logs b --follow`" in caught.value.shell_message
    assert not PYTHON_CALL.search(caught.value.shell_message)


def test_demo_folder_names_the_option(tmp_path):
    data = DataDir(tmp_path)
    data.replay_file.touch()
    with pytest.raises(Exception, match=r'connect\("replay"\)') as caught:
        data.ensure_demo_flag(replay=False)
    assert caught.value.shell_message.endswith("add --replay.")


def _texts(call):
    """Return the message of a call, with its f-strings' constants."""
    parts = [*call.args, *(word.value for word in call.keywords if word.arg != "shell_hint")]
    return "".join(
        node.value
        for part in parts
        for node in ast.walk(part)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_errors_that_name_python_have_a_hint_for_the_shell():
    missing = []
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        if place.partition("/")[0] in PYTHON_ONLY or place in PYTHON_ONLY_MODULES:
            continue
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not ast.unparse(call.func).endswith("Error"):
                continue
            has_shell_hint = any(word.arg == "shell_hint" for word in call.keywords)
            if not has_shell_hint and PYTHON_CALL.search(_texts(call)):
                missing.append(f"{place}: {_texts(call)}")
    assert missing == []
