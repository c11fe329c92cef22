"""View models of tasks, files, downloads, polling and errors, as pure functions."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from inductiva_widgets import timing
from inductiva_widgets.ansi import render_plain_lines
from inductiva_widgets.columns import ROW_COLUMNS, table_value
from inductiva_widgets.errors import InductivaError, TaskError
from inductiva_widgets.models.tasks import Operation, TaskInfo
from inductiva_widgets.polling import PollStatus, get_poller
from inductiva_widgets.status import Status
from inductiva_widgets.tasks.outputs import OutputsInfo
from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.contract import (
    CommandView,
    DownloadView,
    Elapsed,
    ErrorView,
    FailureView,
    LogTailView,
    OutputsView,
    PollStatusView,
    RowView,
    TaskView,
)

if TYPE_CHECKING:
    from inductiva_widgets.downloads import Progress
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.tasks.task import Task


_CONSOLE = "https://console.inductiva.ai/tasks/"
_LONGEST_TITLE = 160
# What a machine with a larger disk or more memory helps against.
_RESOURCES = re.compile(r"\b(disk|space|memory|oom)\b", re.IGNORECASE)
_ROW_VALUES = {name: table_value(name) for name in ROW_COLUMNS}
_PHASES: tuple[timing.PhaseName, ...] = ("queue", "preparing", "computing", "finalizing")

MAX_FILES = 5_000
"""Maximum number of files in the view."""
# Maximum age of the info in seconds. The poller updates it more often.
_MAX_AGE = 6.0
_NOT_STARTED = {
    Status.PENDING_INPUT: "The input files are being uploaded.",
    Status.SUBMITTED: "The task waits in the queue: its files are made when it is computed.",
    Status.STARTED: "The machine prepares the task: its files can be seen when it is computed.",
}

# Seconds between two messages if only the time of the last update has changed.
_PERIOD = 5.0


def row_view(info: TaskInfo, now: datetime | None = None) -> RowView:
    """Return a row of the table; ``now`` is the current time of the service, if known."""
    at = now or datetime.now(timezone.utc)
    values = {name: _column_value(read(info, at)) for name, read in _ROW_VALUES.items()}
    # The embedded server is free, so hide a cost of 0.
    values["cost_usd"] = values["cost_usd"] or None
    own: RowView = {
        "id": info.task_id,
        "status": info.status.value,
        "alias": info.alias,
        "status_group": info.status.info.group.value,
        "is_terminal": info.is_terminal,
        "can_kill": info.can_be_killed,
        "computation": _computation(info),
        "cost_rate": None if now is None else timing.cost_rate(info, now),
        "marks": _marks(info),
        "has_outputs": info.has_outputs,
        # Set by the reader of the log.
        "metric": None,
    }
    return cast(RowView, {**own, **values})


def task_view(
    info: TaskInfo,
    tasks_ahead: int | None = None,
    *,
    now: datetime | None = None,
    is_local: bool = False,
    last_words: Sequence[LogTailView] = (),
) -> TaskView:
    """Return a card.

    Parameters
    ----------
    info
        The task; its detail gives the commands, a row of a listing leaves them out.
    tasks_ahead
        Queue position, where known.
    now
        The service's time, for what grows.
    is_local
        Whether the embedded server has the task: then it is in no web console.
    last_words
        What the simulator of a failed task wrote last, where known.
    """
    queued = info.status == Status.SUBMITTED
    return {
        **row_view(info, now),
        "queue_ahead": tasks_ahead if queued else None,
        "meaning": _meaning(info, is_local=is_local),
        "commands": [_command(op) for op in info.executed_commands],
        "failure": _failure(info, last_words),
        "console_url": None if is_local else _CONSOLE + quote(info.task_id, safe=""),
    }


def _meaning(info: TaskInfo, *, is_local: bool) -> str:
    """Return what a status means and, on the embedded server, why the task waits or where it is."""
    note = info.status_note if is_local else None
    return " ".join(filter(None, (info.status.info.description, note)))


def outputs_view(outputs: OutputsInfo) -> OutputsView:
    """Return the listing of an output archive."""
    return {
        "archive_size": outputs.size,
        "files": [
            {"name": file.name, "size": file.size, "compressed": file.compressed_size}
            for file in outputs.contents
        ],
    }


def download_view(progress: Progress, error: BaseException | None = None) -> DownloadView:
    """Return how far a download is."""
    return {
        "phase": progress.phase,
        "bytes_done": progress.bytes_done,
        "bytes_total": progress.bytes_total,
        "files_done": progress.files_done,
        "files_total": progress.files_total,
        "speed": progress.speed,
        "eta": progress.eta,
        "files": [
            {"name": file.name, "done": file.bytes_done, "total": file.bytes_total}
            for file in progress.active
        ],
        "path": progress.path or None,
        "error": error_view("The download failed", error)
        if error is not None and progress.phase == "failed"
        else None,
    }


def error_view(title: str, error: BaseException) -> ErrorView:
    """Return an error in words.

    Our own errors are written for people and without secrets. Of others only the kind is shown:
    their text may hold anything, a signed link included.
    """
    own = isinstance(error, InductivaError)
    kind = type(error).__name__
    detail = str(error) if own else f"An unexpected {kind} occurred."
    where = ""
    if not own and error.__traceback__ is not None:
        last = error.__traceback__
        while last.tb_next is not None:
            last = last.tb_next
        code = last.tb_frame.f_code
        where = f" in {code.co_name}, line {last.tb_lineno}"
    return {"title": title, "detail": detail, "report": f"{title}: {kind}{where}: {detail}"}


def poll_status_view(status: PollStatus, skew: float = 0.0) -> PollStatusView:
    """Return how recent the shown state is; ``skew`` is in seconds."""
    return {
        "updated": None if status.updated is None else round(status.updated * 1000),
        "offline_since": None
        if status.offline_since is None
        else round(status.offline_since * 1000),
        "error": status.error,
        "problem": status.problem,
        "notice": status.notice,
        "is_final": status.is_final,
        "skew": round(skew * 1000),
        # Said by the widget, when nobody sees it any more.
        "is_paused": False,
    }


def _computation(info: TaskInfo) -> Elapsed:
    if timing.has_open_computation(info):
        return {"seconds": None, "since": _ms(info.computation_start_time)}
    start = info.computation_start_time
    now = timing.end_time(info) or info.computation_end_time or start
    return {
        "seconds": None if now is None else timing.computation_seconds(info, now),
        "since": None,
    }


def _marks(info: TaskInfo) -> list[int | None]:
    """Return when each phase began and when the last one ended: half the bytes of the phases."""
    entered = timing.phases(info)
    known = {phase.name: _ms(phase.start) for phase in entered}
    end = _ms(entered[-1].end) if entered else None
    return [*(known.get(name) for name in _PHASES), end]


def _command(operation: Operation) -> CommandView:
    start, end = operation.start_timestamp, operation.end_timestamp
    seconds = None if start is None or end is None else max(0.0, (end - start).total_seconds())
    ok = {"OK": True, "FAILED": False}.get(operation.status or "")
    code = operation.attributes.get("exit_code")
    return {
        "command": str(operation.attributes["command"]),
        "elapsed": {"seconds": seconds, "since": _ms(start) if end is None else None},
        "ok": ok,
        "exit_code": code if isinstance(code, int) and not isinstance(code, bool) else None,
    }


def _failure(info: TaskInfo, last_words: Sequence[LogTailView]) -> FailureView | None:
    facts = info.status.info
    if not info.is_terminal or not facts.failed:
        return None
    machine = info.executer.error_detail if info.executer is not None else None
    # The machine often gives the same reason as the service.
    reasons = dict.fromkeys(text.strip() for text in (info.error_detail, machine) if text)
    reason = render_plain_lines("\n".join(reasons))
    # The embedded server writes its reason to stderr.txt if it could not start a command.
    words = [one for one in last_words if not _repeats(one["text"], reason)]
    title, *rest = _titled(reason)
    # The embedded server's reason ends with lines that are among the last words.
    said = {line.strip() for one in words for line in one["text"].splitlines()}
    detail = [line for line in rest if not line.strip() or line.strip() not in said]
    return {
        "title": title.strip() or facts.description,
        "detail": "\n".join(detail).strip("\n"),
        "advice": _advice(info.status, reason),
        "last_words": words,
    }


def _titled(reason: list[str]) -> list[str]:
    """Return the lines of a reason; of a long first line only the first sentence comes first."""
    first, *rest = reason
    sentence, mark, more = first.partition(". ")
    if len(first) <= _LONGEST_TITLE or not mark:
        return reason
    return [f"{sentence}.", more, *rest]


def _repeats(text: str, reason: list[str]) -> bool:
    """Return whether the last lines of a stream, some of them cut, are the reason itself."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    given = [line.strip() for line in reason]
    return any(_is_same(line, given[0]) for line in lines) and all(
        any(_is_same(line, one) for one in given) for line in lines
    )


