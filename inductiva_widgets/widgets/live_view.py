"""What the page is told of watched logs: pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from inductiva_widgets.metrics.reader import PERCENT
from inductiva_widgets.widgets import state, views

if TYPE_CHECKING:
    from inductiva_widgets.tasks.watching import Watch

# Points of a drawing in a card, and of one in a line of the list.
_CARD, _LINE = 80, 24


def live_view(watches: Sequence[Watch]) -> views.LiveView | None:
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
    timed = next((watch for watch in watches if watch.progress is not None), None)
    error = next((watch.error for watch in watches if watch.error is not None), None)
    outputs = [watch.last_output for watch in watches if watch.last_output is not None]
    sources = dict.fromkeys(watch.source for watch in watches if watch.source)
    notes = dict.fromkeys(watch.note for watch in watches if watch.note)
    return {
        "source": ", ".join(sources) or None,
        "series": _series(watches),
        "samples": sum(watch.samples for watch in watches),
        "progress": None if timed is None else _number(timed.progress),
        "ends": None if timed is None else _ms(timed.ends),
        "last_output": _ms(max(outputs, default=None)),
        "can_grow": any(not watch.is_over for watch in watches),
        "note": "\n".join(notes),
        "error": None
        if error is None
        else state.error_view("The log could not be watched as asked", error),
    }


def newer(shown: Any, found: views.LiveView) -> views.LiveView:
    """Return what to show: a reading that was begun anew knows less at first than what is shown.

    Parameters
    ----------
    shown
        The view that is shown, None for none.
    found
        The view that was just made.
    """
    is_beginning = found["can_grow"] and not found["series"] and found["error"] is None
    before: views.LiveView = shown or found
    return before if before["series"] and is_beginning else found


def metric_view(watches: Sequence[Watch]) -> views.MetricView | None:
    """Return the first series of some watches of one task; None where nothing was read yet."""
    for watch in watches:
        for name, points in watch.series(_LINE).items():
            finite = [_short(value) for _, value in points if math.isfinite(value)]
            if finite:
                return {
                    "name": name,
                    "last": _number(watch.last.get(name)),
                    "points": finite,
                    "is_log": watch.is_log(name),
                    "progress": _number(watch.progress),
                }
    return None


def _series(watches: Sequence[Watch]) -> list[views.SeriesView]:
    found: dict[str, views.SeriesView] = {}
    for watch in watches:
        for name, points in watch.series(_CARD).items():
            if name == PERCENT and watch.progress is not None:
                # The bar of the progress says it.
                continue
            # A series of which no value is finite is named all the same.
            finite = [(number, _short(value)) for number, value in points if math.isfinite(value)]
            unique = _unique(name, found)
            found[unique] = {
                "name": unique,
                "last": _number(watch.last.get(name)),
                "low": min((value for _, value in finite), default=None),
                "high": max((value for _, value in finite), default=None),
                "points": finite,
                "is_log": watch.is_log(name),
            }
    return list(found.values())


def _unique(name: str, taken: dict[str, views.SeriesView]) -> str:
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
