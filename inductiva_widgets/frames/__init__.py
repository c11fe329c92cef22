"""Tasks as pandas DataFrames with one schema, and their files.

```python
df = inductiva.tasks.history(since="90d")  # or tasks.to_frame()
slow = df.query("computation_time > '1h' and cost_usd > 2")
slow.inductiva.costs(by="project")  # one of five charts
slow.inductiva.to_parquet("slow.parquet")  # read() gives the same frame back
slow.inductiva.tasks()  # live tasks again
```

``df.inductiva`` is documented at ``TaskFrameAccessor``. Frames are plain pandas: filter, sort,
group and join them like any other.

Each row is a task, and the index is ``task_id``. The columns do not depend on the tasks:

| column | type | meaning |
| --- | --- | --- |
| `task_id` | text | index: the task's id |
{columns}
| `metadata.<key>` | text | value of a key of the tasks' metadata (by name, or ``metadata=True``) |

Columns marked "by name" are included if ``columns=`` names them. Unknown values are missing.
Durations of live tasks last until ``df.attrs["inductiva"]["as_of"]``; the service that the tasks
come from is in ``attrs``, too.
"""

from inductiva_widgets.frames import schema

# This import also registers the accessor ``df.inductiva``.
from inductiva_widgets.frames._compare import compare
from inductiva_widgets.frames._to_frame import to_frame
from inductiva_widgets.frames.accessor import TaskFrameAccessor
from inductiva_widgets.frames.io import read

__doc__ = (__doc__ or "").replace("{columns}", "\n".join(schema.markdown_table()))

__all__ = ["TaskFrameAccessor", "compare", "read", "to_frame"]
