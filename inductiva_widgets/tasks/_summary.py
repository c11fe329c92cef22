"""Summary of a task in words: durations by phase, sizes, cost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from inductiva_widgets import timing
from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.formatting import format_bytes, format_cost, format_duration
from inductiva_widgets.models.tasks import TaskMetrics

if TYPE_CHECKING:
    from inductiva_widgets.models.tasks import TaskInfo

_PHASES = {
    "queue": "In queue",
    "preparing": "Preparing",
    "computing": "Computing",
    "finalizing": "Finalizing",
}


def format_summary(info: TaskInfo, now: datetime) -> str:
    """Return what the task took, moved and cost, in lines of text.

    Parameters
    ----------
    info
        Info of the task.
    now
        Current time of the service, for phases that go on.
    """
    machine = f" on {info.machine_type}" if info.machine_type else ""
    lines = [f"Task {info.task_id}: {info.simulator or 'simulation'}{machine}, {info.alias}"]
    if info.reason:
        lines.append("\n  ".join(f"Reason: {info.reason}".splitlines()))
    lines += [f"  {label:<12}{text}" for label, text in _durations(info, now)]
    metrics = info.metrics or TaskMetrics()
    sizes = {
        "Input": _sizes(metrics.input_size_bytes, metrics.input_zipped_size_bytes),
        "Output": _sizes(
            metrics.output_size_bytes, metrics.output_zipped_size_bytes, metrics.output_total_files
        ),
    }
    lines += [f"{label}: {text}" for label, text in sizes.items() if text]
    lines.append(f"Cost: {_cost(info)}")
    return "\n".join(escape_control_chars(line, keep="\n") for line in lines)


def _durations(info: TaskInfo, now: datetime) -> Iterator[tuple[str, str]]:
    for phase in timing.phases(info):
        ongoing = " so far" if phase.end is None else ""
        yield _PHASES[phase.name], format_duration(phase.seconds(now)) + ongoing
    total = timing.total_seconds(info, now)
    if total is not None:
        yield "Total", format_duration(total) + ("" if info.is_terminal else " so far")


def _sizes(size: int | None, zipped: int | None, files: int | None = None) -> str:
    parts = [
        "" if files is None else f"{files} file{'' if files == 1 else 's'}",
        "" if size is None else format_bytes(size),
        "" if zipped is None else f"{format_bytes(zipped)} zipped",
    ]
    return ", ".join(part for part in parts if part)


def _cost(info: TaskInfo) -> str:
    computation = info.estimated_computation_cost
    fee = None if info.orchestration_fee is None else info.orchestration_fee.charged_usd
    if not fee:
        return format_cost(computation)
    total = None if computation is None else computation + fee
    return f"{format_cost(total)} (computation {format_cost(computation)}, fee {format_cost(fee)})"
