"""What tasks differ in, and what they have in common."""

import json
import threading
import time

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inductiva_widgets import tasks as api
from inductiva_widgets.errors import InputError, NotFoundError
from inductiva_widgets.frames import compare, to_frame
from inductiva_widgets.frames._compare import comparison_frame
from inductiva_widgets.frames.schema import COLUMNS
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.tasks import Task, TaskList
from tests.unit.conftest import at, wire_task


def infos(*tasks):
    return [msgspec.json.decode(msgspec.json.encode(task), type=TaskInfo) for task in tasks]


def same_of(frame):
    return frame.attrs["inductiva"]["same"]


def run(*commands, np=None, **parameters):
    """Return what a task was submitted with."""
    mpi = None if np is None else {"version": "4.1.6", "options": {"np": np, "bind": True}}
    listed = [{"cmd": command, "prompts": [], "mpi_config": mpi} for command in commands]
    return {"extra_params": {"commands": listed, **parameters}}


@st.composite
def wire_tasks(draw):
    """Some tasks of few different values, so that columns often agree, and often do not."""
    some = {
        "project": st.sampled_from([None, "one", "two"]),
        "estimated_computation_cost": st.sampled_from([None, 0.0, 0.1, 0.1 + 1e-9]),
        "num_retries": st.sampled_from([None, 0, 1]),
        "start_time": st.sampled_from([None, at(14), at(14.000001)]),
        "container_image": st.sampled_from([None, "swmm_v5.2.3", "swmm_v5.2.4"]),
        "metrics": st.sampled_from([None, {"output_size_bytes": 7}, {"computation_seconds": 1.5}]),
        "task_metadata": st.dictionaries(st.sampled_from("ab"), st.sampled_from(["1", "2"])),
    }
    count = draw(st.integers(2, 5))
    return [wire_task(f"t{i}", **draw(st.fixed_dictionaries(some))) for i in range(count)]


@given(wire_tasks())
def test_compare_drops_exactly_the_constant_columns(tasks):
    whole = comparison_frame(infos(*tasks))
    compared = compare(whole)
    assert list(compared.index) == [task["task_id"] for task in tasks]
    assert set(compared) | set(same_of(compared)) == set(whole)
    assert list(compared) == [name for name in whole if name in compared]
    for name in whole:
        values = {None if pd.isna(value) else value for value in whole[name]}
        assert (len(values) > 1) == (name in compared), name


@given(wire_tasks())
def test_compare_same_values_are_json_and_match_the_frame(tasks):
    whole = comparison_frame(infos(*tasks))
    same = same_of(compare(whole))
    assert json.loads(json.dumps(same, allow_nan=False)) == same
    for name, value in same.items():
        first = whole[name].iloc[0]
        if value is None:
            assert pd.isna(first)
        elif isinstance(first, pd.Timestamp):
            assert pd.Timestamp(value) == first
        elif isinstance(first, pd.Timedelta):
            assert pd.Timedelta(seconds=value) == first
        else:
            assert value == first


def test_compare_includes_all_columns_of_the_schema():
    assert list(comparison_frame(infos(wire_task())))[: len(COLUMNS)] == list(COLUMNS)


def test_compare_missing_and_present_value_differ():
    frame = compare(to_frame(infos(wire_task("a"), wire_task("b", project=None))))
    assert list(frame) == ["project"]


def test_numbers_are_compared_exactly():
    costs = [{"estimated_computation_cost": cost} for cost in (0.1 + 0.2, 0.3)]
    frame = to_frame(infos(*(wire_task(str(i), **cost) for i, cost in enumerate(costs))))
    assert list(compare(frame)) == ["cost_usd"]


def test_compare_always_keeps_equal_column_and_lists_it_as_same():
    frame = compare(to_frame(infos(wire_task("a"), wire_task("b"))), always=["status"])
    assert list(frame) == ["status"]
    assert same_of(frame)["status"] == "success"


def test_compare_always_unknown_column_raises():
    with pytest.raises(InputError, match="costs"):
        compare(to_frame(infos(wire_task("a"), wire_task("b"))), always=["costs"])


@pytest.mark.parametrize("count", [0, 1])
def test_compare_fewer_than_two_tasks_raises(count):
    frame = to_frame(infos(*(wire_task(str(i)) for i in range(count))))
    with pytest.raises(InputError, match=f"at least two tasks, got {count}"):
        compare(frame)


def test_compare_supports_unhashable_custom_columns():
    frame = pd.DataFrame({"one": [[1], [1]], "two": [[1], [2]], 3: [None, np.nan]})
    compared = compare(frame)
    assert list(compared) == ["two"]
    assert same_of(compared) == {"one": "[1]", "3": None}


def test_compare_does_not_change_the_frame():
    frame = to_frame(infos(wire_task("a"), wire_task("b", num_retries=2)))
    before = frame.copy()
    compared = compare(frame)
    compared.loc["a", "retries"] = 5
    pd.testing.assert_frame_equal(frame, before)
    assert "same" not in frame.attrs["inductiva"]


