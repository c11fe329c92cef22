"""The columns of tasks: one table for the frame, the table widget, the text listing and the docs.

A new column is a new item of ``COLUMNS``. `.github/CONTRIBUTING.md` lists what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Any, Literal

from inductiva_widgets import timing
from inductiva_widgets.models.tasks import TaskInfo

Kind = Literal["status", "category", "text", "time", "duration", "number", "count", "picture"]
"""Type of a column. Texts are the index of a frame; pictures are in the table widget only."""

Format = Literal["category", "text", "time", "seconds", "dollars", "bytes", "count", "picture"]
"""How values are written and filtered."""

Reader = Callable[[TaskInfo, datetime], Any]
"""Returns the value of a task at the current time of the service."""

_FORMATS: dict[Kind, Format] = {
    "status": "category",
    "category": "category",
    "text": "text",
    "time": "time",
    "duration": "seconds",
    "number": "dollars",
    "count": "count",
    "picture": "picture",
}


@dataclass(frozen=True)
class TableHeader:
    """A column in the table widget.

    Parameters
    ----------
    title
        Text of the header.
    width
        Minimum width in pixels.
    priority
        In a narrow table, columns of a lower priority are left out first.
    full_width
        Width in pixels at which values are rarely cut off; the minimum by default.
    full_title
        Title if there is room for it; the title by default.
    grows
        If True, the column takes the space that is left when all others have their full width.
    is_derived
        If True, the front end computes the value from other fields of the row.
    fallback
        Name of the column that is shown if the value is missing.
    sort_as
        Name of the column by which a picture is sorted and filtered.
    """

    title: str
    width: int
    priority: int
    full_width: int = 0
    full_title: str = ""
    grows: bool = False
    is_derived: bool = False
    fallback: str = ""
    sort_as: str = ""


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    kind
        Type of the values.
    description
        What the values mean.
    path
        Attribute of ``TaskInfo``, such as ``metrics.total_seconds``.
    read
        Computes the value, if it is more than the attribute.
    header
        Header in the table widget, None if the widget lacks the column.
    is_default
        If True, a frame has the column unless ``columns=`` says otherwise.
    is_size
        If True, the values are bytes.
    is_searched
        If True, the search of the table widget looks into the column.
    is_machine
        If True, the column describes the machine.
    """

    kind: Kind
    description: str
    path: str = ""
    read: Reader | None = None
    header: TableHeader | None = None
    is_default: bool = True
    is_size: bool = False
    is_searched: bool = False
    is_machine: bool = False

    @property
    def in_frame(self) -> bool:
        """Whether the column is one of a frame, not the index or a picture."""
        return self.kind not in ("text", "picture")

    @property
    def in_row(self) -> bool:
        """Whether the kernel sends the value with each row of the table widget."""
        return self.header is not None and self.kind != "picture" and not self.header.is_derived

    @property
    def format(self) -> Format:
        """How values are written and filtered."""
        return "bytes" if self.is_size else _FORMATS[self.kind]

    @cached_property
    def value(self) -> Reader:
        """Returns the value of a task at the current time of the service."""
        return self.read or _attribute(self.path)


SERVICE = "service"
"""Column of the service that a task belongs to, so that joined frames keep it."""


def _attribute(path: str) -> Reader:
    parent, _, name = path.rpartition(".")
    get = attrgetter(name)
    if not parent:
        return lambda info, _: get(info)
    get_parent = attrgetter(parent)
    return lambda info, _: None if (value := get_parent(info)) is None else get(value)


