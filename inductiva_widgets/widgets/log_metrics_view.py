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

# Points of a drawing in a card, and of one in a line of the list.
_CARD, _LINE = 80, 24


def log_metrics_view(watches: Sequence[LogWatch]) -> contract.LogMetricsView | None:
    """Return what watches of one task have read, their series one after the other.

    Parameters
    ----------
    watches
        Living and ended ones, in the order of their beginning; the progress is that of the first
        one that knows it.

    Returns
    -------
    LiveView or None
        None where there is no watch.
    """
    if not watches:
        return None
    everyone, watches = watches, _distinct(watches)
    timed = next((watch for watch in watches if watch.progress is not None), None)
    error = next((watch.error for watch in everyone if watch.error is not None), None)
    outputs = [watch.last_output for watch in watches if watch.last_output is not None]
    samples = sum(watch.samples for watch in watches)
    titles = dict.fromkeys(_title(watch, samples) for watch in watches if watch.pattern)
    notes = dict.fromkeys(watch.note for watch in everyone if watch.note)
    return {
        "source": ", ".join(titles) or None,
        "series": _series(watches),
        "samples": samples,
        "progress": None if timed is None else _number(timed.progress),
        "ends": None if timed is None else _ms(timed.eta),
        "last_output": _ms(max(outputs, default=None)),
        "can_grow": any(not watch.is_finished for watch in watches),
        "conditions": [
            {"text": text, "state": how} for watch in everyone for text, how in watch.conditions
        ],
        "note": "\n".join(notes),
        "error": None
        if error is None
        else view_models.error_view("The log could not be watched as asked", error),
    }


def prefer_newer(shown: Any, found: contract.LogMetricsView) -> contract.LogMetricsView:
    """Return what to show: a reading that was begun anew knows less at first than what is shown.

    Parameters
    ----------
    shown
        The view that is shown, None for none.
    found
        The view that was just made.
    """
    is_beginning = found["can_grow"] and not found["series"] and found["error"] is None
    before: contract.LogMetricsView = shown or found
    return before if before["series"] and is_beginning else found


def metric_view(watches: Sequence[LogWatch]) -> contract.MetricView | None:
    """Return the first series that is not finite any more, else the first one; None for none."""
    found: contract.MetricView | None = None
    for watch in _distinct(watches):
        for name, points in watch.points(_LINE).items():
            series = _one_series(watch, name, name, points)
            # Without the range, which a row has no room for.
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
    """Return one watch of those that read the same, such as for a condition that was set later."""
    found: dict[tuple[str | None, str], LogWatch] = {}
    for watch in watches:
        key = (watch.pattern, watch.file)
        if key not in found or found[key].is_finished:
            found[key] = watch
    return list(found.values())


def _series(watches: Sequence[LogWatch]) -> list[contract.SeriesView]:
    found: dict[str, contract.SeriesView] = {}
    for watch in watches:
        for name, points in watch.points(_CARD).items():
            if name == PERCENT and watch.progress is not None:
                # The bar of the progress says it.
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
    is_lost = not math.isfinite(watch.latest.get(name, 0.0))
    if gaps and is_lost:
        # It lasts, though rows of other series came since.
        gaps[-1] = gaps[-1]._replace(end=max(gaps[-1].end, watch.samples))
    return [
        {
            "kind": gap.kind,
            "start": gap.start,
            "end": gap.end,
            "text": gap_text(gap, is_open=is_lost and gap is gaps[-1]),
        }
        for gap in gaps
    ]


def gap_text(gap: Gap, *, is_open: bool) -> str:
    """Return what a series is, and since when, such as ``"nan since step 41"``.

    Parameters
    ----------
    gap
        The stretch in which it is not finite.
    is_open
        If True, it has not been finite again.
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
    """Return what a watch looks for, and that it has found nothing if the others have."""
    return f"{watch.title} (no value yet)" if samples and not watch.samples else watch.title


def _unique(name: str, taken: dict[str, contract.SeriesView]) -> str:
    """Return a name under which two watches of the same series can be told apart."""
    names = (name if number == 1 else f"{name} ({number})" for number in count(1))
    return next(one for one in names if one not in taken)


def _number(value: float | None) -> float | None:
    """Return a number as it is drawn, None for what JSON has no word for."""
    return _short(value) if value is not None and math.isfinite(value) else None


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
