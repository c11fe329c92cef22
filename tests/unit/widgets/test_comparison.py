"""The chosen tasks side by side, as the page is told."""

import ast
import json

import pandas as pd
import pytest

import inductiva_widgets
from inductiva_widgets import tasks as api
from inductiva_widgets.errors import ServerError
from inductiva_widgets.widgets import base
from inductiva_widgets.widgets.comparison import _code
from tests.unit.conftest import START, at, wire_task


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    def spawn(action, on_error, name):
        try:
            action()
        except Exception as error:  # the double of a thread's last resort
            on_error(error)

    monkeypatch.setattr(base, "run_in_thread", spawn)


def ask(table):
    sent = []
    table.send = lambda content, buffers=None: sent.append(content)
    table._handle_custom_msg({"id": "r1", "kind": "compare"}, [])
    (reply,) = [message for message in sent if message.get("id") == "r1"]
    return reply


@pytest.fixture
def compared(service):
    """Return a function that chooses all of some tasks, and what the page is then told."""

    def make(*tasks):
        client = service(*tasks)
        table = api.get(1000, client=client).widget()
        table._handlers["select"]({"on": True})
        return ask(table), table, client

    return make


def field(reply, name):
    (found,) = [one for one in reply["result"]["fields"] if one["name"] == name]
    return found


def test_numbers_are_those_of_python(compared):
    one = wire_task("a", estimated_computation_cost=0.1)
    other = wire_task("b", estimated_computation_cost=None, computation_end_time=at(18.25))
    reply, table, _ = compared(one, other)
    frame = table.selected.compare(details=True)
    seconds = list(frame["computation_time"].dt.total_seconds())
    assert field(reply, "computation_time")["values"] == seconds == [10.0, 2.25]
    assert field(reply, "cost_usd")["values"] == [0.1, None]
    ends = [round((START.timestamp() + after) * 1000) for after in (26, 18.25)]
    assert field(reply, "computation_ended")["values"] == ends


def test_what_is_the_same_is_sent_once_and_what_is_unknown_of_all_not_at_all(compared):
    reply, _, _ = compared(wire_task("a"), wire_task("b"))
    assert field(reply, "project")["values"] == ["default"]
    assert "cost_usd" not in [one["name"] for one in reply["result"]["fields"]]


def test_status_and_simulator_stand_in_the_heads(compared):
    reply, _, _ = compared(wire_task("a"), wire_task("b", "failed", simulator="swmm"))
    heads = [(one["id"], one["status_group"], one["simulator"]) for one in reply["result"]["tasks"]]
    assert heads == [("a", "ok", "splishsplash"), ("b", "bad", "swmm")]
    assert not {"status", "simulator"} & {one["name"] for one in reply["result"]["fields"]}


def test_fields_stand_group_by_group_in_the_order_of_the_schema(compared):
    command = {"extra_params": {"commands": [{"cmd": "x"}], "sim_dir": "s"}}
    metrics = {"metrics": {"output_size_bytes": 7}, "estimated_computation_cost": 1.5}
    reply, _, _ = compared(
        wire_task("a", task_metadata={"mesh": "fine"}, **command, **metrics), wire_task("b")
    )
    told = [(one["group"], one["name"]) for one in reply["result"]["fields"]]
    groups = list(dict.fromkeys(group for group, _ in told))
    assert groups == ["Task", "Metadata", "Machine", "Commands", "Times", "Cost", "Data"]
    commands = [name for group, name in told if group == "Commands"]
    assert commands == ["commands", "parameter.sim_dir"]
    times = [name for group, name in told if group == "Times"]
    assert times.index("created") < times.index("ended") < times.index("queue_time")


def test_every_kind_is_told(compared):
    metrics = {"output_size_bytes": 7, "output_total_files": 2}
    reply, _, _ = compared(
        wire_task("a", metrics=metrics, estimated_computation_cost=1.5), wire_task("b")
    )
    kinds = {one["name"]: one["kind"] for one in reply["result"]["fields"]}
    assert kinds["project"] == "text"
    assert kinds["created"] == "time"
    assert kinds["queue_time"] == "seconds"
    assert kinds["cost_usd"] == "dollars"
    assert kinds["output_bytes"] == "bytes"
    assert kinds["output_files"] == "count"


def test_code_gives_the_same_in_python(compared, monkeypatch):
    reply, table, client = compared(wire_task("a"), wire_task("b", project="x"))
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
    names = {"inductiva": inductiva_widgets}
    exec(reply["result"]["code"], names)
    pd.testing.assert_frame_equal(names["df"], table.selected.compare(details=True))


def test_ids_are_texts_in_the_code_whatever_stands_in_them():
    evil = "x'); print('gone"
    calls = [node for node in ast.walk(ast.parse(_code([evil]))) if isinstance(node, ast.Call)]
    assert [ast.unparse(call.func) for call in calls] == ["map", "inductiva.tasks.compare"]


def test_living_tasks_are_said_to_be_so(compared):
    assert compared(wire_task("a"), wire_task("b", "started"))[0]["result"]["is_live"] is True
    assert compared(wire_task("a"), wire_task("b"))[0]["result"]["is_live"] is False


@pytest.mark.parametrize("count", [1, 21])
def test_too_few_and_too_many_are_refused_without_a_request(compared, count):
    reply, _, client = compared(*(wire_task(f"t{i}") for i in range(count)))
    assert reply["ok"] is False
    assert "tasks" in reply["error"]["detail"]
    assert not [one for one in client.transport.requests if "/tasks/t" in one]


def test_service_that_does_not_answer_is_told(compared):
    _, table, client = compared(wire_task("a"), wire_task("b", "started"))
    client.transport.fail_with = ServerError("It rests.", status=503, endpoint="x")
    assert "It rests." in ask(table)["error"]["detail"]


def test_texts_of_the_service_are_cut_and_without_control_sequences(compared):
    long = wire_task("a", task_metadata={"k": "\x1b[31mred\x1b[0m" + "x" * 5_000})
    reply, _, _ = compared(long, wire_task("b"))
    (value, nothing) = field(reply, "metadata.k")["values"]
    assert value.startswith("redxxx")
    assert value.endswith("x…")
    assert len(value) == 2_001
    assert nothing is None


def test_all_that_is_told_is_json(compared):
    reply, _, _ = compared(wire_task("a"), wire_task("b", "failed"))
    assert json.loads(json.dumps(reply, allow_nan=False)) == reply
