import subprocess
import sys
import types

import pandas as pd
import pytest

import inductiva_widgets
from inductiva_widgets.errors import InputError
from inductiva_widgets.frames import read, to_frame
from inductiva_widgets.tasks import Task, TaskList
from tests.unit.conftest import wire_task
from tests.unit.frames.test_from_frame import decoded

PLOTS = ("timeline", "durations", "costs", "statuses", "machines")


@pytest.fixture
def frame():
    return to_frame(decoded(wire_task("a"), wire_task("b", "failed", simulator="swmm")))


def test_accessor_tasks_match_the_rows(frame, service):
    client = service(wire_task("a"))
    tasks = frame.query("status == 'success'").inductiva.tasks(client)
    assert isinstance(tasks, TaskList)
    assert list(tasks) == [Task("a", client=client)]
    assert client.transport.calls == []


@pytest.mark.parametrize("name", PLOTS)
def test_chart_methods_call_the_plots_module(name, frame, monkeypatch):
    plots = types.ModuleType("inductiva_widgets.plots")
    setattr(plots, name, lambda df, **options: (df, options))
    monkeypatch.setitem(sys.modules, "inductiva_widgets.plots", plots)
    monkeypatch.setattr(inductiva_widgets, "plots", plots, raising=False)
    shown, options = getattr(frame.inductiva, name)(height=100)
    assert shown is frame
    assert options == {"height": 100}


def test_comparison_is_that_of_the_frames(frame, monkeypatch):
    module = types.ModuleType("inductiva_widgets.frames._compare")
    module.compare = lambda df: df
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert frame.inductiva.compare() is frame


@pytest.mark.parametrize("kind", ["csv", "parquet", "excel"])
def test_export_methods_ignore_the_file_suffix(kind, frame, tmp_path):
    getattr(frame.inductiva, f"to_{kind}")(tmp_path / "mine.data")
    ending = {"csv": ".csv", "parquet": ".parquet", "excel": ".xlsx"}[kind]
    (tmp_path / "mine.data").rename(tmp_path / f"mine{ending}")
    pd.testing.assert_frame_equal(read(tmp_path / f"mine{ending}"), frame)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_ids_may_be_a_column(kind, frame, tmp_path):
    path = tmp_path / f"x.{kind}"
    getattr(frame.reset_index().inductiva, f"to_{kind}")(path)
    pd.testing.assert_frame_equal(read(path), frame)


def test_arrow_table_has_the_ids_the_categories_and_the_attrs(frame):
    table = frame.inductiva.to_arrow()
    assert table.column("task_id").to_pylist() == ["a", "b"]
    assert table.schema.field("status").type.ordered
    assert table.to_pandas()["status"].dtype == frame["status"].dtype
    assert table.to_pandas()["queue_time"].tolist() == frame["queue_time"].tolist()
    assert b"PANDAS_ATTRS" in table.schema.metadata


METHODS = (*PLOTS, "tasks", "compare", "to_arrow")


@pytest.mark.parametrize("name", METHODS)
def test_accessor_of_groups_raises(name, frame):
    groups = frame.groupby("simulator", observed=True)[["cost_usd"]].sum()
    with pytest.raises(InputError, match=r"rows of this frame are no tasks.*called 'simulator'"):
        getattr(groups.inductiva, name)()


def test_invalid_export_writes_no_file(frame, tmp_path):
    with pytest.raises(InputError, match="rows of this frame are no tasks"):
        frame.reset_index(drop=True).inductiva.to_csv(tmp_path / "x.csv")
    assert not list(tmp_path.iterdir())


def test_accessor_of_any_frame_does_not_raise():
    assert hasattr(pd.DataFrame({"x": [1]}), "inductiva")


def test_results_of_pandas_are_plain_pandas(frame):
    results = [
        frame,
        frame.query("cost_usd > 5"),
        frame.groupby("status", observed=True)[["cost_usd"]].mean(),
        frame.pivot_table(index="project", columns="status", values="retries", observed=True),
        frame.describe(),
        pd.concat([frame, frame]),
    ]
    assert {type(result) for result in results} == {pd.DataFrame}
    assert type(frame["cost_usd"]) is pd.Series


def test_accessor_exists_in_session_that_reads_a_file_first(frame, tmp_path):
    frame.inductiva.to_parquet(tmp_path / "x.parquet")
    code = """
from inductiva_widgets import frames
import pandas as pd
print(len(pd.read_parquet("x.parquet").inductiva.to_arrow()))
print(len(frames.read("x.parquet").inductiva.to_arrow()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["2", "2"], done.stderr
