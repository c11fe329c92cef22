"""Text and HTML twins of the widgets, for places without a kernel: GitHub, nbconvert, e-mail.

Pure functions; every value is escaped. Styles are inline, because such places drop style sheets,
and take their colours from the page around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from inductiva_widgets.formatting import (
    MISSING,
    format_bytes,
    format_clock,
    format_cost,
    format_date,
    format_short,
)
from inductiva_widgets.models import TaskInfo
from inductiva_widgets.status import Tone
from inductiva_widgets.tasks.outputs import OutputsInfo
from inductiva_widgets.tasks.task_list import TaskList
from inductiva_widgets.timing import computation_seconds, phases, total_seconds
from inductiva_widgets.widgets import state

_MARKS = {
    Tone.WAIT: "\N{WHITE CIRCLE}",
    Tone.RUN: "\N{BLACK RIGHT-POINTING TRIANGLE}",
    Tone.OK: "\N{CHECK MARK}",
    Tone.BAD: "\N{MULTIPLICATION X}",
    Tone.OFF: "\N{BLACK SQUARE}",
    Tone.UNKNOWN: "?",
}
_COLOURS = {
    Tone.WAIT: "#9a6700",
    Tone.RUN: "#0b62c4",
    Tone.OK: "#1a7f37",
    Tone.BAD: "#b3261e",
    Tone.OFF: "#59636e",
    Tone.UNKNOWN: "#59636e",
}
_CELL = "padding:2px 10px;text-align:left;white-space:nowrap"
ROWS_SHOWN = 50


def task_text(info: TaskInfo, now: datetime) -> str:
    """Return a card as text."""
    facts = _facts(info, now)
    width = max(len(name) for name, _ in facts)
    lines = [f"Task {info.task_id}: {info.alias}"]
    lines += [f"  {name:<{width}}  {value}" for name, value in facts]
    failure = state.task_view(info)["failure"]
    if failure is not None:
        lines += [f"  {failure['title']}"]
        lines += [f"    {line}" for line in failure["detail"].splitlines()]
        lines += [f"  {failure['advice']}"] if failure["advice"] else []
    return "\n".join(lines)


def task_html(info: TaskInfo, now: datetime) -> str:
    """Return a card as HTML that needs no script and no style sheet."""
    rows = "".join(
        f'<tr><th style="{_CELL};font-weight:600">{escape(name)}</th>'
        f'<td style="{_CELL}">{escape(value)}</td></tr>'
        for name, value in _facts(info, now)
    )
    failure = state.task_view(info)["failure"]
    why = ""
    if failure is not None:
        detail = f"<pre>{escape(failure['detail'])}</pre>" if failure["detail"] else "<br>"
        why = (
            f'<div style="border-left:3px solid {_COLOURS[Tone.BAD]};padding:4px 10px">'
            f"<b>{escape(failure['title'])}</b>{detail}{escape(failure['advice'])}</div>"
        )
    return (
        f"<div>{_badge(info)} <b>{escape(info.simulator or '')}</b> "
        f"<code>{escape(info.task_id)}</code>{why}<table>{rows}</table></div>"
    )


def list_text(tasks: TaskList) -> str:
    """Return a list as text: the table of its first rows, saying how many there are."""
    more = len(tasks) - ROWS_SHOWN
    if more <= 0:
        return str(tasks)
    return f"{tasks[:ROWS_SHOWN]}\nThe first {ROWS_SHOWN} of {len(tasks)} tasks."


def list_html(infos: Sequence[TaskInfo], now: datetime) -> str:
    """Return a list as an HTML table of its first rows, saying how many there are."""
    if not infos:
        return "<div>No tasks found.</div>"
    titles = ("Status", "Simulator", "ID", "Submitted", "Started", "Computation", "Resource type")
    head = "".join(f'<th style="{_CELL};font-weight:600">{title}</th>' for title in titles)
    body = "".join(_list_row(info, now) for info in infos[:ROWS_SHOWN])
    more = len(infos) - ROWS_SHOWN
    note = f"<div>The first {ROWS_SHOWN} of {len(infos)} tasks.</div>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


def outputs_html(outputs: OutputsInfo) -> str:
    """Return a listing as an HTML table of its first files, saying how many there are."""
    head = "".join(
        f'<th style="{_CELL};font-weight:600">{title}</th>'
        for title in ("Name", "Size", "Compressed")
    )
    body = "".join(
        f'<tr><td style="{_CELL}"><bdi>{escape(file.name)}</bdi></td>'
        f'<td style="{_CELL}">{format_bytes(file.size)}</td>'
        f'<td style="{_CELL}">{format_bytes(file.compressed_size)}</td></tr>'
        for file in outputs.contents[:ROWS_SHOWN]
    )
    more = outputs.n_files - ROWS_SHOWN
    note = f"<div>The first {ROWS_SHOWN} of {outputs.n_files} files.</div>" if more > 0 else ""
    return (
        f"<div>Archive size: {format_bytes(outputs.size)}</div>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"
    )


def _list_row(info: TaskInfo, now: datetime) -> str:
    cells = (
        escape(info.simulator or MISSING),
        f"<code>{escape(info.task_id)}</code>",
        escape(format_date(info.input_submit_time)),
        escape(format_date(info.start_time)),
        escape(format_clock(computation_seconds(info, now))),
        escape(info.machine_type or MISSING),
    )
    joined = "".join(f'<td style="{_CELL}">{cell}</td>' for cell in (_badge(info), *cells))
    return f"<tr>{joined}</tr>"


def _badge(info: TaskInfo) -> str:
    tone = info.status.facts.tone
    return (
        f'<span style="color:{_COLOURS[tone]};border:1px solid;border-radius:9px;'
        f'padding:1px 8px;white-space:nowrap"><b>{_MARKS[tone]} {escape(info.alias)}</b></span>'
    )


def _facts(info: TaskInfo, now: datetime) -> list[tuple[str, str]]:
    stretches = ", ".join(
        f"{phase.name} {format_short(phase.seconds(now))}" for phase in phases(info)
    )
    metrics = info.metrics
    output = ""
    if metrics is not None and metrics.output_total_files is not None:
        output = f"{metrics.output_total_files} files, {format_bytes(metrics.output_size_bytes)}"
    cost = info.estimated_computation_cost
    facts = [
        ("Simulator", info.simulator or ""),
        ("Machine", info.machine_type or ""),
        ("Project", info.project or ""),
        (
            "Submitted",
            "" if info.input_submit_time is None else format_date(info.input_submit_time),
        ),
        ("Phases", stretches),
        ("Computation time", format_clock(computation_seconds(info, now))),
        ("Total time", format_clock(total_seconds(info, now))),
        ("Cost", format_cost(cost) if cost else ""),
        ("Output", output),
    ]
    return [(name, value) for name, value in facts if value]
