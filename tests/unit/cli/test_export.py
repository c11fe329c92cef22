import csv
import json
from datetime import datetime, timezone

import pandas as pd
import pytest
from click.testing import CliRunner
from pandas.testing import assert_frame_equal

from inductiva_widgets.cli._export import ExportOptions, export_tasks
from inductiva_widgets.cli.main import main
from inductiva_widgets.errors import APIConnectionError, InputError
from inductiva_widgets.filters import TaskFilters
from inductiva_widgets.frames import read
from inductiva_widgets.tasks import get_all
from tests.unit.conftest import at, wire_task

ENDINGS = (".csv", ".parquet", ".arrow", ".xlsx")


@pytest.fixture
def serve(service, monkeypatch):
    """Return a maker of services that the command asks."""

    def make(*tasks):
        client = service(*tasks)
        if not tasks:
            client.transport.tasks.clear()
        monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
        return client

    return make


@pytest.fixture
def many(serve):
    """1201 tasks, the newest first, a second apart."""
    return serve(
        *(
            wire_task(f"t{i}", "failed" if i % 3 else "success", create_time=at(-i))
            for i in range(1201)
        )
    )


def run(path, *, last_n=None, columns=None, metadata=False, **filters):
    options = ExportOptions(TaskFilters.parse(**filters), last_n, columns, metadata)
    return export_tasks(path, options, on_page=lambda infos: None)


@pytest.mark.parametrize("ending", ENDINGS)
def test_file_has_what_to_frame_has(many, tmp_path, ending):
    path = tmp_path / f"all{ending}"
    assert run(path) == 1201
    assert_frame_equal(read(path), get_all(client=many).to_frame())


def test_csv_has_every_task_once_and_one_header(many, tmp_path):
    assert run(tmp_path / "all.csv") == 1201
    rows = list(csv.DictReader((tmp_path / "all.csv").open()))
    assert [row["task_id"] for row in rows] == [f"t{i}" for i in range(1201)]


def test_times_and_durations_survive_the_way_through_plain_pandas(many, tmp_path):
    run(tmp_path / "all.csv", last_n=5)
    frame = pd.read_csv(tmp_path / "all.csv", index_col="task_id", parse_dates=["started"])
    assert frame.loc["t0", "computation_time_seconds"] == 10.0
    assert frame.loc["t0", "started"] == pd.Timestamp("2024-02-01T17:16:30Z")
    assert len(frame) == 5


def test_filter_is_asked_of_the_service(many, tmp_path):
    assert run(tmp_path / "ok.csv", status="success") == 401


def test_since_ends_the_asking(many, tmp_path):
    assert (
        run(tmp_path / "new.csv", since=datetime(2024, 2, 1, 17, 16, 6, tzinfo=timezone.utc)) == 11
    )
    assert read(tmp_path / "new.csv")["created"].min() == pd.Timestamp("2024-02-01T17:16:06Z")


def test_pages_come_one_by_one(many, tmp_path):
    sizes = []
    export_tasks(
        tmp_path / "all.csv", ExportOptions(), on_page=lambda infos: sizes.append(len(infos))
    )
    assert sizes == [500, 500, 201]


@pytest.mark.parametrize("ending", ENDINGS)
def test_empty_history_has_all_columns(serve, tmp_path, ending):
    client = serve()
    path = tmp_path / f"none{ending}"
    assert run(path) == 0
    assert_frame_equal(read(path), get_all(client=client).to_frame())


@pytest.mark.parametrize("ending", ENDINGS)
def test_export_has_metadata_as_json_column_that_read_expands(serve, tmp_path, ending):
    plain = [wire_task(f"t{i}") for i in range(500)]
    client = serve(*plain, wire_task("told", task_metadata={"case": "=a", "x": "1"}))
    path = tmp_path / f"all{ending}"
    run(path, metadata=True)
    assert_frame_equal(read(path), get_all(client=client).to_frame(metadata=True))
    if ending == ".csv":
        *_, last = csv.DictReader(path.open())
        assert json.loads(last["metadata"]) == {"case": "=a", "x": "1"}


def test_interrupted_export_leaves_the_old_file_and_no_rubbish(many, tmp_path):
    (tmp_path / "all.csv").write_text("old")
    calls = []

    def fail():
        calls.append(1)
        if len(calls) == 2:
            raise APIConnectionError("gone")

    many.transport.hooks["GET /tasks"] = fail
    with pytest.raises(APIConnectionError):
        run(tmp_path / "all.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["all.csv"]
    assert (tmp_path / "all.csv").read_text() == "old"


@pytest.mark.parametrize("name", ["all.xls", "all", "nowhere/all.csv"])
def test_invalid_target_raises_before_any_request(many, tmp_path, name):
    with pytest.raises(InputError, match=r"\.csv|does not exist"):
        run(tmp_path / name)
    assert many.transport.calls == []


def test_invalid_column_raises_before_any_request(many, tmp_path):
    with pytest.raises(InputError, match="Did you mean 'cost_usd'"):
        run(tmp_path / "all.csv", columns=("cost_us",))
    assert many.transport.calls == []


def test_export_without_terminal_prints_one_line(many, tmp_path):
    path = tmp_path / "all.csv"
    options = ["--columns", "project, cost_usd", "--since", "2024-02-01T17:16:06Z"]
    done = CliRunner().invoke(main, ["tasks", "export", str(path), *options])
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"11 tasks written to {path}.\n", "")
    assert path.read_text().startswith("task_id,project,cost_usd\n")


def test_command_counts_on_a_terminal(many, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = CliRunner().invoke(main, ["tasks", "export", str(tmp_path / "all.csv")])
    assert "tasks" in done.stderr
    assert done.stdout.startswith("1201 tasks written to")


def test_command_says_that_tasks_are_made_up(serve, tmp_path):
    serve(wire_task(task_metadata={"inductiva-widgets.data": "DEMO"}))
    done = CliRunner().invoke(main, ["tasks", "export", str(tmp_path / "all.csv")])
    assert done.stderr.startswith("DEMO data")


def test_ctrl_c_leaves_no_file(many, tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    many.transport.hooks["GET /tasks"] = interrupt
    done = CliRunner().invoke(main, ["tasks", "export", str(tmp_path / "all.xlsx")])
    assert (done.exit_code, done.output) == (130, "")
    assert not list(tmp_path.iterdir())


def test_dash_writes_csv_to_the_standard_output(many, tmp_path):
    done = CliRunner().invoke(main, ["tasks", "export", "-", "-n", "3"])
    run(tmp_path / "three.csv", last_n=3)
    assert done.stdout_bytes == (tmp_path / "three.csv").read_bytes()
    assert done.stderr == ""


def test_compressed_export_reads_back(many, tmp_path):
    path = tmp_path / "all.csv.gz"
    done = CliRunner().invoke(main, ["tasks", "export", str(path)])
    assert done.stdout == f"1201 tasks written to {path}.\n"
    assert_frame_equal(read(path), get_all(client=many).to_frame())


def test_command_says_what_the_file_cannot_hold(serve, tmp_path):
    serve(wire_task(project="x" * 40_000))
    done = CliRunner().invoke(main, ["tasks", "export", str(tmp_path / "all.xlsx")])
    assert done.exit_code == 0
    assert done.stderr.startswith("Warning: 1 value of the column 'project' is cut to 32,767")