COLUMNS: dict[str, Column] = {
    "status": Column(
        "status",
        "code of the status, in the order of a task's life",
        # The plain value: hashing a member of an enumeration is slow.
        read=lambda info, _: info.status._value_,
        header=TableHeader("Status", 150, 100, 214, is_derived=True),
    ),
    "simulator": Column(
        "category",
        "simulator, as the service calls it",
        "simulator",
        header=TableHeader("Simulator", 88, 80, 124),
        is_searched=True,
    ),
    "project": Column(
        "category",
        "project",
        "project",
        header=TableHeader("Project", 90, 45, 160),
        is_searched=True,
    ),
    "task_id": Column(
        "text",
        "the task's id",
        "task_id",
        header=TableHeader("ID", 86, 90, 204, is_derived=True),
        is_searched=True,
    ),
    "machine_type": Column(
        "category",
        "machine type, such as c2-standard-16; else its name",
        "machine_type",
        header=TableHeader("Resource type", 116, 40, 150),
        is_searched=True,
        is_machine=True,
    ),
    "provider": Column(
        "category", "whose machine it is, such as GCP", "executer.host_type", is_machine=True
    ),
    "region": Column("category", "region of the storage", "storage_region"),
    "created": Column("time", "the service made the task", "create_time"),
    "submitted": Column(
        "time",
        "the input files were there and the task entered the queue",
        "input_submit_time",
        header=TableHeader("Submitted", 96, 60, 104, fallback="created"),
    ),
    "started": Column(
        "time",
        "a machine picked the task up",
        "start_time",
        header=TableHeader("Started", 96, 20, 104),
    ),
    "computation_started": Column("time", "the simulator began", "computation_start_time"),
    "computation_ended": Column("time", "the simulator ended", "computation_end_time"),
    "ended": Column(
        "time",
        "the task ended, its output stored",
        read=lambda info, _: timing.end_time(info),
        header=TableHeader("Ended", 96, 25, 104, is_derived=True),
    ),
    "queue_time": Column(
        "duration",
        "wait for a machine; until now while it lasts",
        "metrics.queue_time_seconds",
        timing.queue_seconds,
        header=TableHeader("Queue", 72, 15, is_derived=True),
    ),
    "computation_time": Column(
        "duration",
        "run of the simulator; until now while it lasts",
        "metrics.computation_seconds",
        timing.computation_seconds,
        header=TableHeader("Computation", 100, 70, full_title="Computation time", is_derived=True),
    ),
    "total_time": Column(
        "duration",
        "from creation to the end; until now while it lasts",
        "metrics.total_seconds",
        timing.total_seconds,
        header=TableHeader("Total", 72, 22, is_derived=True),
    ),
    "phases": Column(
        "picture",
        "queue, preparation, computation and finalizing as a bar",
        header=TableHeader("Phases", 74, 30, grows=True, sort_as="total_time"),
    ),
    "metric": Column(
        "picture",
        "first series of numbers in the log of a watched task",
        header=TableHeader("Metric", 158, 55),
    ),
    "container_image_download_time": Column(
        "duration",
        "fetching the image; missing if cached",
        "metrics.container_image_download_seconds",
    ),
    "input_upload_time": Column(
        "duration", "input files, from here to the service", "metrics.input_upload_seconds"
    ),
    "input_download_time": Column(
        "duration",
        "input files, from the service to the machine",
        "metrics.input_download_seconds",
    ),
    "input_decompression_time": Column(
        "duration", "unpacking the input files", "metrics.input_decompression_seconds"
    ),
    "output_compression_time": Column(
        "duration", "packing the output files", "metrics.output_compression_seconds"
    ),
    "output_upload_time": Column(
        "duration",
        "output files, from the machine to the service",
        "metrics.output_upload_seconds",
    ),
    "cost_usd": Column(
        "number",
        "estimated cost of the computation, US dollars",
        "estimated_computation_cost",
        header=TableHeader("Cost", 84, 50),
    ),
    "fee_usd": Column(
        "number",
        "fee that the service has charged for the task, US dollars; 0 if it has not charged one, "
        "missing if unknown or in another currency",
        "orchestration_fee.charged_usd",
    ),
    "container_image_bytes": Column(
        "count", "size of the image", "metrics.container_image_size_bytes", is_size=True
    ),
    "input_bytes": Column(
        "count", "size of the input files", "metrics.input_size_bytes", is_size=True
    ),
    "input_archive_bytes": Column(
        "count", "size of the input archive", "metrics.input_zipped_size_bytes", is_size=True
    ),
    "output_files": Column(
        "count",
        "number of output files",
        "metrics.output_total_files",
        header=TableHeader("Files", 60, 10),
    ),
    "output_bytes": Column(
        "count",
        "size of the output files",
        "metrics.output_size_bytes",
        header=TableHeader("Size", 78, 12),
        is_size=True,
    ),
    "output_archive_bytes": Column(
        "count", "size of the output archive", "metrics.output_zipped_size_bytes", is_size=True
    ),
    "retries": Column("count", "how often the service ran the task again", "num_retries"),
    "error": Column(
        "category", "why the task failed, in the service's words", "reason", is_searched=True
    ),
    SERVICE: Column(
        "category",
        "service of the task: its address, `local` or `replay`",
        # A frame of several services has a value per row, which the task itself does not know.
        read=lambda *_: None,
    ),
    "container_image": Column(
        "category", "image that was run", "container_image", is_default=False
    ),
    "machine_group": Column(
        "category",
        "name of the machine group",
        "machine_group_name",
        is_default=False,
        is_machine=True,
    ),
    "machines": Column(
        "count",
        "number of machines",
        "executer.n_mpi_hosts",
        is_default=False,
        is_machine=True,
    ),
    "cpus": Column(
        "count",
        "logical processors of one machine",
        "executer.cpu_count_logical",
        is_default=False,
        is_machine=True,
    ),
    "memory_bytes": Column(
        "count",
        "memory of one machine",
        "executer.memory",
        is_default=False,
        is_size=True,
        is_machine=True,
    ),
    "read_at": Column(
        "time",
        "`tasks.history()` read the task from the service; missing in other frames",
        read=lambda *_: None,
        is_default=False,
    ),
}

HEADERS = {name: column.header for name, column in COLUMNS.items() if column.header is not None}
"""Headers of the columns that the table widget can show."""

ROW_COLUMNS = {name: column for name, column in COLUMNS.items() if column.in_row}
"""Columns whose values the kernel sends with each row of the table widget."""

DEFAULT_TABLE_COLUMNS = (
    "status",
    "simulator",
    "task_id",
    "submitted",
    "started",
    "computation_time",
    "phases",
    "machine_type",
    "cost_usd",
)

TEXT_COLUMNS = (
    "task_id",
    "simulator",
    "status",
    "submitted",
    "started",
    "computation_time",
    "machine_type",
)
"""Columns of the text listing, in the order of the vendor's client."""


def table_value(name: str) -> Reader:
    """Return what reads the value of a column of the table, or of the column it falls back on."""
    value = COLUMNS[name].value
    fallback = HEADERS[name].fallback if name in HEADERS else ""
    if not fallback:
        return value
    other = COLUMNS[fallback].value
    return lambda info, now: other(info, now) if (own := value(info, now)) is None else own
