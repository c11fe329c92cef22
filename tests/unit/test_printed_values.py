"""Values of the service with control characters: shown, never sent to the terminal."""

import json
import logging
import unicodedata

import pytest
from click.testing import CliRunner

from inductiva_widgets import errors
from inductiva_widgets.cli import _render
from inductiva_widgets.cli.main import main
from inductiva_widgets.models.tasks import WorkingFile
from inductiva_widgets.server.log_setup import set_up_log
from inductiva_widgets.tasks import Task, WorkingFiles, get
from inductiva_widgets.tasks.outputs import OutputFile, OutputsInfo
from inductiva_widgets.widgets import TaskListWidget, TaskWidget
from tests.unit.conftest import at, wire_task

EVIL = "x\x1b]52;c;eA==\x07\x1b[2J\r\n\x9b31m\u202e\u2066\u200b\x7f"
SHOWN = r"x\x1b]52;c;eA==\x07\x1b[2J"


def evil_task(task_id=f"a{EVIL}", status=f"failed{EVIL}"):
    command = {
        "name": "exec_command",
        "attributes": {"command": f"run {EVIL}"},
        "start_timestamp": at(1),
        "end_timestamp": at(2),
    }
    events = [
        {
            "status": "submitted",
            "alias": f"Queue {EVIL}",
            "timestamp": at(0),
            "end_timestamp": at(3),
            "operations": [command],
        }
    ]
    return wire_task(
        task_id,
        status,
        status_alias=f"Failed {EVIL}",
        simulator=EVIL,
        project=EVIL,
        error_detail=f"reason {EVIL}\nnext line",
        executer={"vm_type": EVIL, "host_type": EVIL, "n_mpi_hosts": 2, "error_detail": EVIL},
        status_history=events,
        is_terminated=True,
        task_metadata={EVIL: EVIL},
    )


def assert_shown(text):
    """Assert that a text has the visible form, and no control characters but line ends and tabs."""
    assert SHOWN in text
    assert_harmless(text)


def assert_harmless(text):
    kinds = {unicodedata.category(c) for c in text if c not in "\n\t"}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.fixture
def client(service, monkeypatch):
    client = service(evil_task())
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
    return client


@pytest.fixture
def call(client):
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize(
    "arguments",
    [("tasks", "list"), ("tasks", "info", f"a{EVIL}"), ("tasks", "kill", f"a{EVIL}")],
)
def test_command_shows_control_characters(call, arguments):
    result = call(*arguments)
    assert result.exit_code == 0
    assert_shown(result.output)


def test_row_is_one_line(call):
    assert len(call("tasks", "list").stdout.strip("\n").splitlines()) == 2


@pytest.mark.parametrize("arguments", [("tasks", "list"), ("tasks", "info", f"a{EVIL}")])
def test_json_is_escaped_and_has_the_values(call, arguments):
    text = call(*arguments, "--json").stdout
    assert_harmless(text)
    found = json.loads(text)
    assert (found[0] if isinstance(found, list) else found)["simulator"] == EVIL


def test_terminal_gets_only_the_colours_of_the_table(client, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.delenv("NO_COLOR", raising=False)
    text = _render.render_task_table(get(client=client))
    assert_shown(text.replace("\x1b[1m", "").replace("\x1b[0m", ""))


def test_error_of_the_service_is_one_line(call, client):
    client.transport.fail_with = errors.NotFoundError(f"no {EVIL}", status=404)
    result = call("tasks", "info", "n7pbtxunxqzuca6nwe9v0gn75")
    assert_shown(str(result.exception))


@pytest.mark.parametrize("text", [str, repr])
def test_values_print_without_control_characters(client, text):
    task = get(client=client)[0]
    assert_harmless(repr(task))
    assert_shown(str(get(client=client)))
    assert_shown(text(WorkingFiles([WorkingFile(name=EVIL, size=1)])))
    assert_shown(str(OutputsInfo(1, (OutputFile(EVIL, 1, 1),))))


def test_wait_shows_control_characters(client, capsys):
    Task(f"a{EVIL}", client=client).wait(download_std_on_completion=False)
    assert_shown(capsys.readouterr().err)


def test_wait_prints_values_as_they_are_on_one_line(service, capsys):
    alias = "Done :smile: [red]" + "x" * 80
    task = Task("a", client=service(wire_task("a", status_alias=alias)))
    task.wait(download_std_on_completion=False)
    assert capsys.readouterr().err == f"Task a: {alias}\n"


def test_text_of_widgets_has_no_direction_marks(client):
    tasks = get(client=client)
    for widget in (TaskWidget(tasks[0]), TaskListWidget(tasks)):
        assert_harmless(widget._repr_mimebundle_()[0]["text/plain"])


def test_server_log_has_one_line_a_message(tmp_path):
    with set_up_log(tmp_path / "log"):
        logging.getLogger("inductiva_widgets.server").warning("Refused %s.", EVIL)
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert_shown(text)
    assert text.count("\n") == 1
