"""Altair helpers that all charts share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inductiva_widgets.errors import InputError

WIDTH = 640
# Mean width of a letter in a legend, in pixels.
_LETTER = 6.4
_SYMBOL = 36
_LABEL_LIMIT = 180


def altair() -> Any:
    """Return the module of Altair.

    Raises
    ------
    InputError
        It is not installed.
    """
    return _native().alt


def chart_class() -> Any:
    """Return the class of a single chart, which users draw with too.

    Raises
    ------
    InputError
        Altair is not installed.
    """
    return _native().Chart


def _native() -> Any:
    try:
        from inductiva_widgets.plots import _mime
    except ModuleNotFoundError as error:
        if error.name != "altair":
            raise
        raise InputError(
            'Pictures need Altair, which is not installed: pip install "inductiva-widgets[plots]"'
        ) from error
    return _mime


def to_records(columns: Mapping[str, Sequence[Any]]) -> Any:
    """Return the rows of a picture: plain values under field names of our own.

    Texts of tasks are only ever values here, since Vega reads a field's name as an expression.
    """
    rows = zip(*columns.values(), strict=True)
    return altair().Data(values=[dict(zip(columns, row, strict=True)) for row in rows])


def layer(*charts: Any) -> Any:
    """Return charts on top of each other."""
    return _native().LayeredChart(layer=list(charts))


def hconcat(*charts: Any, spacing: int = 24) -> Any:
    """Return charts side by side."""
    return _native().HConcatChart(hconcat=list(charts), spacing=spacing)


def base_chart(data: Any) -> Any:
    """Return a chart without marks."""
    return chart_class()(data)


def titled(chart: Any, title: str, *lines: str) -> Any:
    """Return a picture with its title, its subtitle, and its alternative text."""
    alt = altair()
    said = [line for line in lines if line]
    return chart.properties(
        title=alt.TitleParams(title, subtitle=said),
        description=". ".join([title, *said]) + ".",
    )


def legend(names: Sequence[str], width: int = WIDTH) -> Any:
    """Return a legend that fits the chart: one row, or else columns."""
    widths = [min(_LABEL_LIMIT, len(name) * _LETTER) + _SYMBOL for name in names]
    fits = sum(widths) <= width
    count = 0 if fits else max(1, int(width // max(widths)))
    return altair().Legend(title=None, columns=count, labelLimit=_LABEL_LIMIT)


def count_label(count: int) -> str:
    """Return a number of tasks as text."""
    return f"{count:,} task{'' if count == 1 else 's'}"


def empty_chart(title: str, why: str = "No tasks") -> Any:
    """Return a chart without data."""
    chart = base_chart(to_records({"words": [why]})).mark_text(fontSize=13)
    return titled(chart.encode(text="words:N").properties(width=WIDTH, height=60), title)
