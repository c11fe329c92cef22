import re

import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from inductiva_widgets.cli import _render
from inductiva_widgets.cli.main import main
from inductiva_widgets.errors import ServerError
from inductiva_widgets.tasks import get
from tests.unit.conftest import wire_task


@pytest.fixture
def found(service):
    return get(client=service(wire_task("a"), wire_task("b", "failed"), wire_task("c", "started")))


@pytest.fixture
def terminal(monkeypatch):
    for name in ("NO_COLOR", "INDUCTIVA_DISABLE_ANSI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "200")


def test_success_is_green_and_failure_red_in_a_terminal(found, terminal):
    _, first, second, third = _render.render_task_table(found).splitlines()
    assert "\x1b[32msuccess\x1b[0m" in first
    assert "\x1b[31mfailed\x1b[0m" in second
    assert "\x1b" not in third


@pytest.mark.parametrize("name", ["NO_COLOR", "INDUCTIVA_DISABLE_ANSI"])
def test_colours_can_be_refused(found, terminal, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert "\x1b" not in _render.render_task_table(found)


def test_a_pipe_gets_no_colours(found):
    assert "\x1b" not in _render.render_task_table(found)


@pytest.mark.parametrize("columns", [200, 120, 100, 80, 60, 40, 20])
def test_table_is_not_wider_than_the_terminal(found, terminal, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    lines = _render.render_task_table(found).splitlines()
    assert max(map(len, lines)) <= columns
    assert all(name in line for name, line in zip("abc", lines[1:4], strict=True))
    assert ("Hidden" in lines[-1]) == (columns < 120)


def test_narrow_table_keeps_ids_and_statuses(service, terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    task = wire_task()
    header, row, hidden = _render.render_task_table(get(client=service(task))).splitlines()
    assert header.split() == ["ID", "SIMULATOR", "STATUS", "SUBMITTED"]
    assert task["task_id"] in row
    assert "success" in row
    assert "STARTED" in hidden


def test_wide_characters_count_twice(service, terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    text = _render.render_task_table(get(client=service(wire_task(simulator="流体" * 12))))
    assert max(map(cell_len, text.splitlines())) <= 80


def test_piped_table_has_all_columns(found, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    header, row, *_ = _render.render_task_table(found).splitlines()
    assert header.split()[-2:] == ["RESOURCE", "TYPE"]
    assert row.endswith("c2-standard-16")


def test_times_have_year_and_zone(found):
    assert re.search(r"2024-02-0\d \d\d:\d\d (UTC|[+-]\d\d:\d\d)", _render.render_task_table(found))


def test_watch_refreshes_shows_errors_and_ends_with_an_interrupt(monkeypatch, capsys):
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            raise KeyboardInterrupt

    answers = iter(["first", ServerError("down", status=503), "third"])

    def look():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("time.sleep", sleep)
    _render.refresh_table(look, 5)
    printed = capsys.readouterr().out
    assert pauses == [5, 5, 5]
    assert "third" in printed
    assert "Every 5 s" in printed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_names_the_program(shell):
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0
    assert "_INDUCTIVA_WIDGETS_COMPLETE" in done.stdout


def test_completion_offers_the_words():
    environment = {
        "_INDUCTIVA_WIDGETS_COMPLETE": "bash_complete",
        "COMP_WORDS": "inductiva-widgets tasks ",
        "COMP_CWORD": "2",
    }
    done = CliRunner().invoke(
        main, [], env=environment, prog_name="inductiva-widgets", complete_var=None
    )
    assert {"list", "info", "kill", "download", "export"} <= {
        line.partition(",")[2] for line in done.stdout.splitlines()
    }
