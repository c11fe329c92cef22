import csv

import pandas as pd
import pytest

from inductiva_widgets.cli import export
from inductiva_widgets.errors import APIConnectionError, InputError
from tests.unit.conftest import wire_task


@pytest.fixture
def many(service, monkeypatch):
    client = service(*(wire_task(f"t{i}", "failed" if i % 3 else "success") for i in range(1201)))
    monkeypatch.setattr("inductiva_widgets.api.connect._default", client)
    return client


def run(path, status=None, last_n=None):
    return export.export_tasks(path, status=status, project=None, last_n=last_n)


def test_csv_has_every_task_once_and_one_header(many, tmp_path):
    assert run(tmp_path / "all.csv") == 1201
    rows = list(csv.DictReader((tmp_path / "all.csv").open()))
    assert [row["task_id"] for row in rows] == [f"t{i}" for i in range(1201)]


def test_times_and_durations_survive_the_round_trip(many, tmp_path):
    run(tmp_path / "all.csv", last_n=5)
    frame = pd.read_csv(tmp_path / "all.csv", index_col="task_id", parse_dates=["started"])
    assert frame.loc["t0", "computation_time_seconds"] == 10.0
    assert frame.loc["t0", "started"] == pd.Timestamp("2024-02-01T17:16:30Z")
    assert len(frame) == 5


def test_filter_is_asked_of_the_service(many, tmp_path):
    assert run(tmp_path / "ok.csv", status="success") == 401


def test_pages_come_one_by_one(many, tmp_path, monkeypatch):
    sizes = []
    original = export._write_csv

    def watch(pages, path):
        return original((sizes.append(len(page)) or page for page in pages), path)

    monkeypatch.setattr(export, "_write_csv", watch)
    run(tmp_path / "all.csv")
    assert sizes == [500, 500, 201]


def test_empty_history_is_a_header(service, monkeypatch, tmp_path):
    client = service()
    client.transport.tasks.clear()
    monkeypatch.setattr("inductiva_widgets.api.connect._default", client)
    assert run(tmp_path / "none.csv") == 0
    assert (tmp_path / "none.csv").read_text().startswith("task_id,status,simulator")


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


@pytest.mark.parametrize("name", ["all.xlsx", "all", "nowhere/all.csv"])
def test_bad_target_is_told_before_any_request(many, tmp_path, name):
    with pytest.raises(InputError, match=r"\.csv|does not exist"):
        run(tmp_path / name)
    assert many.transport.calls == []


def test_parquet_keeps_the_types(many, tmp_path):
    pytest.importorskip("pyarrow")
    run(tmp_path / "all.parquet")
    frame = pd.read_parquet(tmp_path / "all.parquet")
    assert len(frame) == 1201
    assert frame.loc["t0", "computation_time"] == pd.Timedelta(seconds=10)
    assert str(frame["started"].dtype).endswith("UTC]")
