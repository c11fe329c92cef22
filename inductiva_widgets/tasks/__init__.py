"""Tasks of the account: a task, lists of tasks, and their history.

```python
task = inductiva.tasks.Task("n7pbtxunxqzuca6nwe9v0gn75")  # by its id
tasks = inductiva.tasks.get(last_n=20, status="success")  # the last ones, a live table
df = inductiva.tasks.history(since="90d")  # the last 90 days, as a DataFrame
```

``Task`` waits, kills, downloads. ``TaskList`` does the same with many, and turns into a DataFrame.
``history`` caches finished tasks on this machine, so that a later call only requests what is new;
``inductiva_widgets.frames`` lists the columns. ``compare`` shows the columns that differ.
``LogWatch`` reads numbers from the log of a running task, such as residuals; ``add_preset``
adds what a simulator of yours prints.
"""

from inductiva_widgets.metrics.presets import add_preset
from inductiva_widgets.models.tasks import WorkingFile
from inductiva_widgets.tasks._compare import compare
from inductiva_widgets.tasks._history import clear_history, history
from inductiva_widgets.tasks.listing import get, get_all, get_tasks
from inductiva_widgets.tasks.log_watch import LogWatch
from inductiva_widgets.tasks.outputs import OutputFile, OutputsInfo
from inductiva_widgets.tasks.task import Task
from inductiva_widgets.tasks.task_list import TaskList
from inductiva_widgets.tasks.text_table import to_dict
from inductiva_widgets.tasks.working_files import ModifiedFile, WorkingFiles

__all__ = [
    "LogWatch",
    "ModifiedFile",
    "OutputFile",
    "OutputsInfo",
    "Task",
    "TaskList",
    "WorkingFile",
    "WorkingFiles",
    "add_preset",
    "clear_history",
    "compare",
    "get",
    "get_all",
    "get_tasks",
    "history",
    "to_dict",
]
