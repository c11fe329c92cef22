"""Tasks of the account: one, a list of them, and ways to find them."""

from inductiva_widgets.tasks.comparing import compare
from inductiva_widgets.tasks.find import get, get_all, get_tasks
from inductiva_widgets.tasks.listing import to_dict
from inductiva_widgets.tasks.outputs import OutputFile, OutputsInfo
from inductiva_widgets.tasks.past import clear_history, history
from inductiva_widgets.tasks.task import Task
from inductiva_widgets.tasks.task_list import TaskList

__all__ = [
    "OutputFile",
    "OutputsInfo",
    "Task",
    "TaskList",
    "clear_history",
    "compare",
    "get",
    "get_all",
    "get_tasks",
    "history",
    "to_dict",
]
