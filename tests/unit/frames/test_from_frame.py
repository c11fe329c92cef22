from datetime import datetime, timedelta, timezone

import msgspec
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from inductiva_widgets.errors import InputError
from inductiva_widgets.frames import to_frame
from inductiva_widgets.frames._from_frame import tasks_from_frame
from inductiva_widgets.frames._provenance import task_ids
from inductiva_widgets.models.tasks import Executer, Fee, TaskInfo, TaskMetrics
from inductiva_widgets.status import KNOWN_STATUSES, Status
from inductiva_widgets.timing import end_time
from tests.unit.conftest import START, wire_task

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)

texts = st.none() | st.sampled_from(["", "n/a", "NA", "=1+1", "a\nb", "Größe"]) | st.text()
# Seconds as doubles, as the service tells durations, are exact to the microsecond for 70 years.
moments = st.none() | st.datetimes(
    datetime(1999, 1, 1), datetime(2059, 1, 1), timezones=st.just(timezone.utc)
)
seconds = st.none() | st.floats(-1e6, 1e9)
counts = st.none() | st.integers(-1, 2**63 - 1)
codes = st.sampled_from(KNOWN_STATUSES) | st.text(min_size=1)


def filled(kind, **strategies):
    """Return a strategy of a wire value; a field has the strategy of its type or its own."""
    by_end = {"seconds": seconds, "time": moments}
    made = {
        field.name: by_end.get(field.name.rpartition("_")[2], counts)
        for field in msgspec.structs.fields(kind)
    }
    return st.builds(kind, **{**made, **strategies})


machines = filled(
    Executer, uuid=texts, vm_type=texts, vm_name=texts, host_type=texts, error_detail=texts
)
# As a listing has them: without the histories that come with the detail of one task.
tasks = st.builds(
    TaskInfo,
    task_id=st.just("t"),
    status=codes.map(Status),
    is_terminated=st.none() | st.booleans(),
    simulator=texts,
    project=texts,
    storage_region=texts,
    container_image=texts,
    machine_group_name=texts,
    error_detail=texts,
    create_time=moments,
    input_submit_time=moments,
    start_time=moments,
    computation_start_time=moments,
    computation_end_time=moments,
    end_time=moments,
    estimated_computation_cost=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    num_retries=counts,
    metrics=st.none() | filled(TaskMetrics),
    executer=st.none() | machines,
    orchestration_fee=st.none()
    | st.builds(
        Fee,
        amount=st.floats(-1, 1e6),
        charged=st.none() | st.booleans(),
        currency=st.sampled_from(["USD", "EUR"]),
    ),
    task_metadata=st.none() | st.dictionaries(st.text(), st.text(), max_size=3),
)


MAY_RETURN = ("spot-instance-preempted", "executer-terminated")


def numbered(infos):
    return [msgspec.structs.replace(info, task_id=f"t{i}") for i, info in enumerate(infos)]


def decoded(*tasks):
    return [msgspec.json.decode(msgspec.json.encode(task), type=TaskInfo) for task in tasks]


def every_column(infos, now=NOW):
    from inductiva_widgets.frames.schema import COLUMNS

    return to_frame(infos, columns=list(COLUMNS), metadata=True, now=now)


@given(st.lists(tasks, max_size=3))
def test_frame_of_finished_tasks_survives_round_trip(found):
    # The column of the end, or the status, has to tell that a task has ended: there is no other.
    ended = [
        info
        for info in numbered(found)
        if info.is_terminal
        and (end_time(info) or (info.status.is_terminal and info.status not in MAY_RETURN))
    ]
    frame = every_column(ended)
    assert_frame_equal(every_column(tasks_from_frame(frame)), frame)


@given(st.lists(tasks, max_size=3))
def test_frame_of_any_tasks_survives_round_trip_but_growing_durations(found):
    frame = every_column(numbered(found))
    again = every_column(tasks_from_frame(frame))
    lasting = ["queue_time", "computation_time", "total_time"]
    assert_frame_equal(again.drop(columns=lasting), frame.drop(columns=lasting))


