"""The two halves of the contract, Python's and the page's, name the same fields."""

import re
from pathlib import Path

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
from tests.unit.conftest import wire_task

CONTRACT = (Path(__file__).parents[3] / "js/src/contract.ts").read_text()
TWINS = {
    "Elapsed": contract.Elapsed,
    "CommandView": contract.CommandView,
    "FailureView": contract.FailureView,
    "RowView": contract.RowView,
    "TaskView": contract.TaskView,
    "FileView": contract.FileView,
    "OutputsView": contract.OutputsView,
    "FileProgressView": contract.FileProgressView,
    "DownloadView": contract.DownloadView,
    "ErrorView": contract.ErrorView,
    "FeedView": contract.PollStatusView,
    "LastWords": contract.LogTailView,
    "LogView": contract.LogView,
    "GapView": contract.GapView,
    "SeriesView": contract.SeriesView,
    "ConditionView": contract.ConditionView,
    "LiveView": contract.LogMetricsView,
    "MetricView": contract.MetricView,
    "WorkingFile": contract.WorkingFileView,
    "FilesView": contract.FilesView,
    "QueryView": contract.QueryView,
    "GroupView": contract.GroupView,
    "ShapeView": contract.LayoutView,
    "TotalsView": contract.AggregatesView,
    "SelectionView": contract.SelectionView,
    "FacetView": contract.FacetView,
    "ComparedTask": contract.ComparedTask,
    "ComparedField": contract.ComparedField,
    "ComparisonView": contract.ComparisonView,
}
WIDGETS = {
    "TaskTraits": TaskWidget,
    "TaskListTraits": TaskListWidget,
    "DownloadTraits": DownloadWidget,
    "OutputsTraits": OutputsWidget,
}


def fields(interface: str) -> set[str]:
    match = re.search(
        rf"interface {interface}(?: extends (\w+))? \{{(.*?)\n\}}", CONTRACT, re.DOTALL
    )
    assert match, f"contract.ts has no interface {interface}"
    parent, body = match.groups()
    own = set(re.findall(r"^  (\w+)\??:", body, re.MULTILINE))
    return own | (fields(parent) if parent else set())


def test_views_have_the_same_fields_on_both_sides():
    python = {name: set(view.__annotations__) for name, view in TWINS.items()}
    assert python == {name: fields(name) for name in TWINS}


def test_widgets_sync_just_the_traits_of_the_contract():
    of_every_widget = {"layout", "tabbable", "tooltip"}
    synced = {
        name: {trait for trait in widget.class_traits(sync=True) if not trait.startswith("_")}
        for name, widget in WIDGETS.items()
    }
    assert synced == {name: fields(name) | of_every_widget for name in WIDGETS}


def test_every_request_of_the_page_has_a_handler(service):
    requests = fields("Requests")
    widget = TaskListWidget(TaskList([Task("t1", client=service(wire_task("t1")))]))
    assert requests == set(widget._handlers)
    assert fields("Results") == requests


def test_reset_of_the_columns_gives_those_that_a_list_begins_with():
    menu = (Path(__file__).parents[3] / "js/src/panels/ColumnsMenu.tsx").read_text()
    listed = re.search(r"DEFAULT_COLUMNS[^=]*= \[(.*?)\]", menu, re.DOTALL)
    assert listed
    columns = re.findall(r'"(\w+)"', listed[1])
    assert columns == TaskListWidget.class_traits()["columns"].default()


def test_as_many_tasks_are_compared_as_the_page_offers():
    bar = (Path(__file__).parents[3] / "js/src/panels/BulkBar.tsx").read_text()
    assert re.findall(r"MOST_COMPARED = (\d+);", bar) == [str(comparison.MOST)]
