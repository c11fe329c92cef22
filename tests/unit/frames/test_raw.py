from datetime import datetime, timezone

import msgspec
import pytest

from inductiva_widgets.errors import InputError
from inductiva_widgets.frames import to_frame
from inductiva_widgets.frames._to_frame import COLUMNS
from inductiva_widgets.models.tasks import TaskInfo, TaskPage
from tests.unit.conftest import wire_task


def listed(*tasks):
    told = msgspec.json.encode({"tasks": tasks, "total_size": len(tasks)})
    return msgspec.json.decode(told, type=TaskPage).tasks


def test_raw_frame_has_names_and_values_of_the_service():
    task = wire_task(
        metrics={"total_seconds": 28.25}, orchestration_fee={"amount": 0.01, "charged": True}
    )
    row = to_frame(listed(task), raw=True).iloc[0]
    assert row["status"] == "success"
    assert type(row["status"]) is str
    assert row["metrics.total_seconds"] == 28.25
    assert row["executer.vm_type"] == "c2-standard-16"
    assert row["orchestration_fee.charged"] is True
    assert row["create_time"] == datetime(2024, 2, 1, 17, 16, 16, tzinfo=timezone.utc)
    assert row["container_image"] is None


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_columns_are_the_same_objects_for_any_tasks(count):
    lists = [wire_task(f"t{place}", input_resources=["a", "b"]) for place in range(count)]
    frame = to_frame(listed(*lists), raw=True)
    assert list(frame.columns) == list(COLUMNS)
    assert set(frame.dtypes) == {frame["status"].dtype}
    assert frame["status"].dtype == object
    assert list(frame["input_resources"]) == [["a", "b"]] * count


def test_raw_frame_has_all_fields_but_details():
    missing = {
        name
        for name in TaskInfo.__struct_fields__
        if not any(column.partition(".")[0] == name for column in COLUMNS)
    }
    assert missing == {
        "task_id",
        "status_history",
        "machine_operations",
        "steps",
        "extra_params",
    }


def test_columns_are_chosen_by_the_names_of_the_service():
    frame = to_frame(listed(wire_task()), raw=True, columns=["end_time", "executer.vm_type"])
    assert list(frame.columns) == ["end_time", "executer.vm_type"]
    with pytest.raises(InputError, match=r"Did you mean 'executer\.vm_type'"):
        to_frame(listed(wire_task()), raw=True, columns=["executer.vmtype"])