def test_compare_finds_difference_in_the_last_row():
    few = comparison_frame(infos(wire_task("a"), wire_task("b", project="x")))
    many = few.iloc[[0] * 500 + [1]]
    assert list(compare(many)) == ["project"]
    assert "project" in same_of(compare(many.iloc[:-1]))


def test_compare_100_000_tasks_takes_less_than_a_second():
    few = comparison_frame(infos(*(wire_task(str(i), project=f"p{i}") for i in range(100))))
    many = few.iloc[np.tile(np.arange(100), 1_000)]
    began = time.process_time()
    assert list(compare(many)) == ["project"]
    assert time.process_time() - began < 1


# Of tasks


def test_tasks_of_a_listing_cost_no_request(service):
    client = service(wire_task("a"), wire_task("b", project="x"))
    listed = api.get(2, client=client)
    asked = len(client.transport.calls)
    frame = listed.compare()
    assert list(frame) == ["project"]
    assert list(frame.index) == ["a", "b"]
    assert len(client.transport.calls) == asked
    assert frame.attrs["inductiva"]["service"] == client.url


def test_details_are_requested_once_per_task(service):
    client = service(
        wire_task("a", **run("reef3d", np=4)),
        wire_task("b", **run("reef3d", np=8)),
    )
    listed = api.get(2, client=client)
    asked = len(client.transport.calls)
    frame = api.compare(listed, details=True)
    assert sorted(client.transport.requests[asked:]) == ["GET /tasks/a", "GET /tasks/b"]
    assert list(frame) == ["commands", "mpi_processes"]
    assert list(frame["mpi_processes"]) == [4, 8]
    pd.testing.assert_frame_equal(api.compare(listed, details=True), frame)
    assert len(client.transport.calls) == asked + 2


def test_compare_requests_tasks_known_by_id_only(service):
    client = service(wire_task("a"), wire_task("b", project="x"))
    frame = api.compare(Task(one, client=client) for one in "ab")
    assert list(frame) == ["project"]


def test_details_are_asked_for_several_at_a_time(service):
    client = service(*(wire_task(one) for one in "abcd"))
    meeting = threading.Barrier(4, timeout=60)
    client.transport.hooks = {f"GET /tasks/{one}": meeting.wait for one in "abcd"}
    TaskList(Task(one, client=client) for one in "abcd").compare(details=True)


def test_compare_removed_task_raises(service):
    client = service(wire_task("a"))
    with pytest.raises(NotFoundError):
        api.compare([Task("a", client=client), Task("b", client=client)])


# Details


def commands_of(*tasks):
    return list(comparison_frame(infos(*tasks), details=True)["commands"])


def test_commands_are_shell_lines():
    command = {
        "cmd": "gmx energy -f ener.edr",
        "prompts": ["10", "0"],
        "env": {"OMP_NUM_THREADS": "4", "NAME": "a b"},
        "mpi_config": {"version": "4.1.6", "options": {"np": 2, "bind": True, "x": None}},
    }
    assert commands_of(wire_task(extra_params={"commands": [{"cmd": "ls"}, command]})) == [
        "ls\nNAME='a b' OMP_NUM_THREADS=4 mpirun --np 2 --bind gmx energy -f ener.edr <<< '10 0'"
    ]


def test_commands_in_unknown_format_fall_back_to_executed_ones():
    executed = {"name": "exec_command", "attributes": {"command": "reef3d", "exit_code": 3}}
    history = [{"status": "computation-started", "operations": [executed]}]
    odd = wire_task(extra_params={"commands": "odd"}, status_history=history)
    frame = comparison_frame(infos(odd, wire_task("b")), details=True)
    assert list(frame["commands"]) == ["reef3d", None]
    assert frame["exit_code"].iloc[0] == 3
    assert pd.isna(frame["exit_code"].iloc[1])


def test_parameters_of_the_submission_are_columns():
    one = wire_task("a", **run("x", sim_dir="sim_dir", depth=2.5, submission_id="1"))
    other = wire_task("b", **run("x", sim_dir="sim_dir", run_subprocess_dir=None))
    frame = compare(comparison_frame(infos(one, other), details=True))
    assert list(frame) == ["parameter.depth"]
    assert list(frame["parameter.depth"]) == ["2.5", None]
    assert same_of(frame)["parameter.sim_dir"] == "sim_dir"


@pytest.mark.parametrize("odd", [[], [1], [{"cmd": 1}], {"a": 1}, "text", None])
def test_commands_in_any_format_do_not_raise(odd):
    assert commands_of(wire_task(extra_params={"commands": odd})) == [None]


def test_details_survive_an_update_from_a_listing(service):
    client = service(wire_task("a", **run("x")))
    task = Task("a", client=client)
    task.get_info()
    task._state.update(api.get(1, client=client)[0].info)
    assert task.info.extra_params is not None
