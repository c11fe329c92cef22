"""What the page is told, field by field; twin of ``js/src/contract.ts``.

Times are epoch milliseconds of the service's clock, durations seconds, sizes bytes.
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypedDict


class Elapsed(TypedDict):
    """A duration that may still be growing."""

    seconds: float | None
    since: int | None


class CommandView(TypedDict):
    """One command of the simulation, as it was executed."""

    command: str
    elapsed: Elapsed
    ok: bool | None
    exit_code: int | None


class LogTailView(TypedDict):
    """The last lines that the simulator wrote to one of its streams."""

    name: str
    text: str


class FailureView(TypedDict):
    """Why a task did not succeed, and what to do next."""

    title: str
    detail: str
    advice: str
    last_words: list[LogTailView]


class RowView(TypedDict):
    """A line of the list; ``cost_rate`` is in US dollars per second of the computation."""

    id: str
    status: str
    alias: str
    tone: str
    is_terminal: bool
    can_kill: bool
    simulator: str | None
    project: str | None
    submitted: int | None
    started: int | None
    computation: Elapsed
    machine: str | None
    cost: float | None
    cost_rate: float | None
    marks: list[int | None]
    has_outputs: bool
    output_files: int | None
    output_size: int | None
    metric: MetricView | None


class TaskView(RowView):
    """A card: all of a line and more."""

    queue_ahead: int | None
    meaning: str
    commands: list[CommandView]
    failure: FailureView | None
    console_url: str | None


class FileView(TypedDict):
    """A member of the output archive."""

    name: str
    size: int | None
    compressed: int | None


class OutputsView(TypedDict):
    """The listing of an output archive."""

    archive_size: int | None
    files: list[FileView]


class ErrorView(TypedDict):
    """Something that went wrong, in words; ``report`` is safe to copy."""

    title: str
    detail: str
    report: str


class FileProgressView(TypedDict):
    """One file under way: bytes of its content."""

    name: str
    done: int
    total: int


class DownloadView(TypedDict):
    """How far a download is; ``files`` are those under way, in the order of their beginning."""

    phase: str
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
    """Freshness of what is shown; ``problem`` is the error in one or two words.

    A ``notice`` says that the task itself is not updated any more.
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
    """A stretch of samples in which a series is ``kind``: ``"nan"``, ``"inf"`` or ``"-inf"``."""

    kind: str
    start: int
    end: int
    text: str


class SeriesView(TypedDict):
    """One series of numbers; ``points`` are pairs of a sample's number and its value.

    None stands for a value that is not finite: ``non_finite`` is then the kind of ``last``.
    ``extent`` are the first and the last sample, whether the series is finite there or not.
    """

    name: str
    last: float | None
    non_finite: str
    low: float | None
    high: float | None
    points: list[tuple[int, float | None]]
    gaps: list[GapView]
    extent: tuple[int, int]
    is_log: bool


class ConditionView(TypedDict):
    """A condition of a watch: what it does and when, and how it stands."""

    text: str
    state: str


class LogMetricsView(TypedDict):
    """What is read from the log of a watched task."""

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
    """One series of a watched task, for a line of the list; fields as in ``SeriesView``."""

    name: str
    last: float | None
    non_finite: str
    points: list[tuple[int, float | None]]
    gaps: list[GapView]
    extent: tuple[int, int]
    is_log: bool
    progress: float | None


class WorkingFileView(TypedDict):
    """A file of a running task's working folder."""

    name: str
    size: int | None
    modified: int | None


class FilesView(TypedDict):
    """The working folder of a running task as of a time."""

    files: list[WorkingFileView]
    more: int
    as_of: int
    note: str


class LogView(TypedDict):
    """A stretch of a log, with where it lies in it."""

    name: str
    edition: str
    text: str
    start: int
    stop: int
    size: int
    can_grow: bool
    note: str


class QueryView(TypedDict):
    """What the table shows of its tasks."""

    search: str
    tones: list[str]
    filters: dict[str, dict[str, Any]]
    sort: dict[str, Any] | None
    group: str | None
    closed: list[str]


class GroupView(TypedDict):
    """The head of a group."""

    group: str
    label: str | None
    is_open: bool
    tasks: int
    counts: dict[str, int]
    cost: float | None
    seconds: float


LineView: TypeAlias = RowView | GroupView


class LayoutView(TypedDict):
    """How the lines of the table lie."""

    version: int
    query: QueryView
    tasks: int
    lines: int
    first: int | None
    last: int | None
    code: str


class AggregatesView(TypedDict):
    """Sums over the tasks that match."""

    counts: dict[str, int]
    cost: float | None
    seconds: float


class SelectionView(TypedDict):
    """The chosen tasks."""

    version: int
    tasks: int
    hidden: int
    can_kill: int
    with_outputs: int
    cost: float | None


class FacetView(TypedDict):
    """The values of a column with their counts, or its range."""

    values: list[dict[str, Any]]
    more: int
    min: float | None
    max: float | None


class ComparedTask(TypedDict):
    """A task that is compared with others."""

    id: str
    status: str
    alias: str
    tone: str
    simulator: str | None


class ComparedField(TypedDict):
    """What is compared; where all are equal, ``values`` has the one value of all."""

    name: str
    meaning: str
    group: str
    kind: str
    values: list[str | float | None]


class ComparisonView(TypedDict):
    """Tasks side by side, and when they were looked at; ``code`` gives the same in Python."""

    tasks: list[ComparedTask]
    fields: list[ComparedField]
    as_of: int
    is_live: bool
    code: str
