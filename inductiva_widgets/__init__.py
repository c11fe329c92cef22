"""Run simulations on the Inductiva cloud, or on this machine, and watch them live in a notebook.

```python
import inductiva_widgets as inductiva

inductiva.connect("local")  # this machine; without it, the cloud
task = inductiva.simulators.SWMM().run("cases/swmm_storm")
task  # a live card
task.wait()
task.download_outputs(["*.rpt"])

inductiva.tasks.get(last_n=20)  # a live table
inductiva.tasks.history().inductiva.costs()  # a picture
```

Where to look:

| room | what |
| --- | --- |
| ``inductiva_widgets.simulators`` | choose a simulator, run it |
| ``inductiva_widgets.tasks`` | one task, lists of them, the history |
| ``inductiva_widgets.resources`` | machine groups and what they cost |
| ``inductiva_widgets.downloads`` | files, and parts of archives, behind any URL |
| ``inductiva_widgets.frames`` | DataFrames of tasks: columns, files |
| ``inductiva_widgets.plots`` | pictures of DataFrames |
| ``inductiva_widgets.widgets`` | the live views |
| ``inductiva_widgets.errors`` | what can go wrong, as one tree |
| ``inductiva_widgets.utils`` | inputs from the web |

Importing costs nothing: no request, no output, and pandas, ipywidgets and requests come only when
they are used. Every call says what it costs: a request is one question to the service.
"""

from __future__ import annotations

from inductiva_widgets import _entry_points
from inductiva_widgets._version import __version__

# What type checkers take for typing.TYPE_CHECKING, without the import that it costs.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from inductiva_widgets import (
        downloads,
        errors,
        frames,
        plots,
        resources,
        simulators,
        tasks,
        utils,
    )
    from inductiva_widgets.errors import InductivaError
    from inductiva_widgets.http.default_client import connect
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
    "connect",
    "downloads",
    "errors",
    "frames",
    "plots",
    "resources",
    "simulators",
    "tasks",
    "utils",
]

_MODULES = frozenset(
    {"downloads", "errors", "frames", "plots", "resources", "simulators", "tasks", "utils"}
)
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
