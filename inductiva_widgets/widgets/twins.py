"""Text and HTML twins of the widgets, for places without a kernel: GitHub, nbconvert, e-mail.

Pure functions; every value is escaped. Styles are inline, because such places drop style sheets,
and some drop those too: the words alone tell everything. Text takes its colour from the page, and
what has a colour of its own brings its background, so that both hold on light and on dark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

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
from inductiva_widgets.tasks.task_list import TaskList, format_tasks
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
# Behind white text, with a contrast of at least 4.5 to 1.
_COLOURS = {
    Tone.WAIT: "#8a5a00",
    Tone.RUN: "#0b62c4",
    Tone.OK: "#1a7032",
    Tone.BAD: "#b3261e",
    Tone.OFF: "#59636e",
    Tone.UNKNOWN: "#59636e",
}
_PHASE_COLOURS = {
    "queue": "#c79a24",
    "preparing": "#6f9dd0",
    "computing": "#2f7fd8",
    "finalizing": "#9078c8",
}
_NAMES = {
    Tone.RUN: "running",
    Tone.WAIT: "waiting",
    Tone.OK: "succeeded",
    Tone.BAD: "failed",
    Tone.OFF: "stopped",
    Tone.UNKNOWN: "in an unknown state",
}
_LINE = "rgba(128,128,128,.4)"
_FRAME = f"border:1px solid {_LINE};border-radius:6px;padding:10px 14px;max-width:1010px"
_PLAIN = "border:none;background:none;text-align:left;vertical-align:top;white-space:normal"
_PRE = "margin:4px 0;white-space:pre-wrap;overflow-wrap:anywhere;max-height:20em;overflow:auto"
_LEFT = 'style="text-align:left"'
ROWS_SHOWN, ROWS_OF_MORE = 50, 20
# What is longer than a name, or than a page, is somebody's mistake or malice.
_LONGEST_CELL, _LONGEST_TEXT = 40, 4000
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Download = Mapping[str, Any]


def task_text(
    info: TaskInfo,
    now: datetime,
    last_words: Sequence[state.LastWords] = (),
    download: Download | None = None,
) -> str:
    """Return a card as text.

    Parameters
    ----------
    info
        The task; its detail gives the commands.
    now
        The service's time.
    last_words
        What the simulator of a failed task wrote last, where known.
    download
        How far the download of its files is, None where there was none.
    """
    view = state.task_view(info, last_words=last_words)
    facts = _facts(info, now)
    width = max(len(name) for name, _ in facts)
    lines = [f"Task {_short(info.task_id)}: {_short(info.alias)}"]
    lines += [f"  {name:<{width}}  {value}" for name, value in facts]
    failure = view["failure"]
    if failure is not None:
        lines.append(f"  {_short(failure['title'])}")
        lines += [f"    {line}" for line in _long(failure["detail"]).splitlines()]
        for words in failure["last_words"]:
            lines.append(f"  Last lines of {_short(words['name'])}:")
            lines += [f"    {line}" for line in _end(words["text"]).splitlines()]
        lines += [f"  {failure['advice']}"] if failure["advice"] else []
    if view["commands"]:
        lines.append("  Commands:")
        lines += [f"    {_command(one)}" for one in view["commands"]]
    lines += [f"  {line}" for line in _after(info, download)]
    return "\n".join(lines)


def task_html(
    info: TaskInfo,
    now: datetime,
    last_words: Sequence[state.LastWords] = (),
    download: Download | None = None,
) -> str:
    """Return a card as HTML that needs no script and no style sheet; see :func:`task_text`."""
    view = state.task_view(info, last_words=last_words)
    head = f'{_badge(info)} <b style="margin-left:8px">{_value(info.simulator or "")}</b> '
    rows = "".join(
        f'<tr style="background:none"><th align="left" style="{_PLAIN};padding:1px 16px 1px 0;'
        f'font-weight:600;white-space:nowrap">{name}</th>'
        f'<td style="{_PLAIN};padding:1px 0;overflow-wrap:anywhere">{_value(value)}</td></tr>'
        for name, value in _facts(info, now)
        if name != "Simulator"
    )
    commands = "\n".join(_command(one) for one in view["commands"])
    notes = "".join(f"<div>{_coded(line)}</div>" for line in _after(info, download))
    parts = (
        f'<div style="margin-bottom:6px">{head}'
        f'<code style="overflow-wrap:anywhere">{_value(info.task_id)}</code></div>',
        _failure(view["failure"]),
        _phase_bar(info, now),
        f'<table style="border-collapse:collapse;margin:6px 0 0"><tbody>{rows}</tbody></table>',
        f'<div style="margin-top:6px"><b>Commands</b>{_pre(commands)}</div>' if commands else "",
        f'<div style="margin-top:6px">{notes}</div>' if notes else "",
    )
    return _section(f"Task {_short(info.task_id)}", "".join(parts))


def list_text(tasks: TaskList) -> str:
    """Return a list as text: its first rows, saying how many there are."""
    if not tasks:
        return "No tasks found."
    shown = _rows_shown(len(tasks))
    lines = [_short(line) for line in format_tasks(tasks[:shown]).splitlines()]
    return "\n".join([*lines, *_rest(shown, len(tasks), "tasks")])


def list_html(infos: Sequence[TaskInfo], now: datetime) -> str:
    """Return a list as an HTML table of its first rows, saying how many there are."""
    if not infos:
        return "<div>No tasks found.</div>"
    titles = ("Status", "Simulator", "ID", "Submitted", "Started", "Computation", "Resource type")
    shown = _rows_shown(len(infos))
    body = "".join(_list_row(info, now) for info in infos[:shown])
    notes = "".join(f"<div>{line}</div>" for line in _rest(shown, len(infos), "tasks"))
    return f'{_table(titles, body)}{notes}<div style="margin-top:4px">{_summary(infos, now)}</div>'


def outputs_html(outputs: OutputsInfo) -> str:
    """Return a listing as an HTML table of its first files, saying how many there are."""
    shown = _rows_shown(outputs.n_files)
    cells = (
        (_value(file.name), format_bytes(file.size), format_bytes(file.compressed_size))
        for file in outputs.contents[:shown]
    )
    body = "".join(_row(row) for row in cells)
    notes = "".join(f"<div>{line}</div>" for line in _rest(shown, outputs.n_files, "files"))
    return (
        f"{_table(('Name', 'Size', 'Compressed'), body)}{notes}"
        f'<div style="margin-top:4px">Archive size: {format_bytes(outputs.size)}</div>'
    )


def download_text(title: str, download: Download) -> str:
    """Return how far a download is, as text."""
    return f"{_short(title)}: {_progress(download)}"


def download_html(title: str, download: Download) -> str:
    """Return how far a download is, as HTML."""
    body = f"<b>{_value(title)}</b><div>{_coded(_progress(download))}</div>"
    return _section(_short(title), body)


def has_ended(download: Download | None) -> bool:
    """Return whether no download is under way."""
    return download is None or download["phase"] in ("done", "failed", "cancelled")


def _section(name: str, body: str) -> str:
    # The name and the role of the live view: people and tests find the twin in the same way.
    return f'<section aria-label="{escape(name)}" style="{_FRAME}">{body}</section>'


def _table(titles: Sequence[str], body: str) -> str:
    head = "".join(f"<th {_LEFT}>{title}</th>" for title in titles)
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:0;'
        f'white-space:nowrap"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _row(cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<td {_LEFT}>{cell}</td>" for cell in cells) + "</tr>"


def _list_row(info: TaskInfo, now: datetime) -> str:
    cells = (
        _badge(info),
        _value(info.simulator or MISSING, _LONGEST_CELL),
        f"<code>{_value(info.task_id, _LONGEST_CELL)}</code>",
        escape(format_date(info.input_submit_time)),
        escape(format_date(info.start_time)),
        escape(format_clock(computation_seconds(info, now))),
        _value(info.machine_type or MISSING, _LONGEST_CELL),
    )
    return _row(cells)


def _summary(infos: Sequence[TaskInfo], now: datetime) -> str:
    """Return the counts, the time and the money of a whole list in one line."""
    parts = [f"{len(infos)} task{'' if len(infos) == 1 else 's'}"]
    parts += [f"{n} {_NAMES[Tone(tone)]}" for tone, n in state.count_tones(infos).items()]
    seconds = sum(computation_seconds(info, now) or 0 for info in infos)
    parts.append(f"computation {format_clock(seconds)}")
    cost = sum(info.estimated_computation_cost or 0 for info in infos)
    parts += [f"cost {format_cost(cost)}"] if cost else []
    if not all(info.is_terminal for info in infos):
        parts.append(f"as of {format_date(now)}")
    return escape(" \N{MIDDLE DOT} ".join(parts))


def _rows_shown(count: int) -> int:
    # The twin travels with each display: a short list whole, of a long one a look.
    return count if count <= ROWS_SHOWN else ROWS_OF_MORE


def _rest(shown: int, count: int, noun: str) -> list[str]:
    return [f"The first {shown} of {count} {noun}."] if shown < count else []


def _badge(info: TaskInfo) -> str:
    tone = info.status.facts.tone
    return (
        f'<span role="status" data-status="{escape(_short(info.status, _LONGEST_CELL))}" '
        f'style="color:#fff;background:{_COLOURS[tone]};border-radius:9px;padding:1px 9px">'
        f"<b>{_MARKS[tone]} {_value(info.alias, _LONGEST_CELL)}</b></span>"
    )


def _failure(failure: state.FailureView | None) -> str:
    if failure is None:
        return ""
    words = "".join(
        f"<div>Last lines of <code>{_value(one['name'])}</code></div>{_pre(_end(one['text']))}"
        for one in failure["last_words"]
    )
    return (
        f'<div style="border-left:3px solid {_COLOURS[Tone.BAD]};padding:2px 10px;margin:6px 0">'
        f"<b>{_value(failure['title'])}</b>{_pre(_long(failure['detail']))}{words}"
        f"<div>{escape(failure['advice'])}</div></div>"
    )


def _phase_bar(info: TaskInfo, now: datetime) -> str:
    lengths = [(phase.name, phase.seconds(now)) for phase in phases(info)]
    whole = sum(seconds for _, seconds in lengths)
    if not whole:
        return ""
    pieces = "".join(
        f'<span title="{name} {escape(format_short(seconds))}" style="display:inline-block;'
        f'height:8px;width:{99 * seconds / whole:.2f}%;background:{_PHASE_COLOURS[name]}"></span>'
        for name, seconds in lengths
    )
    # Its lengths stand among the facts; without styles nothing of it is to be seen.
    return (
        '<div aria-hidden="true" style="line-height:0;white-space:nowrap;overflow:hidden;'
        f'border-radius:4px;margin:8px 0">{pieces}</div>'
    )


def _pre(text: str) -> str:
    return f'<pre style="{_PRE}">{escape(text)}</pre>' if text else ""


def _command(command: state.CommandView) -> str:
    code, seconds = command["exit_code"], command["elapsed"]["seconds"]
    notes = [f"exit code {code}"] if code is not None else []
    notes += [format_short(seconds)] if seconds is not None else []
    return _short(command["command"]) + (f"   ({', '.join(notes)})" if notes else "")


def _after(info: TaskInfo, download: Download | None) -> list[str]:
    """Return what became of the files, or how to get them."""
    if download is not None:
        return [_progress(download)]
    if info.is_terminal and info.has_outputs:
        return [f'Get the files: inductiva.Task("{_short(info.task_id)}").download_outputs()']
    return []


def _progress(download: Download) -> str:
    """Return in words how far a download is; code and paths come after a colon and a blank."""
    done, total, phase = download["bytes_done"], download["bytes_total"], download["phase"]
    amount = format_bytes(done)
    if phase != "done" and total is not None:
        amount += f" of {format_bytes(total)}"
    if phase == "done":
        files = download["files_done"]
        count = f"{files} file{'' if files == 1 else 's'}, " if files else ""
        path = download["path"]
        return f"Downloaded {count}{amount}" + (f", to: {_short(path)}" if path else "")
    if phase == "cancelled":
        return f"Cancelled at {amount}; calling again goes on from there."
    if phase == "failed":
        error = download["error"] or {"detail": ""}
        return f"Failed at {amount}; calling again goes on from there. {_long(error['detail'])}"
    return f"{amount}, {phase}"


def _coded(line: str) -> str:
    """Return a line as HTML, what follows "to:" or "files:" as code."""
    words, mark, code = line.partition(": ")
    if mark and words.endswith(("to", "files")):
        return f'{escape(words)} <code style="overflow-wrap:anywhere">{escape(code)}</code>'
    return escape(line)


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
        ("Simulator", _short(info.simulator or "")),
        ("Machine", _short(info.machine_type or "")),
        ("Project", _short(info.project or "")),
        (
            "Submitted",
            "" if info.input_submit_time is None else format_date(info.input_submit_time),
        ),
        ("Phases", stretches),
        ("Computation time", format_clock(computation_seconds(info, now))),
        ("Total time", format_clock(total_seconds(info, now))),
        ("Cost", format_cost(cost) if cost else ""),
        ("Output", output),
        # Nothing counts on in a saved page, so it says of when it is.
        ("As of", "" if info.is_terminal else format_date(now)),
    ]
    return [(name, value) for name, value in facts if value]


def _value(text: str, longest: int = 300) -> str:
    """Return a value as HTML; isolated, for a mark that turns the writing must not turn ours."""
    return f"<bdi>{escape(_short(text, longest))}</bdi>" if text else ""


def _short(text: str, longest: int = 300) -> str:
    """Return a value as one line of bounded length."""
    return _cut(" ".join(_visible(text).split("\n")), longest)


def _long(text: str) -> str:
    return _cut(_visible(text), _LONGEST_TEXT)


def _end(text: str) -> str:
    """Return the end of a log, which says more than its beginning."""
    shown = _visible(text)
    return shown if len(shown) <= _LONGEST_TEXT else f"\u2026{shown[-_LONGEST_TEXT:]}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}\u2026"


def _visible(text: str) -> str:
    """Return a text without colours of a terminal, its other control characters marked."""
    plain = _ESCAPES.sub("", "\n".join(text.splitlines()))
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", plain)