def test_durations_grow_for_live_tasks_only():
    measured = {"queue_time_seconds": 12.5, "total_seconds": 30.0, "computation_seconds": 9.0}
    infos = decoded(
        wire_task("live", "computation-started"),
        wire_task("ended", metrics=measured),
        wire_task("live-measured", "computation-started", metrics=measured),
    )
    frame = to_frame(infos, now=START + timedelta(seconds=20))
    later = to_frame(tasks_from_frame(frame), now=START + timedelta(seconds=120))
    assert later["computation_time"].dt.total_seconds().tolist() == [104.0, 9.0, 104.0]
    assert later["total_time"].dt.total_seconds().tolist() == [120.0, 30.0, 120.0]
    assert later["queue_time"].dt.total_seconds().tolist() == [13.0, 12.5, 12.5]


def test_tasks_from_frame_requeued_task_is_live():
    info = wire_task(status="spot-instance-preempted", is_terminated=False, end_time=None)
    (back,) = tasks_from_frame(to_frame(decoded(info)))
    assert not back.is_terminal


def test_tasks_from_frame_missing_columns_are_none():
    (back,) = tasks_from_frame(to_frame(decoded(wire_task()), columns=["status", "cost_usd"]))
    assert back == type(back)(task_id=back.task_id, status=Status.SUCCESS, is_terminated=True)


def test_tasks_from_frame_without_status_returns_ids():
    frame = to_frame(decoded(wire_task("a"), wire_task("b")), columns=["cost_usd"])
    assert tasks_from_frame(frame) == ["a", "b"]


def test_tasks_from_frame_missing_status_returns_id():
    frame = to_frame(decoded(wire_task("a"), wire_task("b")))
    frame.loc["a", "status"] = None
    first, second = tasks_from_frame(frame)
    assert (first, second.task_id) == ("a", "b")


def test_tasks_from_frame_accepts_id_column_and_ignores_further_columns():
    frame = to_frame(decoded(wire_task("a"), wire_task("b"))).reset_index()
    frame["mine"] = [object(), object()]
    assert [info.task_id for info in tasks_from_frame(frame)] == ["a", "b"]


@pytest.mark.parametrize("write", ["csv", "parquet"])
def test_tasks_from_frame_accepts_files_written_by_pandas(write, tmp_path):
    infos = decoded(wire_task("a"), wire_task("b", "submitted"), wire_task("c", "failed"))
    frame = to_frame(infos, now=NOW)
    getattr(frame, f"to_{write}")(tmp_path / "tasks")
    read = getattr(pd, f"read_{write}")(tmp_path / "tasks")
    assert_frame_equal(to_frame(tasks_from_frame(read), now=NOW), frame)


FRAME = to_frame(decoded(wire_task("a"), wire_task("b", "failed", simulator="swmm")))


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (FRAME["cost_usd"], r"got Series: for one column, keep the frame"),
        ([FRAME], "got list"),
        (FRAME.groupby("simulator", observed=True)[["cost_usd"]].mean(), "called 'simulator'.*gro"),
        (FRAME.reset_index(drop=True), "which has no name"),
        (pd.concat([FRAME, FRAME]), r"'a' is in this frame more than once.*duplicated"),
        (FRAME.rename(index={"b": ""}), "row 1 .* ''"),
        (FRAME.rename(index={"b": 7}), "row 1 .* 7"),
        (FRAME.rename(index={"b": None}), "row 1"),
        (FRAME.assign(started="yesterday"), "'started' should be a time.*yesterday"),
        (FRAME.assign(queue_time=5), "'queue_time'.*unit.*_seconds"),
        (FRAME.assign(retries=0.5), "'retries' should be a count.*0.5 is no whole number"),
        (FRAME.assign(cost_usd="a lot"), "'cost_usd' should be a number"),
        (FRAME.assign(project=5), "'project' should be a category.*5 is no text"),
        (FRAME.assign(metadata="x"), "'metadata' should hold"),
        (FRAME.assign(queue_time_seconds=3.0), "'queue_time' is in this frame twice"),
    ],
)
def test_tasks_from_frame_invalid_frame_raises_with_reason(frame, said):
    with pytest.raises(InputError, match=f"(?s){said}"):
        tasks_from_frame(frame)


def test_duplicates_in_a_column_are_named_too():
    with pytest.raises(InputError, match="'a' is in this frame more than once"):
        task_ids(pd.concat([FRAME, FRAME]).reset_index())
