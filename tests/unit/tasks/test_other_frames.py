"""A TaskList is read by other libraries: pandas, Polars, DuckDB, pyarrow and numpy."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from inductiva_widgets.frames.schema import DEFAULT_COLUMNS
from inductiva_widgets.tasks import TaskList, get_all
from tests.unit.conftest import wire_task

COLUMNS = ["task_id", *DEFAULT_COLUMNS]
PUBLIC = {
    "compare",
    "count",
    "download_outputs",
    "filter",
    "from_frame",
    "index",
    "kill",
    "start_download",
    "to_frame",
    "wait",
    "watch",
    "widget",
}


@pytest.fixture
def tasks(service):
    client = service(
        wire_task("a", estimated_computation_cost=1.5),
        wire_task("b", "failed", estimated_computation_cost=2.5, num_retries=3),
        wire_task("c", "submitted", start_time=None, end_time=None),
    )
    return get_all(client=client)


def assert_rows(rows, tasks):
    """Compare rows as dicts with the frame of the tasks."""
    frame = tasks.to_frame()
    assert [list(row) for row in rows] == [COLUMNS] * len(frame)
    assert [row["task_id"] for row in rows] == list(frame.index)
    for name in ("status", "simulator", "service", "cost_usd", "retries", "output_files"):
        expected = frame[name].astype(object).where(frame[name].notna(), None).to_list()
        given = [None if pd.isna(row[name]) else row[name] for row in rows]
        assert given == expected, name
    for name in ("created", "ended", "computation_time"):
        read = pd.Timestamp if frame[name].dtype.kind == "M" else pd.Timedelta
        for row, value in zip(rows, frame[name], strict=True):
            assert pd.isna(row[name]) if pd.isna(value) else read(row[name]) == value


def test_pandas_has_the_columns_and_types_of_values(tasks):
    frame = pd.DataFrame(tasks)
    assert_rows(frame.to_dict("records"), tasks)
    assert frame["created"].dt.tz is not None
    assert frame["computation_time"].dtype.kind == "m"
    assert frame["cost_usd"].dtype == np.float64
    assert frame["cost_usd"].sum() == tasks.to_frame()["cost_usd"].sum()


def test_polars_reads_the_arrow_stream(tasks):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(tasks)
    assert_rows(frame.to_dicts(), tasks)
    assert frame["status"].dtype == polars.Categorical
    assert frame["created"].dtype == polars.Datetime("us", "UTC")
    assert polars.DataFrame(tasks[:0]).columns == COLUMNS


def test_duckdb_queries_a_list_by_its_name(tasks):
    duckdb = pytest.importorskip("duckdb")
    found = duckdb.sql("SELECT status::VARCHAR, sum(cost_usd) FROM tasks GROUP BY 1 ORDER BY 1")
    assert found.fetchall()[:2] == [("failed", 2.5), ("submitted", None)]
    assert duckdb.sql("SELECT * FROM tasks").columns == COLUMNS


def test_arrow_table_has_the_columns_of_the_frame(tasks):
    table = pa.table(tasks)
    assert table.column_names == COLUMNS
    assert_rows(table.to_pylist(), tasks)
    assert pa.table(tasks[:0]).column_names == COLUMNS


def test_records_need_no_request_and_are_always_new(tasks):
    client = tasks[0].client
    client.transport.calls.clear()
    assert [record.task_id for record in np.asarray(tasks)] == ["a", "b", "c"]
    assert client.transport.calls == []
    with pytest.raises(ValueError, match="copy"):
        tasks.__array__(copy=False)


def test_list_is_still_a_sequence_in_its_methods(tasks):
    assert tasks.index(tasks[1]) == 1
    assert tasks.count(tasks[2]) == 1
    assert tasks[1] in tasks
    assert [task.id for task in reversed(tasks)] == ["c", "b", "a"]
    assert tasks[:1].count(tasks[2]) == 0
    with pytest.raises(ValueError, match="not in list"):
        tasks.index(tasks[0], 1)


def test_completion_offers_no_plumbing(tasks):
    assert {name for name in dir(tasks) if not name.startswith("_")} == PUBLIC
    assert {name for name in dir(TaskList) if not name.startswith("_")} == PUBLIC
