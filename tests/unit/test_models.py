import msgspec
import pytest

from inductiva_widgets.models.tasks import TaskInfo, TaskPage
from inductiva_widgets.status import KNOWN_STATUSES, Status, StatusGroup
from tests.unit.conftest import wire_task


def decode(task):
    return msgspec.json.decode(msgspec.json.encode(task), type=TaskInfo)


def test_status_prints_its_code():
    assert f"{Status.SUBMITTED}" == str(Status("submitted")) == "submitted"
    assert Status("success") == "success"


def test_unknown_status_is_kept_and_classed_unknown():
    status = decode(wire_task(status="teleported", is_terminated=False)).status
    assert status == "teleported"
    assert str(status) == "teleported"
    assert status.alias == "teleported"
    assert not status.is_known
    assert status.info.group is StatusGroup.UNKNOWN
    assert [status.is_terminal, status.is_running, status.is_failed] == [False] * 3


def test_status_that_is_no_text_is_refused():
    with pytest.raises(ValueError, match="must be a string"):
        Status(3)


def test_every_known_status_has_alias_tone_and_meaning():
    for code in KNOWN_STATUSES:
        facts = Status(code).info
        assert facts.alias, code
        assert facts.description.endswith("."), code
        assert facts.group is not StatusGroup.UNKNOWN, code


def test_failed_statuses_are_terminal_and_bad_ones_give_advice():
    for code in KNOWN_STATUSES:
        facts = Status(code).info
        assert facts.terminal or not facts.failed, code
        assert not (facts.running and facts.terminal), code
        assert facts.advice or facts.group is not StatusGroup.FAILED, code


def test_the_services_word_on_the_end_wins_over_the_code():
    assert not decode(wire_task(status="spot-instance-preempted", is_terminated=False)).is_terminal
    assert decode(wire_task(status="success", is_terminated=None)).is_terminal


def test_a_bare_task_decodes():
    info = decode({"task_id": "a", "status": "submitted"})
    assert (info.machine_type, info.has_outputs, info.is_terminal) == (None, False, False)


def test_every_optional_field_may_be_null():
    for field in TaskInfo.__struct_fields__[2:]:
        assert decode({"task_id": "a", "status": "success", field: None}), field


def test_a_listing_passes_the_commands_over_and_a_detail_has_them():
    task = wire_task(extra_params={"commands": [{"cmd": "a"}]}, task_metadata={"k": "v"})
    page = msgspec.json.decode(msgspec.json.encode({"tasks": [task]}), type=TaskPage)
    assert page.tasks[0].extra_params is None
    assert page.tasks[0].task_metadata == {"k": "v"}
    assert decode(task).extra_params == {"commands": [{"cmd": "a"}]}


def test_unknown_fields_are_ignored():
    page = {"tasks": [wire_task(colour="blue")], "total_size": 1, "next": "x"}
    assert len(msgspec.json.decode(msgspec.json.encode(page), type=TaskPage).tasks) == 1


@pytest.mark.parametrize(
    ("executer", "machine"),
    [
        ({"vm_type": "c2-standard-4"}, "c2-standard-4"),
        ({"vm_type": "n/a", "vm_name": "my-box"}, "my-box"),
        (None, None),
    ],
)
def test_machine_type_is_the_type_or_else_the_name(executer, machine):
    assert decode(wire_task(executer=executer)).machine_type == machine


@pytest.mark.parametrize(
    ("status", "metrics", "expected"),
    [
        ("success", None, True),
        ("failed", None, True),
        ("killed", None, False),
        ("killed", {"output_zipped_size_bytes": 5}, True),
        ("computation-started", None, False),
    ],
)
def test_has_outputs(status, metrics, expected):
    assert decode(wire_task(status=status, metrics=metrics)).has_outputs is expected
