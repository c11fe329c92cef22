"""Types of the JSON that the kernel sends to the front end.

Times are epoch milliseconds of the service's clock, durations seconds, sizes bytes, costs US
dollars. Every string may come from a simulation and is shown as text only.

``python -m tests.typescript_contract`` writes ``js/src/contract.ts`` from these types. Metadata of
``Annotated`` is the more precise type that TypeScript gets.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, TypedDict

from inductiva_widgets.status import StatusGroup

StatusGroupKey = Annotated[str, Literal[tuple(group.value for group in StatusGroup)]]
# The names in `columns.HEADERS` and `table.query.GROUPS`.
ColumnKey = Annotated[str, "ColumnKey"]
GroupKey = Annotated[str, "GroupKey"]
NonFinite = Annotated[str, Literal["nan", "inf", "-inf"]]
# "waiting": for another download that fills the same folder.
DownloadPhase = Annotated[
    str, Literal["waiting", "running", "paused", "done", "failed", "cancelled"]
]
# Start times of queue, preparation, computation and finalizing, and the end time of the task. None
# if a phase has not begun or was skipped. A phase lasts until the next one begins.
Marks: TypeAlias = list[int | None]


class Elapsed(TypedDict):
    """A duration: ``seconds`` if it is complete, else it counts from ``since``."""

    seconds: float | None
    since: int | None


class CommandView(TypedDict):
    """One executed command of the simulation."""

    command: str
    elapsed: Elapsed
    ok: bool | None
    exit_code: int | None


class LogTailView(TypedDict):
    """The last lines of an output stream, such as ``stderr.txt``."""

    name: str
    text: str


class FailureView(TypedDict):
    """Why a task failed, and what to do next. ``last_words`` may arrive later."""

    title: str
    detail: str
    advice: str
    last_words: list[LogTailView]


class RowView(TypedDict):
    """A task as a row of the table; ``cost_rate`` is per second, while the cost grows.

    Besides these fields, the row has the value of each column in ``columns.ROW_COLUMNS``.
    """

    id: str
    status: str
    alias: str
    status_group: StatusGroupKey
    is_terminal: bool
    can_kill: bool
    computation: Elapsed
    cost_rate: float | None
    marks: Marks
    has_outputs: bool
    metric: MetricView | None


class TaskView(RowView):
    """A task as a card."""

    queue_ahead: int | None
    meaning: str
    commands: list[CommandView]
    failure: FailureView | None
    console_url: str | None


class FileView(TypedDict):
    """An entry of the output archive."""

    name: str
    size: int | None
    compressed: int | None


class OutputsView(TypedDict):
    """The listing of an output archive."""

    archive_size: int | None
    files: list[FileView]


class ErrorView(TypedDict):
    """An error message; ``report`` contains no secrets and can be copied."""

    title: str
    detail: str
    report: str


class FileProgressView(TypedDict):
    """A file that is being downloaded; uncompressed bytes."""

    name: str
    done: int
    total: int


class DownloadView(TypedDict):
    """Progress of a download; ``files`` are the active ones, in the order they started."""

    phase: DownloadPhase
    bytes_done: int
    bytes_total: int | None
    files_done: int
    files_total: int | None
    speed: float | None
    eta: float | None
    files: list[FileProgressView]
    path: str | None
    error: ErrorView | None


class PollStatusView(TypedDict):
    """How recent the shown state is.

    ``problem`` is a short form of ``error``. ``notice`` says why the task itself is no longer
    updated, ``is_final`` that polling has ended. ``skew`` is the service's clock minus the
    kernel's, in milliseconds. Polling pauses while no view of the widget is visible.
    """

    updated: int | None
    offline_since: int | None
    error: str | None
    problem: str | None
    notice: str | None
    is_final: bool
    skew: int
    is_paused: bool


class GapView(TypedDict):
    """A range of samples that are not finite; ``text`` as in "nan since step 41"."""

    kind: NonFinite
    start: int
    end: int
    text: str


class SeriesView(TypedDict):
    """A series of numbers from a log.

    ``points`` are at most 80 pairs of sample number and value that keep the extremes; a value is
    None where a gap begins. ``extent`` are the first and the last sample, finite or not. ``last``,
    ``low`` and ``high`` are None if not finite; ``non_finite`` is then the kind of ``last``.
    ``is_log`` suggests a logarithmic scale.
    """

    name: str
    last: float | None
    non_finite: Annotated[str, NonFinite, Literal[""]]
    low: float | None
    high: float | None
    points: list[tuple[int, float | None]]
    gaps: list[GapView]
    extent: tuple[int, int]
    is_log: bool


class ConditionView(TypedDict):
    """A condition of a watch, such as "Kills the task if p > 1", and its state."""

    text: str
    state: str


class LogMetricsView(TypedDict):
    """Metrics that are read from the log of a watched task.

    ``source`` describes the log and the pattern, None if nothing is watched. ``progress`` is the
    done part, 0 to 1; ``ends`` the extrapolated end. ``note`` reports the effect of a condition.
    """

    source: str | None
    series: list[SeriesView]
    samples: int
    progress: float | None
    ends: int | None
    last_output: int | None
    can_grow: bool
    conditions: list[ConditionView]
    note: str
    error: ErrorView | None


class MetricView(TypedDict):
    """The first series of a watched task that is not finite, else the first; for a table row."""

    name: str
    last: float | None
    non_finite: Annotated[str, NonFinite, Literal[""]]
    points: list[tuple[int, float | None]]
    gaps: list[GapView]
    extent: tuple[int, int]
    is_log: bool
    progress: float | None


class WorkingFileView(TypedDict):
    """A file in the working folder of a running task; None if the service does not report it."""

    name: str
    size: int | None
    modified: int | None


class FilesView(TypedDict):
    """The working folder at ``as_of``; ``more`` files are left out, ``note`` says why none are."""

    files: list[WorkingFileView]
    more: int
    as_of: int
    note: str


class LogView(TypedDict):
    """The bytes from ``start`` to ``stop`` of a log with ``size`` bytes.

    Offsets are valid within one ``edition`` only: the log of the running task is one edition, the
    log in the output archive is another. ``note`` says why there is no text yet.
    """

    name: str
    edition: str
    text: str
    start: int
    stop: int
    size: int
    can_grow: bool
    note: str


class ValuesFilter(TypedDict):
    """Accepts these values of a column; None is an unknown value."""

    values: list[str | None]


class RangeFilter(TypedDict):
    """Accepts a closed interval; None is no limit."""

    min: float | None
    max: float | None


FilterView: TypeAlias = ValuesFilter | RangeFilter


class SortView(TypedDict):
    """The sort column and direction."""

    key: ColumnKey
    descending: bool


class QueryView(TypedDict):
    """Search, filters, sorting and grouping of the table.

    ``search`` matches any text of a task, ignoring case. ``collapsed`` are the keys of the
    collapsed groups. If ``sort`` is None, the rows are in the order of the list.
    """

    search: str
    status_groups: list[StatusGroupKey]
    filters: Annotated[dict[str, dict[str, Any]], dict[ColumnKey, FilterView]]
    sort: Annotated[dict[str, Any] | None, SortView | None]
    group: GroupKey | None
    collapsed: list[str]


class SumsView(TypedDict):
    """Cost in US dollars and computation time of several tasks.

    ``growth`` is None if no task is computing, else how many are, what they cost per second, and
    the time of the sums in epoch milliseconds: a list, since each poll sends it.
    """

    cost: float | None
    seconds: float
    growth: tuple[int, float, int] | None


class GroupView(SumsView):
    """The header row of a group; ``label`` is None for tasks without a value."""

    group: str
    label: str | None
    is_open: bool
    tasks: int
    counts: dict[str, int]


LineView: TypeAlias = RowView | GroupView


class QueryResultView(TypedDict):
    """The rows of the table that match the query.

    ``version`` grows when a row changes its position. ``tasks`` match the query; ``lines`` are the
    visible rows, group headers included. ``first`` and ``last`` are the earliest and latest time of
    the matching tasks. ``code`` is the same query in Python.
    """

    version: int
    query: QueryView
    tasks: int
    lines: int
    first: int | None
    last: int | None
    code: str


class AggregatesView(SumsView):
    """Sums over the matching tasks; ``counts`` by status group ignore the status filter."""

    counts: dict[str, int]


class SelectionView(TypedDict):
    """The selected tasks; ``hidden`` do not match the query. ``version`` grows with each change."""

    version: int
    tasks: int
    hidden: int
    can_kill: int
    with_outputs: int
    cost: float | None


class _FacetCount(TypedDict):
    value: str | None
    count: int


class FacetValue(_FacetCount, total=False):
    """A value of a column, and how often it occurs; ``status_group`` for a status only."""

    status_group: StatusGroupKey


class FacetView(TypedDict):
    """The values of a column, most frequent first, or its range."""

    values: Annotated[list[dict[str, Any]], list[FacetValue]]
    more: int
    min: float | None
    max: float | None


class ComparedTask(TypedDict):
    """A task in a comparison."""

    id: str
    status: str
    alias: str
    status_group: StatusGroupKey
    simulator: str | None


class ComparedField(TypedDict):
    """A frame column in a comparison; ``values`` has one item if all tasks are equal."""

    name: str
    meaning: str
    group: str
    kind: Annotated[str, Literal["text", "time", "seconds", "dollars", "bytes", "count"]]
    values: list[str | float | None]


class ComparisonView(TypedDict):
    """Tasks side by side at ``as_of``; ``code`` is the same comparison in Python."""

    tasks: list[ComparedTask]
    fields: list[ComparedField]
    as_of: int
    is_live: bool
    code: str


class TextPreview(TypedDict):
    """A text file, or another one as a hex dump. ``note`` says what is left out."""

    kind: Literal["text", "json", "hex"]
    name: str
    size: int
    note: str
    text: str


class TablePreview(TypedDict):
    """A table file."""

    kind: Literal["table"]
    name: str
    size: int
    note: str
    columns: list[str]
    rows: list[list[str]]


class ImagePreview(TypedDict):
    """An image; ``data`` is base64."""

    kind: Literal["image"]
    name: str
    size: int
    note: str
    mime: str
    data: str


class NoPreview(TypedDict):
    """A file that cannot be shown; ``note`` says why."""

    kind: Literal["none"]
    name: str
    size: int
    note: str


PreviewView: TypeAlias = TextPreview | TablePreview | ImagePreview | NoPreview


class TaskTraits(TypedDict):
    """Traits of ``TaskWidget``. The front end sets ``notify``: notify when the task ends."""

    kind: Literal["task"]
    view: TaskView
    log_metrics: LogMetricsView | None
    notify: bool
    download: DownloadView | None
    poll_status: PollStatusView


class TaskListTraits(TypedDict):
    """Traits of ``TaskListWidget``. The front end sets ``columns``, ``column_widths`` and ``mode``.

    ``total`` counts all tasks of the list. ``first_rows`` are there so that the first paint
    needs no request. ``download`` is the download of the selection.
    """

    kind: Literal["task_list"]
    total: int
    first_rows: list[LineView]
    query_result: QueryResultView
    aggregates: AggregatesView
    selection: SelectionView
    columns: list[ColumnKey]
    column_widths: dict[str, int]
    mode: Literal["table", "timeline"]
    poll_status: PollStatusView
    download: DownloadView | None
    is_following: bool
    is_demo: bool


class DownloadTraits(TypedDict):
    """Traits of ``DownloadWidget``."""

    kind: Literal["download"]
    title: str
    download: DownloadView


class OutputsTraits(TypedDict):
    """Traits of ``OutputsWidget``. The front end sets ``chosen``.

    ``chosen`` are names of files, of folders with a slash at the end, or ``*`` for all files.
    """

    kind: Literal["outputs"]
    id: str
    title: str
    download: DownloadView | None
    chosen: list[str]
