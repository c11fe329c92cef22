import msgspec
import pandas as pd
import pytest

from inductiva_widgets.frames import to_frame
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import KNOWN_STATUSES
from tests.unit.conftest import START, wire_task


def infos(*tasks):
    return [msgspec.json.decode(msgspec.json.encode(task), type=TaskInfo) for task in tasks]


DTYPES = to_frame([]).dtypes


@pytest.mark.parametrize(
    "tasks",
    [
        [wire_task()],
        [wire_task(status="submitted")],
        [{"task_id": "bare", "status": "submitted"}],
        [wire_task("a"), wire_task("b", "failed", metrics={"output_total_files": 3})],
    ],
)
def test_schema_is_the_same_for_any_tasks(tasks):
    found = to_frame(infos(*tasks)).dtypes
    assert list(found.index) == list(DTYPES.index)
    for name in found.index:
        if not isinstance(found[name], pd.CategoricalDtype):
            assert found[name] == DTYPES[name], name
        else:
            assert isinstance(DTYPES[name], pd.CategoricalDtype)


def test_types_are_those_that_the_docstring_names():
    frame = to_frame(infos(wire_task()))
    assert frame.index.name == "task_id"
    assert frame["status"].cat.ordered
    assert list(frame["status"].cat.categories) == list(KNOWN_STATUSES)
    assert str(frame["started"].dtype) == "datetime64[us, UTC]"
    assert str(frame["queue_time"].dtype) == "timedelta64[us]"
    assert str(frame["output_bytes"].dtype) == "Int64"
    assert frame["cost_usd"].dtype == float


def test_values_are_those_of_the_task():
    row = to_frame(infos(wire_task(estimated_computation_cost=0.25))).iloc[0]
    assert row["computation_time"] == pd.Timedelta(seconds=10)
    assert row["queue_time"] == pd.Timedelta(seconds=13)
    assert row["total_time"] == pd.Timedelta(seconds=28)
    assert row["cost_usd"] == 0.25
    assert row["machine_type"] == "c2-standard-16"
    assert row["submitted"] == pd.Timestamp(START) + pd.Timedelta(seconds=1)


@pytest.mark.parametrize(
    ("fee", "charged"),
    [
        ({"amount": 0.01, "charged": True, "currency": "USD"}, 0.01),
        ({"amount": 0.01, "charged": True, "currency": "usd"}, 0.01),
        ({"amount": 0.01, "charged": True}, 0.01),
        ({"amount": 0.01, "charged": True, "currency": "EUR"}, None),
        ({"amount": 0.01, "charged": False, "currency": "USD"}, 0),
        ({"amount": 0.01, "charged": False, "currency": "EUR"}, 0),
        ({"amount": 0.01, "charged": None, "currency": "USD"}, None),
        (None, None),
    ],
)
def test_fee_is_what_was_charged_in_dollars(fee, charged):
    value = to_frame(infos(wire_task(orchestration_fee=fee)))["fee_usd"].iloc[0]
    assert (None if pd.isna(value) else value) == charged


def test_running_task_has_a_computation_time():
    now = pd.Timestamp(START) + pd.Timedelta(seconds=20)
    row = to_frame(infos(wire_task(status="computation-started")), now=now.to_pydatetime()).iloc[0]
    assert row["computation_time"] == pd.Timedelta(seconds=4)
    assert pd.isna(row["ended"])


def test_unknown_status_is_a_category_of_its_own():
    frame = to_frame(infos(wire_task(status="teleported")))
    assert frame["status"].iloc[0] == "teleported"


def test_groupby_on_the_frame_works():
    frame = to_frame(infos(wire_task("a"), wire_task("b", "failed")))
    counts = frame.groupby("status", observed=True).size()
    assert counts.to_dict() == {"success": 1, "failed": 1}


def test_error_is_that_of_the_simulation_or_of_the_machine():
    frame = to_frame(
        infos(
            wire_task("a", "failed", error_detail="exit code 1"),
            wire_task("b", "failed", executer={"vm_type": "c2", "error_detail": "disk full"}),
            wire_task("c"),
        )
    )
    assert list(frame["error"][:2]) == ["exit code 1", "disk full"]
    assert pd.isna(frame["error"].iloc[2])


def test_texts_that_are_all_unknown_are_still_texts():
    frame = to_frame(infos(wire_task(project=None)))
    assert not frame["project"].str.contains("x", na=False).any()


def test_end_that_the_service_does_not_tell_is_missing_with_the_durations():
    killed = wire_task(status="killed", end_time=None, computation_end_time=None)
    row = to_frame(infos(killed)).iloc[0]
    assert row[["ended", "computation_time", "total_time"]].isna().all()
