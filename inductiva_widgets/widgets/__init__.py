"""The live views: a card for a task, a table for a list, its output files, a download.

You rarely make one: a ``Task``, a ``TaskList`` and the listing of output files show themselves.
Make one to keep hold of it, or to put it into a layout of ipywidgets:

```python
table = inductiva.tasks.get_all().widget(follow=True)
table  # look, search, sort, choose

table.selected.download_outputs()  # go on with what was chosen there
table.query("reef", status=["failed", "killed"], cost_usd=(1, None), sort="-cost_usd")
print(table.pandas_code)  # the same in pandas
```

``freeze()`` turns a view into plain HTML, which stays readable in a saved notebook.
"""

from inductiva_widgets.widgets.download import DownloadWidget
from inductiva_widgets.widgets.outputs import OutputsWidget
from inductiva_widgets.widgets.task import TaskWidget
from inductiva_widgets.widgets.task_list import TaskListWidget

__all__ = ["DownloadWidget", "OutputsWidget", "TaskListWidget", "TaskWidget"]
