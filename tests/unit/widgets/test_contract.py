"""The contract between the kernel and the front end."""

import re
from datetime import datetime
from pathlib import Path

import pytest

from inductiva_widgets.tasks import Task
from inductiva_widgets.tasks.task_list import TaskList
from inductiva_widgets.widgets import (
    DownloadWidget,
    OutputsWidget,
    TaskListWidget,
    TaskWidget,
    comparison,
    contract,
)
from tests import typescript_contract
from tests.unit.conftest import wire_task

SOURCES = Path(__file__).parents[3] / "js" / "src"
TRAITS = {
    TaskWidget: contract.TaskTraits,
    TaskListWidget: contract.TaskListTraits,
    DownloadWidget: contract.DownloadTraits,
    OutputsWidget: contract.OutputsTraits,
}


def test_typescript_contract_is_generated_from_the_python_types():
    assert typescript_contract.FILE.read_text() == typescript_contract.typescript(), (
        "Run `python -m tests.typescript_contract`."
    )


def test_typescript_type_of_unsupported_hint_raises():
    with pytest.raises(TypeError, match=r"got .*datetime"):
        typescript_contract._type(datetime)


def test_widgets_sync_the_traits_of_the_contract():
    of_every_widget = {"layout", "tabbable", "tooltip"}
    synced = {
        widget: {trait for trait in widget.class_traits(sync=True) if not trait.startswith("_")}
        for widget in TRAITS
    }
    assert synced == {
        widget: set(traits.__annotations__) | of_every_widget for widget, traits in TRAITS.items()
    }


def test_every_request_of_the_front_end_has_a_handler(service):
    widget = TaskListWidget(TaskList([Task("t1", client=service(wire_task("t1")))]))
    assert _message_keys("Requests") == set(widget._handlers)
    assert _message_keys("Results") == set(widget._handlers)


def _message_keys(interface: str) -> set[str]:
    match = re.search(
        rf"interface {interface} \{{(.*?)\n\}}", (SOURCES / "messages.ts").read_text(), re.DOTALL
    )
    assert match, f"messages.ts has no interface {interface}"
    return set(re.findall(r"^  (\w+):", match[1], re.MULTILINE))


def test_as_many_tasks_are_compared_as_the_page_offers():
    bar = (SOURCES / "panels" / "SelectionBar.tsx").read_text()
    assert re.findall(r"MAX_COMPARED = (\d+);", bar) == [str(comparison.MAX_TASKS)]