def _is_same(line: str, whole: str) -> bool:
    cut = line.removesuffix("\N{HORIZONTAL ELLIPSIS}")
    return line == whole or (cut != line and whole.startswith(cut))


def _advice(status: Status, reason: list[str]) -> str:
    """Return what to do; what often helps a failed machine only if nothing else is known."""
    text = "\n".join(reason)
    if status == Status.EXECUTER_FAILED and text and not _RESOURCES.search(text):
        return "Run again once the cause named above is corrected."
    return status.info.advice


def _column_value(value: Any) -> Any:
    return _stamp(value) if isinstance(value, datetime) else value


def _stamp(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _ms(moment: datetime | None) -> Any:
    return None if moment is None else _stamp(moment)


def files_view(task: Task) -> contract.FilesView:
    """Return the files of a running task, the last modified first if the times are known.

    Raises
    ------
    InductivaError
        The folder cannot be read.

    Notes
    -----
    Requests: 1 on the embedded server while the task computes. Elsewhere, the files are listed over
    the connection to the machine.
    """
    info = task.refresh(max_age=_MAX_AGE)
    if info.status in _NOT_STARTED:
        return _files_view(task, [], 0, _NOT_STARTED[info.status])
    if info.is_terminal:
        return _files_view(task, [], 0, "The task has ended: its files are among the outputs.")
    try:
        found = task.list_files()
    except TaskError as error:
        # The folder is removed between the end of the computation and the end of the task.
        return _files_view(task, [], 0, str(error))
    files: list[contract.WorkingFileView] = [
        {
            "name": file.name,
            "size": file.size,
            "modified": None if file.modified is None else round(file.modified.timestamp() * 1000),
        }
        for file in found[:MAX_FILES]
    ]
    return _files_view(
        task, files, len(found) - len(files), "" if files else "There is no file yet."
    )


def _files_view(
    task: Task, files: list[contract.WorkingFileView], more: int, note: str
) -> contract.FilesView:
    as_of = round(task._state.server_time.timestamp() * 1000)
    return {"files": files, "more": more, "as_of": as_of, "note": note}


class PollStatusFilter:
    """Select the poll statuses that are sent to the front end.

    Parameters
    ----------
    client
        Client of the service, for the difference of the clocks.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._last: contract.PollStatusView | None = None

    def now(self, error: Exception | None = None) -> contract.PollStatusView:
        """Return the view after a request that has just been made.

        Parameters
        ----------
        error
            Error of the request, or None if it succeeded.
        """
        status = get_poller(self._client).status
        if status.offline_since is None:
            now = time.time()
            status = (
                PollStatus(now) if error is None else PollStatus.failed(error, status.updated, now)
            )
        self._last = self._view(status)
        return self._last

    def next_update(self, status: PollStatus) -> contract.PollStatusView | None:
        """Return the view to send, or None if it differs too little from the last one."""
        view, last = self._view(status), self._last
        if last is not None and {**last, "updated": view["updated"]} == view:
            age = (view["updated"] or 0) - (last["updated"] or 0)
            if age < _PERIOD * 1000:
                return None
        self._last = view
        return view

    def _view(self, status: PollStatus) -> contract.PollStatusView:
        return poll_status_view(status, self._client.transport.clock_skew)
