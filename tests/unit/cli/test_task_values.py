"""Ids, statuses and simulators as arguments: prefixes and completion."""

import threading
import time

import pytest
from click.testing import CliRunner

from inductiva_widgets.cli import _task_values
from inductiva_widgets.cli.main import main
from inductiva_widgets.errors import InputError, ServerError
from tests.unit.conftest import wire_task

FIRST, SECOND = "n7pbtxunxqzuca6nwe9v0gn75", "n7qqtxunxqzuca6nwe9v0gn75"


@pytest.fixture
def client(service, monkeypatch):
    client = service(wire_task(FIRST), wire_task(SECOND, "computation-started", simulator="swmm"))
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
    return client


@pytest.fixture
def call(client):
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


def complete(words, shell="bash"):
    environment = {
        "_INDUCTIVA_WIDGETS_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": words.rpartition(" ")[2] if shell == "fish" else str(words.count(" ")),
    }
    done = CliRunner().invoke(
        main, [], env=environment, prog_name="inductiva-widgets", complete_var=None
    )
    return done.output


def offered(words):
    lines = complete(words).splitlines()
    return [line.partition(",")[2] for line in lines if line]


@pytest.mark.parametrize(
    "words",
    [
        ("tasks", "info"),
        ("tasks", "kill", "-y"),
        ("tasks", "list", "--json", "-i"),
    ],
)
def test_prefix_of_an_id_is_accepted(call, words):
    result = call(*words, "n7p")
    assert result.exit_code == 0, result.output
    assert FIRST in result.stdout
    assert SECOND not in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("logs",),
        ("tasks", "tail"),
        ("tasks", "list-files"),
        ("tasks", "last-modified-file"),
        ("tasks", "top"),
        ("tasks", "info"),
        ("tasks", "kill", "-y"),
        ("tasks", "download"),
        ("tasks", "list", "-i"),
    ],
)
def test_ambiguous_prefix_names_the_candidates(call, client, words):
    result = call(*words, "n7", *(["x.log"] if "tail" in words else []))
    assert isinstance(result.exception, InputError)
    assert f"{FIRST}, {SECOND}" in str(result.exception)
    assert client.transport.requests == ["GET /tasks"]


def test_complete_id_costs_no_listing(call, client):
    call("tasks", "info", FIRST)
    assert client.transport.requests == [f"GET /tasks/{FIRST}"]


def test_several_prefixes_cost_one_listing(call, client):
    assert call("tasks", "kill", "-y", "n7p", "n7q").exit_code == 0
    assert client.transport.requests.count("GET /tasks") == 1


def test_id_that_begins_another_is_that_task(service, monkeypatch):
    client = service(wire_task("ab"), wire_task("abc"))
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
    assert "Task ab\n" in CliRunner().invoke(main, ["tasks", "info", "ab"]).stdout


def test_unknown_prefix_is_an_unknown_task(call):
    assert "no such task" in str(call("tasks", "info", "zzz").exception)


def test_many_candidates_are_counted(service, monkeypatch):
    client = service(*(wire_task(f"same{i}") for i in range(8)))
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
    error = CliRunner().invoke(main, ["tasks", "info", "same"]).exception
    assert str(error).endswith("same4 and 3 more.")


@pytest.mark.parametrize("command", ["list", "export x.csv"])
@pytest.mark.parametrize("option", ["--status", "-s"])
def test_statuses_are_completed(command, option):
    found = offered(f"inductiva-widgets tasks {command} {option} s")
    assert {"submitted", "started", "success"} <= set(found)
    assert all(status.startswith("s") for status in found)


@pytest.mark.parametrize(
    "words", ["tasks info", "tasks kill", "tasks download", "tasks list -i", "logs", "tasks tail"]
)
def test_ids_are_completed(client, words):
    assert offered(f"inductiva-widgets {words} n7") == [FIRST, SECOND]
    assert offered(f"inductiva-widgets {words} n7p") == [FIRST]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completed_ids_have_a_description(client, shell):
    assert "success, splishsplash, 2024-02-0" in complete("inductiva-widgets tasks info n7", shell)


def test_projects_are_completed_once(client):
    assert offered("inductiva-widgets tasks list --project d") == ["default"]


def test_simulators_are_completed(client):
    found = _task_values.complete_simulator(None, None, "s")
    assert [item.value for item in found] == ["splishsplash", "swmm"]


def test_item_after_a_comma_is_completed():
    assert offered("inductiva-widgets tasks list --status failed,k") == ["failed,killed"]


def test_completion_after_an_error_offers_nothing(client):
    client.transport.fail_with = ServerError("down", status=503)
    assert offered("inductiva-widgets tasks info n7") == []


def test_completion_without_a_key_offers_nothing():
    assert offered("inductiva-widgets tasks info n7") == []


def test_completion_does_not_start_the_embedded_server(monkeypatch, tmp_path):
    monkeypatch.setenv("INDUCTIVA_API_URL", "local")
    monkeypatch.setenv("INDUCTIVA_LOCAL_DIR", str(tmp_path / "data"))
    assert offered("inductiva-widgets tasks info n7") == []
    assert not (tmp_path / "data").exists()


def test_completion_does_not_wait_for_a_slow_service(client, monkeypatch):
    answer = threading.Event()
    monkeypatch.setattr(_task_values, "_COMPLETION_TIMEOUT", 0.05)
    client.transport.hooks["GET /tasks"] = lambda: answer.wait(60)
    begin = time.monotonic()
    try:
        assert offered("inductiva-widgets tasks info n7") == []
    finally:
        answer.set()
    assert time.monotonic() - begin < 30


def test_completion_leaves_out_values_that_could_not_be_typed(service, monkeypatch):
    client = service(wire_task("a\nplain,b"), wire_task("a\x1b[2J"), wire_task("ab"))
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
    assert offered("inductiva-widgets tasks info a") == ["ab"]
