"""The live views: a card for a task, a table for a list, its output files, a download."""

from inductiva_widgets.widgets.download import DownloadWidget
from inductiva_widgets.widgets.outputs import OutputsWidget
from inductiva_widgets.widgets.task import TaskWidget
from inductiva_widgets.widgets.task_list import TaskListWidget

__all__ = ["DownloadWidget", "OutputsWidget", "TaskListWidget", "TaskWidget"]
