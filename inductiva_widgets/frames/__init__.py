"""Tasks as pandas DataFrames with one schema, and their files.

```python
df = inductiva.tasks.history(since="90d")  # or tasks.to_frame()
slow = df.query("computation_time > '1h' and cost_usd > 2")
slow.inductiva.costs(by="project")  # a picture, one of five
slow.inductiva.to_parquet("slow.parquet")  # read() gives the same frame back
slow.inductiva.tasks()  # live tasks again
```

``df.inductiva`` is described at ``TaskFrame``. Frames are plain pandas: filter, sort, group, join
them as any other.

One row is a task, the index ``task_id``. The columns, the same ones for no task and for many:

| column | type | what |
| --- | --- | --- |
| `task_id` | text | index: the task's id |
{columns}
| `metadata.<key>` | text | value of a key of the tasks' metadata (by name, or ``metadata=True``) |

Columns marked "by name" are there when ``columns=`` names them. Unknown values are missing. What
lasts grows until the time that ``df.attrs["inductiva"]["as_of"]`` tells; ``service`` is there too.
"""

from inductiva_widgets.frames import schema

# This import also gives every DataFrame its ``df.inductiva``.
from inductiva_widgets.frames._compare import compare
from inductiva_widgets.frames._to_frame import to_frame
from inductiva_widgets.frames.accessor import TaskFrameAccessor
from inductiva_widgets.frames.io import read

__doc__ = (__doc__ or "").replace("{columns}", "\n".join(schema.markdown_table()))

__all__ = ["TaskFrameAccessor", "compare", "read", "to_frame"]
