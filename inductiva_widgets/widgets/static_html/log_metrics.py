"""Log metrics as text and as HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from inductiva_widgets.design_tokens import hue
from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.static_html.markup import (
    escape_value,
    pre_block,
    truncate_line,
    truncate_text,
)

# The value of the trait; a card without a front end has none.
Live = contract.LogMetricsView | dict[str, Any]

_WIDTH, _HEIGHT, _MARGIN = 160, 24, 2
_CELL = "border:none;background:none;text-align:left;padding:1px 16px 1px 0"
_NAME = f"{_CELL};font-weight:600;overflow-wrap:anywhere;white-space:normal"


def log_metrics_text(live: Live | None) -> list[str]:
    """Return the progress, the last value of each series, and errors, as lines."""
    if live is None:
        return []
    lines = [f"{truncate_line(name)}: {last}" for name, last in _facts(live)]
    return lines + [line for text in _notes(live) for line in truncate_text(text).splitlines()]


def log_metrics_html(live: Live | None) -> str:
    """Return the metrics as HTML, with a sparkline of each series."""
    if live is None:
        return ""
    drawings = ["" for _ in _facts(live)]
    drawings[len(drawings) - len(live["series"]) :] = [
        sparkline(one["points"], gaps=one["gaps"], extent=one["extent"], is_log=one["is_log"])
        for one in live["series"]
    ]
    rows = "".join(
        f'<tr style="background:none"><th align="left" style="{_NAME}">{escape_value(name)}</th>'
        f'<td style="{_CELL}">{escape_value(last)}</td><td style="{_CELL}">{drawing}</td></tr>'
        for (name, last), drawing in zip(_facts(live), drawings, strict=True)
    )
    table = f'<table style="border-collapse:collapse;margin:0"><tbody>{rows}</tbody></table>'
    parts = [table if rows else "", *(pre_block(truncate_text(text)) for text in _notes(live))]
    body = "".join(parts)
    source = f" <span>{escape_value(live['source'])}</span>" if live["source"] else ""
    return f'<div style="margin-top:6px"><b>From the log</b>{source}{body}</div>' if body else ""


def sparkline(
    points: Sequence[tuple[int, float | None]],
    *,
    gaps: Sequence[contract.GapView] = (),
    extent: tuple[int, int] | None = None,
    is_log: bool = False,
) -> str:
    """Return a drawing of numbers as SVG, "" if there are fewer than two and no gap.

    Parameters
    ----------
    points
        Samples and values, in order; None interrupts the line.
    gaps
        Stretches that are marked, in which there is no finite value.
    extent
        The first and the last sample of the axis; by default those of the points.
    is_log
        If True, the scale is logarithmic.
    """
    heights = [(number, _height(value, is_log)) for number, value in points]
    known = [height for _, height in heights if height is not None]
    if len(known) < 2 and not gaps:
        return ""
    first, last = extent or (points[0][0], points[-1][0])
    step = (_WIDTH - 2 * _MARGIN) / max(1, last - first)
    low, high = min(known, default=0.0), max(known, default=0.0)
    scale = (_HEIGHT - 2 * _MARGIN) / (high - low) if high > low else 0.0
    # In the middle if all values are equal.
    base = _HEIGHT - _MARGIN if scale else _HEIGHT / 2
    path, pen = [], "M"
    for number, height in heights:
        if height is None:
            pen = "M"
        else:
            left = _MARGIN + (number - first) * step
            path.append(f"{pen}{left:.1f} {base - (height - low) * scale:.1f}")
            pen = "L"
    # A thick dashed line draws a hatched band without a pattern id, which must be unique per page.
    bands = "".join(
        f"M{_MARGIN + (gap['start'] - first) * step:.1f} {_HEIGHT / 2:g}"
        f"h{max(1.5, (gap['end'] - gap['start']) * step):.1f}"
        for gap in gaps
    )
    band = (
        f'<path d="{bands}" fill="none" stroke="{hue("red")}" stroke-width="{_HEIGHT}" '
        'stroke-dasharray="1.5 2.5" stroke-opacity="0.55"/>'
    )
    return (
        f'<svg aria-hidden="true" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" style="vertical-align:middle">{band if bands else ""}'
        f'<path d="{"".join(path)}" fill="none" stroke="{hue("blue")}" stroke-width="1.5" '
        'stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )


def _height(number: float | None, is_log: bool) -> float | None:
    if number is None or (is_log and number <= 0):
        return None
    return math.log10(number) if is_log else number


def _facts(live: Live) -> list[tuple[str, str]]:
    """Return the progress, if known, and the last value of each series."""
    progress = live["progress"]
    facts = [] if progress is None else [("Progress", f"{progress:.0%}")]
    return facts + [(one["name"], _last(one)) for one in live["series"]]


def _last(series: contract.SeriesView) -> str:
    """Return the last value, with a note on values that were not finite."""
    last, gaps = series["last"], series["gaps"]
    if last is None:
        return truncate_line(gaps[-1]["text"]) if gaps else series["non_finite"] or "no value"
    if not gaps:
        return f"{last:.6g}"
    more = f", and {len(gaps) - 1} more times" if len(gaps) > 1 else ""
    return f"{last:.6g} ({truncate_line(gaps[0]['text'])}{more})"


def _notes(live: Live) -> list[str]:
    error = live["error"]
    failed = [] if error is None else [f"{error['title']}: {error['detail']}"]
    conditions = [
        f"{one['text']}: {one['state']}" if one["state"] else one["text"]
        for one in live["conditions"]
    ]
    return conditions + ([live["note"]] if live["note"] else []) + failed
