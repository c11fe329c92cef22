"""Widgets for tasks, lists of tasks, output files and downloads.

A ``Task``, a ``TaskList`` and a listing of output files are displayed as widgets. Create a widget
to control it, or to put it into a layout of ipywidgets:

```python
table = inductiva.tasks.get_all().widget(follow=True)
table  # search, sort and select

table.selected.download_outputs()
table.query("reef", status=["failed", "killed"], cost_usd=(1, None), sort="-cost_usd")
print(table.pandas_code)  # the same in pandas
```

``freeze()`` replaces a widget by static HTML, which stays readable in a saved notebook.
"""

from inductiva_widgets.widgets.download import DownloadWidget
from inductiva_widgets.widgets.outputs import OutputsWidget
from inductiva_widgets.widgets.task import TaskWidget
from inductiva_widgets.widgets.task_list import TaskListWidget

__all__ = ["DownloadWidget", "OutputsWidget", "TaskListWidget", "TaskWidget"]
