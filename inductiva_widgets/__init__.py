"""Run simulations on the Inductiva cloud, or on this machine, and watch them live in a notebook.

```python
import inductiva_widgets as inductiva

inductiva.connect("local")  # this machine; without it, the cloud
task = inductiva.simulators.SWMM().run("cases/swmm_storm")
task  # a live card
task.wait()
task.download_outputs(["*.rpt"])

inductiva.tasks.get(last_n=20)  # a live table
inductiva.tasks.history().inductiva.costs()  # a chart
```

Modules:

| module | content |
| --- | --- |
| ``inductiva_widgets.simulators`` | simulators, and how to run them |
| ``inductiva_widgets.tasks`` | tasks, lists of tasks, the task history |
| ``inductiva_widgets.resources`` | machine groups and their costs |
| ``inductiva_widgets.projects`` | projects, and the tasks in them |
| ``inductiva_widgets.storage`` | files in the remote storage |
| ``inductiva_widgets.users`` | the account: quotas and costs |
| ``inductiva_widgets.commands`` | commands with input, environment and MPI settings |
| ``inductiva_widgets.downloads`` | downloads of files and parts of archives from any URL |
| ``inductiva_widgets.frames`` | DataFrames of tasks: columns, files |
| ``inductiva_widgets.plots`` | charts of DataFrames |
| ``inductiva_widgets.widgets`` | live widgets |
| ``inductiva_widgets.errors`` | exceptions and warnings |
| ``inductiva_widgets.utils`` | example inputs from the web |

Importing the package makes no request and prints nothing; pandas, ipywidgets and requests are
imported when they are needed. Docstrings say how many requests a call makes.
"""

from __future__ import annotations

from inductiva_widgets import _entry_points
from inductiva_widgets._version import __version__

# Type checkers treat this name like typing.TYPE_CHECKING, without importing typing.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from inductiva_widgets import (
        commands,
        downloads,
        errors,
        frames,
        plots,
        projects,
        resources,
        simulators,
        storage,
        tasks,
        users,
        utils,
    )
    from inductiva_widgets.config import get_output_dir, set_output_dir
    from inductiva_widgets.errors import InductivaError
    from inductiva_widgets.http.default_client import connect, get_api_key, set_api_key
    from inductiva_widgets.status import Status
    from inductiva_widgets.tasks.task import Task
    from inductiva_widgets.tasks.task_list import TaskList
    from inductiva_widgets.widgets import (
        DownloadWidget,
        OutputsWidget,
        TaskListWidget,
        TaskWidget,
    )

__all__ = [
    "DownloadWidget",
    "InductivaError",
    "OutputsWidget",
    "Status",
    "Task",
    "TaskList",
    "TaskListWidget",
    "TaskWidget",
    "__version__",
    "commands",
    "connect",
    "downloads",
    "errors",
    "frames",
    "get_api_key",
    "get_output_dir",
    "plots",
    "projects",
    "resources",
    "set_api_key",
    "set_output_dir",
    "simulators",
    "storage",
    "tasks",
    "users",
    "utils",
]

_MODULES = frozenset(
    {
        "commands",
        "downloads",
        "errors",
        "frames",
        "plots",
        "projects",
        "resources",
        "simulators",
        "storage",
        "tasks",
        "users",
        "utils",
    }
)
_OF_THE_VENDOR = frozenset({"benchmarks", "events"})
_HOMES = {
    "DownloadWidget": "inductiva_widgets.widgets",
    "InductivaError": "inductiva_widgets.errors",
    "OutputsWidget": "inductiva_widgets.widgets",
    "Status": "inductiva_widgets.status",
    "Task": "inductiva_widgets.tasks.task",
    "TaskList": "inductiva_widgets.tasks.task_list",
    "TaskListWidget": "inductiva_widgets.widgets",
    "TaskWidget": "inductiva_widgets.widgets",
    "connect": "inductiva_widgets.http.default_client",
    "get_api_key": "inductiva_widgets.http.default_client",
    "get_output_dir": "inductiva_widgets.config",
    "set_api_key": "inductiva_widgets.http.default_client",
    "set_output_dir": "inductiva_widgets.config",
}

# What lower packages use of higher ones: tasks show themselves, and frames become tasks again.
_entry_points.register(
    download_view="inductiva_widgets.widgets:DownloadWidget",
    outputs_view="inductiva_widgets.widgets:OutputsWidget",
    task_view="inductiva_widgets.widgets:TaskWidget",
    task_list_view="inductiva_widgets.widgets:TaskListWidget",
    tasks_from_frame="inductiva_widgets.tasks:TaskList.from_frame",
)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _OF_THE_VENDOR:
        raise AttributeError(
            f"module {__name__!r} has no {name!r}. The vendor's client has it, and "
            "`%load_ext inductiva_widgets` shows its tasks as cards."
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """Handle ``%load_ext inductiva_widgets``."""
    from inductiva_widgets._ipython import load_extension

    load_extension(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Handle ``%unload_ext inductiva_widgets``."""
    from inductiva_widgets._ipython import unload_extension

    unload_extension(shell)


def __dir__() -> list[str]:
    return sorted(__all__)
