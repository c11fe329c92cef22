"""The card of a task as text and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from inductiva_widgets.design_tokens import phase_colour
from inductiva_widgets.formatting import (
    format_bytes,
    format_cost,
    format_date,
    format_duration,
    format_hms,
)
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import StatusGroup
from inductiva_widgets.timing import computation_seconds, failed_phase, phases, total_seconds
from inductiva_widgets.widgets import contract, view_models
from inductiva_widgets.widgets.static_html.lists import Download, progress
from inductiva_widgets.widgets.static_html.log_metrics import (
    Live,
    log_metrics_html,
    log_metrics_text,
)
from inductiva_widgets.widgets.static_html.markup import (
    MAX_REASON,
    code_after_colon,
    escape_value,
    pre_block,
    section,
    status_badge,
    status_colour,
    truncate_line,
    truncate_start,
    truncate_text,
)

_PLAIN = "border:none;background:none;text-align:left;vertical-align:top;white-space:normal"


def task_text(
    info: TaskInfo,
    now: datetime,
    last_words: Sequence[contract.LogTailView] = (),
    download: Download | None = None,
    live: Live | None = None,
    *,
    notice: str = "",
) -> str:
    """Return a card as text.

    Parameters
    ----------
    info
        The task; with its details, the card lists the commands.
    now
        The current time of the service.
    last_words
        Last log lines of a failed task, if known.
    download
        State of the download of its files, None without a download.
    live
        Metrics from its log, None if it was not read.
    notice
        Reason why the task is not updated any more, "" if it is updated.
    """
    view = view_models.task_view(info, last_words=last_words)
    facts = _facts(info, now)
    width = max(len(name) for name, _ in facts)
    lines = [f"Task {truncate_line(info.task_id)}: {truncate_line(info.alias)}"]
    lines += [f"  {notice}"] if notice else []
    lines += [f"  {name:<{width}}  {value}" for name, value in facts]
    lines += [f"  {line}" for line in log_metrics_text(live)]
    failure = view["failure"]
    if failure is not None:
        lines.append(f"  {truncate_line(failure['title'], MAX_REASON)}")
        lines += [f"    {line}" for line in truncate_text(failure["detail"]).splitlines()]
        for tail in failure["last_words"]:
            lines.append(f"  Last lines of {truncate_line(tail['name'])}:")
            lines += [f"    {line}" for line in truncate_start(tail["text"]).splitlines()]
        lines += [f"  {failure['advice']}"] if failure["advice"] else []
    if view["commands"]:
        lines.append("  Commands:")
        lines += [f"    {_command(one)}" for one in view["commands"]]
    lines += [f"  {line}" for line in _after(info, download)]
    return "\n".join(lines)


def task_html(
    info: TaskInfo,
    now: datetime,
    last_words: Sequence[contract.LogTailView] = (),
    download: Download | None = None,
    live: Live | None = None,
    *,
    notice: str = "",
) -> str:
    """Return a card as HTML that needs no script and no style sheet; see ``task_text``."""
    view = view_models.task_view(info, last_words=last_words)
    head = (
        f'{status_badge(info)} <b style="margin-left:8px">{escape_value(info.simulator or "")}</b> '
    )
    rows = "".join(
        f'<tr style="background:none"><th align="left" style="{_PLAIN};padding:1px 16px 1px 0;'
        f'font-weight:600;white-space:nowrap">{name}</th>'
        f'<td style="{_PLAIN};padding:1px 0;overflow-wrap:anywhere">{escape_value(fact)}</td></tr>'
        for name, fact in _facts(info, now)
        if name != "Simulator"
    )
    commands = "\n".join(_command(command) for command in view["commands"])
    notes = "".join(f"<div>{code_after_colon(line)}</div>" for line in _after(info, download))
    parts = (
        f'<div style="margin-bottom:6px">{head}'
        f'<code style="overflow-wrap:anywhere">{escape_value(info.task_id)}</code></div>',
        f'<div style="margin:6px 0"><b>{escape(notice)}</b></div>' if notice else "",
        _failure(view["failure"]),
        _phase_bar(info, now),
        f'<table style="border-collapse:collapse;margin:6px 0 0"><tbody>{rows}</tbody></table>',
        log_metrics_html(live),
        f'<div style="margin-top:6px"><b>Commands</b>{pre_block(commands)}</div>'
        if commands
        else "",
        f'<div style="margin-top:6px">{notes}</div>' if notes else "",
    )
    return section(f"Task {truncate_line(info.task_id)}", "".join(parts))


def _failure(failure: contract.FailureView | None) -> str:
    if failure is None:
        return ""
    words = "".join(
        f"<div>Last lines of <code>{escape_value(tail['name'])}</code></div>"
        f"{pre_block(truncate_start(tail['text']))}"
        for tail in failure["last_words"]
    )
    return (
        f'<div style="border-left:3px solid {status_colour(StatusGroup.FAILED)};padding:2px 10px;'
        f'margin:6px 0"><b>{escape_value(failure["title"], MAX_REASON)}</b>'
        f"{pre_block(truncate_text(failure['detail']))}{words}"
        f"<div>{escape(failure['advice'])}</div></div>"
    )


def _phase_bar(info: TaskInfo, now: datetime) -> str:
    lengths = [(phase.name, phase.seconds(now)) for phase in phases(info)]
    whole = sum(seconds for _, seconds in lengths)
    if not whole:
        return ""
    failed = failed_phase(info.status, [name for name, _ in lengths])
    colours = {name: phase_colour("failed" if name == failed else name) for name, _ in lengths}
    pieces = "".join(
        f'<span title="{name} {escape(format_duration(seconds))}" style="display:inline-block;'
        f"height:8px;width:{99 * seconds / whole:.2f}%;background:{colours[name]} padding-box;"
        'box-sizing:border-box;border-right:2px solid transparent"></span>'
        for name, seconds in lengths
    )
    # Invisible without styles; the text of the card has the same durations.
    return (
        '<div aria-hidden="true" style="line-height:0;white-space:nowrap;overflow:hidden;'
        f'border-radius:4px;margin:8px 0">{pieces}</div>'
    )


def _command(command: contract.CommandView) -> str:
    code, seconds = command["exit_code"], command["elapsed"]["seconds"]
    notes = [f"exit code {code}"] if code is not None else []
    notes += [format_duration(seconds)] if seconds is not None else []
    return truncate_line(command["command"]) + (f"   ({', '.join(notes)})" if notes else "")


def _after(info: TaskInfo, download: Download | None) -> list[str]:
    """Return the state of the download, or how to start it."""
    if download is not None:
        return [progress(download)]
    if info.is_terminal and info.has_outputs:
        return [
            f'Get the files: inductiva.Task("{truncate_line(info.task_id)}").download_outputs()'
        ]
    return []


def _facts(info: TaskInfo, now: datetime) -> list[tuple[str, str]]:
    durations = ", ".join(
        f"{phase.name} {format_duration(phase.seconds(now))}" for phase in phases(info)
    )
    metrics = info.metrics
    output = ""
    if metrics is not None and metrics.output_total_files is not None:
        output = f"{metrics.output_total_files} files, {format_bytes(metrics.output_size_bytes)}"
    cost = info.estimated_computation_cost
    facts = [
        ("Simulator", truncate_line(info.simulator or "")),
        ("Machine", truncate_line(info.machine_type or "")),
        ("Project", truncate_line(info.project or "")),
        (
            "Submitted",
            "" if info.input_submit_time is None else format_date(info.input_submit_time),
        ),
        ("Phases", durations),
        ("Computation time", format_hms(computation_seconds(info, now))),
        ("Total time", format_hms(total_seconds(info, now))),
        ("Cost", format_cost(cost) if cost else ""),
        ("Output", output),
        # A saved page shows the state at a given time.
        ("As of", "" if info.is_terminal else format_date(now)),
    ]
    return [(name, value) for name, value in facts if value]
