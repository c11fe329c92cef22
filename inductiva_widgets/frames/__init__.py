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
| `status` | ordered category | code of the status, in the order of a task's life |
| `simulator` | category | simulator, as the service calls it |
| `project` | category | project |
| `machine_type` | category | machine type, such as c2-standard-16; else its name |
| `provider` | category | whose machine it is, such as GCP |
| `region` | category | region of the storage |
| `created` | datetime64[us, UTC] | the service made the task |
| `submitted` | datetime64[us, UTC] | the input files were there and the task entered the queue |
| `started` | datetime64[us, UTC] | a machine picked the task up |
| `computation_started` | datetime64[us, UTC] | the simulator began |
| `computation_ended` | datetime64[us, UTC] | the simulator ended |
| `ended` | datetime64[us, UTC] | the task ended, its output stored |
| `queue_time` | timedelta64[us] | wait for a machine; until now while it lasts |
| `computation_time` | timedelta64[us] | run of the simulator; until now while it lasts |
| `total_time` | timedelta64[us] | from creation to the end; until now while it lasts |
| `container_image_download_time` | timedelta64[us] | fetching the image; missing if cached |
| `input_upload_time` | timedelta64[us] | input files, from here to the service |
| `input_download_time` | timedelta64[us] | input files, from the service to the machine |
| `input_decompression_time` | timedelta64[us] | unpacking the input files |
| `output_compression_time` | timedelta64[us] | packing the output files |
| `output_upload_time` | timedelta64[us] | output files, from the machine to the service |
| `cost_usd` | float64 | estimated cost of the computation, US dollars |
| `fee_usd` | float64 | fee of the service for the task, US dollars |
| `container_image_bytes` | Int64 | size of the image |
| `input_bytes` | Int64 | size of the input files |
| `input_archive_bytes` | Int64 | size of the input archive |
| `output_files` | Int64 | number of output files |
| `output_bytes` | Int64 | size of the output files |
| `output_archive_bytes` | Int64 | size of the output archive |
| `retries` | Int64 | how often the service ran the task again |
| `error` | category | why the task failed, in the service's words |
| `container_image` | category | image that was run (by name) |
| `machine_group` | category | name of the machine group (by name) |
| `machines` | Int64 | number of machines (by name) |
| `cpus` | Int64 | logical processors of one machine (by name) |
| `memory_bytes` | Int64 | memory of one machine (by name) |
| `metadata.<key>` | text | value of a key of the tasks' metadata (by name, or ``metadata=True``) |

Columns marked "by name" are there when ``columns=`` names them. Unknown values are missing. What
lasts grows until the time that ``df.attrs["inductiva"]["as_of"]`` tells; ``service`` is there too.
"""

# This import also gives every DataFrame its ``df.inductiva``.
from inductiva_widgets.frames._compare import compare
from inductiva_widgets.frames._to_frame import to_frame
from inductiva_widgets.frames.accessor import TaskFrameAccessor
from inductiva_widgets.frames.io import read

__all__ = ["TaskFrameAccessor", "compare", "read", "to_frame"]
