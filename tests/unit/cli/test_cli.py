import json

import pytest
from click.testing import CliRunner

from inductiva_widgets._version import __version__
from inductiva_widgets.cli.main import main, run
from tests.unit.conftest import wire_task


@pytest.fixture
def cli(service, monkeypatch):
    def make(*tasks):
        client = service(*tasks)
        monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)

        def call(*arguments, **options):
            return CliRunner().invoke(main, list(arguments), **options)

        call.client = client
        return call

    return make


def test_list_prints_the_table(cli):
    result = cli(wire_task("a"), wire_task("b", "failed"))("tasks", "list", "-n", "1")
    lines = result.stdout.strip("\n").splitlines()
    assert lines[0].split()[:3] == ["ID", "SIMULATOR", "STATUS"]
    assert [line.split()[0] for line in lines[1:]] == ["a"]
    assert result.exit_code == 0


def test_list_as_json(cli):
    result = cli(wire_task("a"))("tasks", "list", "--json")
    assert [task["task_id"] for task in json.loads(result.stdout)] == ["a"]


def test_empty_list_says_so_and_exits_with_one(cli):
    call = cli(wire_task("a"))
    call.client.transport.tasks.clear()
    result = call("tasks", "list")
    assert (result.stdout, result.exit_code) == ("No tasks found.\n", 1)


def test_info_prints_status_reason_and_timeline(cli):
    history = [{"status": "submitted", "timestamp": "2024-02-01T17:16:17+00:00"}]
    call = cli(wire_task("a", "failed", error_detail="exit code 1", status_history=history))
    text = call("tasks", "info", "a").stdout
    for expected in ("Status: Failed (failed)", "exit code 1", "In Queue"):
        assert expected in text


def test_kill_asks_first(cli):
    call = cli(wire_task("a", "computation-started"))
    assert call("tasks", "kill", "a", input="n\n").exit_code == 1
    assert "POST /tasks/a/kill" not in call.client.transport.requests
    assert call("tasks", "kill", "a", "-y").exit_code == 0
    assert "POST /tasks/a/kill" in call.client.transport.requests


def test_kill_of_an_ended_task_says_so(cli):
    assert "has ended already: Success" in cli(wire_task("a"))("tasks", "kill", "a").stdout


def test_expected_error_is_one_line_and_exit_code_one(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["inductiva-widgets", "tasks", "list"])
    with pytest.raises(SystemExit) as caught:
        run()
    assert caught.value.code == 1
    err = capsys.readouterr().err
    assert err.startswith("Error: No API key was found.")
    assert err.count("\n") == 1


def test_version():
    assert __version__ in CliRunner().invoke(main, ["--version"]).stdout


WORDS = [
    [],
    ["tasks"],
    ["tasks", "list"],
    ["serve"],
    ["demo"],
    ["local"],
    *(["local", word] for word in ("start", "status", "stop", "clean")),
]


@pytest.mark.parametrize("words", WORDS)
def test_help_is_there(words):
    result = CliRunner().invoke(main, [*words, "--help"])
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage:")


def test_demo_tasks_cause_a_warning_on_standard_error(cli):
    demo = wire_task("demo1", task_metadata={"inductiva-widgets.data": "DEMO"})
    result = cli(demo)("tasks", "list")
    assert "DEMO" in result.stderr
    assert "DEMO" not in result.stdout
    assert "DEMO" not in cli(wire_task("a"))("tasks", "list").stderr


@pytest.mark.parametrize("option", [["--speed", "5"], ["--seed", "5"]])
def test_options_of_the_demo_need_the_demo(option):
    result = CliRunner().invoke(main, ["serve", *option])
    assert result.exit_code == 2
    assert "require --replay" in result.stderr


@pytest.mark.parametrize("speed", ["0", "101"])
def test_speed_out_of_bounds_is_a_usage_error(speed):
    assert CliRunner().invoke(main, ["serve", "--replay", "--speed", speed]).exit_code == 2


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("inductiva-widgets local ", {"start", "status", "stop", "clean"}),
        ("inductiva-widgets local stop --", {"--yes", "--kill-tasks", "--replay", "--data-dir"}),
        ("inductiva-widgets serve --", {"--replay", "--speed", "--seed", "--workers"}),
    ],
)
def test_completion_knows_the_words_of_the_server(words, offered):
    environment = {
        "_INDUCTIVA_WIDGETS_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    done = CliRunner().invoke(
        main, [], env=environment, prog_name="inductiva-widgets", complete_var=None
    )
    assert offered <= {line.partition(",")[2] for line in done.stdout.splitlines()}


def test_kill_of_several_goes_on_after_one_that_is_unknown(cli):
    call = cli(wire_task("a", "computation-started"))
    result = call("tasks", "kill", "no-such", "a", "-y")
    assert "a: kill requested." in result.stdout
    assert "no-such" in result.stderr
    assert result.exit_code == 1


def test_list_with_an_unknown_id_shows_the_known_tasks(cli):
    result = cli(wire_task("a"))("tasks", "list", "-i", "no-such", "-i", "a")
    assert "a  " in result.stdout
    assert "no-such" in result.stderr
    assert result.exit_code == 1
