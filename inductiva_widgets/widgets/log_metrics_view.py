"""View models of log metrics, as pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from inductiva_widgets.metrics.gaps import Gap, gap_kind
from inductiva_widgets.metrics.parser import PERCENT
from inductiva_widgets.widgets import contract, view_models

if TYPE_CHECKING:
    from inductiva_widgets.tasks.log_watch import LogWatch

# Maximum number of points of a series in a card, and in a row of a table.
_CARD_POINTS, _ROW_POINTS = 80, 24


def log_metrics_view(watches: Sequence[LogWatch]) -> contract.LogMetricsView | None:
    """Return the series and the progress read by the watches of one task.

    Parameters
    ----------
    watches
        Running and finished watches, in the order in which they began. The progress is that of the
        first one that has any.

    Returns
    -------
    LogMetricsView or None
        The view, or None if there is no watch.
    """
    if not watches:
        return None
    all_watches, watches = watches, _distinct(watches)
    timed = next((watch for watch in watches if watch.progress is not None), None)
    error = next((watch.error for watch in all_watches if watch.error is not None), None)
    outputs = [watch.last_output for watch in watches if watch.last_output is not None]
    samples = sum(watch.samples for watch in watches)
    titles = dict.fromkeys(_title(watch, samples) for watch in watches if watch.pattern)
    notes = dict.fromkeys(watch.note for watch in all_watches if watch.note)
    return {
        "source": ", ".join(titles) or None,
        "series": _series(watches),
        "samples": samples,
        "progress": None if timed is None else _number(timed.progress),
        "ends": None if timed is None else _ms(timed.eta),
        "last_output": _ms(max(outputs, default=None)),
        "can_grow": any(not watch.is_finished for watch in watches),
        "conditions": [
            {"text": text, "state": state}
            for watch in all_watches
            for text, state in watch.conditions
        ],
        "note": "\n".join(notes),
        "error": None
        if error is None
        else view_models.error_view("The log could not be watched", error),
    }


def prefer_newer(shown: Any, new: contract.LogMetricsView) -> contract.LogMetricsView:
    """Return the new view, or the shown one while a restarted watch has no values yet.

    Parameters
    ----------
    shown
        View that is shown, or None.
    new
        New view.
    """
    is_starting = new["can_grow"] and not new["series"] and new["error"] is None
    before: contract.LogMetricsView = shown or new
    return before if before["series"] and is_starting else new


def metric_view(watches: Sequence[LogWatch]) -> contract.MetricView | None:
    """Return the first series whose last value is not finite, otherwise the first series."""
    found: contract.MetricView | None = None
    for watch in _distinct(watches):
        for name, points in watch.points(_ROW_POINTS).items():
            series = _one_series(watch, name, name, points)
            # Without the range, which is not shown in a row.
            view: contract.MetricView = {
                "name": name,
                "last": series["last"],
                "non_finite": series["non_finite"],
                "points": series["points"],
                "gaps": series["gaps"],
                "extent": series["extent"],
                "is_log": series["is_log"],
                "progress": _number(watch.progress),
            }
            if view["non_finite"]:
                return view
            found = found or (view if view["points"] else None)
    return found


def _distinct(watches: Sequence[LogWatch]) -> list[LogWatch]:
    """Return one watch per pattern and file; a condition may have added another one."""
    found: dict[tuple[str | None, str], LogWatch] = {}
    for watch in watches:
        key = (watch.pattern, watch.file)
        if key not in found or found[key].is_finished:
            found[key] = watch
    return list(found.values())


def _series(watches: Sequence[LogWatch]) -> list[contract.SeriesView]:
    found: dict[str, contract.SeriesView] = {}
    for watch in watches:
        for name, points in watch.points(_CARD_POINTS).items():
            if name == PERCENT and watch.progress is not None:
                # Shown by the progress bar.
                continue
            unique = _unique(name, found)
            found[unique] = _one_series(watch, name, unique, points)
    return list(found.values())


def _one_series(
    watch: LogWatch, name: str, title: str, points: list[tuple[int, float]]
) -> contract.SeriesView:
    last = watch.latest.get(name)
    finite = [(number, _short(value)) for number, value in points if math.isfinite(value)]
    gaps = _gaps(watch, name)
    # A gap interrupts the line: the values on both sides of it are not joined.
    breaks: list[tuple[int, float | None]] = [(gap["start"], None) for gap in gaps]
    return {
        "name": title,
        "last": _number(last),
        "non_finite": "" if last is None else gap_kind(last),
        "low": min((value for _, value in finite), default=None),
        "high": max((value for _, value in finite), default=None),
        "points": sorted([*finite, *breaks], key=lambda point: point[0]),
        "gaps": gaps,
        "extent": (1, max(1, watch.samples)),
        "is_log": watch.suits_log_scale(name),
    }


def _gaps(watch: LogWatch, name: str) -> list[contract.GapView]:
    gaps = watch.gaps(name)
    is_open = not math.isfinite(watch.latest.get(name, 0.0))
    if gaps and is_open:
        # The gap has not ended, although there are later rows of other series.
        gaps[-1] = gaps[-1]._replace(end=max(gaps[-1].end, watch.samples))
    return [
        {
            "kind": gap.kind,
            "start": gap.start,
            "end": gap.end,
            "text": gap_text(gap, is_open=is_open and gap is gaps[-1]),
        }
        for gap in gaps
    ]


def gap_text(gap: Gap, *, is_open: bool) -> str:
    """Describe a gap, such as ``"nan since step 41"``.

    Parameters
    ----------
    gap
        Range of rows in which a series is not finite.
    is_open
        If True, the gap has not ended.
    """
    start = f"sample {gap.start:,}"
    if gap.step is not None:
        name, value = gap.step
        is_whole = value.is_integer() and abs(value) < 1e15
        start = f"{name} {f'{int(value):,}' if is_whole else f'{value:.6g}'}"
    if is_open:
        return f"{gap.kind} since {start}"
    count = gap.end - gap.start + 1
    return f"{gap.kind} for {'1 sample' if count == 1 else f'{count:,} samples'} from {start}"


def _title(watch: LogWatch, samples: int) -> str:
    """Return the title of a watch, with a note if only other watches have values."""
    return f"{watch.title} (no value yet)" if samples and not watch.samples else watch.title


def _unique(name: str, taken: dict[str, contract.SeriesView]) -> str:
    """Return a name that no other series has, such as ``"residual (2)"``."""
    names = (name if number == 1 else f"{name} ({number})" for number in count(1))
    return next(candidate for candidate in names if candidate not in taken)


def _number(value: float | None) -> float | None:
    """Return a rounded number, or None if it is not finite, which JSON cannot represent."""
    return _short(value) if value is not None and math.isfinite(value) else None


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
