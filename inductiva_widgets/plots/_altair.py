"""Altair helpers that all charts share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.plots._columns import ChartRows

WIDTH = 640
# Mean width of a letter in a legend, in pixels.
_LETTER = 6.4
_SYMBOL = 36
# Longer than any label: Vega would cut its end, labels of tasks are shortened before.
LABEL_LIMIT = 400
BEYOND = "\N{UPWARDS ARROW}"
"""Precedes the value of a bar that ends at the limit of its axis."""


def altair() -> Any:
    """Return the module ``altair``.

    Raises
    ------
    InputError
        Altair is not installed.
    """
    return _native().alt


def chart_class() -> Any:
    """Return the class ``Chart``.

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
            'Charts need Altair, which is not installed: pip install "inductiva-widgets[plots]"'
        ) from error
    return _mime


def to_records(columns: Mapping[str, Sequence[Any]]) -> Any:
    """Return columns as Altair data.

    Field names must not be texts of tasks, since Vega evaluates them as expressions.
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


def titled(chart: Any, title: str, rows: ChartRows, *lines: str) -> Any:
    """Return a chart with a title, a subtitle, and an alternative text.

    The title marks DEMO data, the subtitle says how many rows of the frame were left out.
    """
    alt = altair()
    if rows.is_demo:
        title = f"{title} (DEMO data)"
    repeated = f"{rows.repeated:,} older row{'' if rows.repeated == 1 else 's'} of the same tasks"
    further = f"{repeated} left out" if rows.repeated else ""
    subtitle = [line for line in (*lines, further) if line]
    return chart.properties(
        title=alt.TitleParams(title, subtitle=subtitle),
        description=". ".join([title, *subtitle]) + ".",
    )


def legend(names: Sequence[str], width: int = WIDTH) -> Any:
    """Return a legend that fits the chart: one row, or else columns."""
    widths = [len(name) * _LETTER + _SYMBOL for name in names]
    fits = sum(widths) <= width
    count = 0 if fits else max(1, int(width // max(widths)))
    return altair().Legend(title=None, columns=count, labelLimit=LABEL_LIMIT)


def count_label(count: int) -> str:
    """Return a number of tasks as text."""
    return f"{count:,} task{'' if count == 1 else 's'}"


def empty_chart(title: str, rows: ChartRows, why: str = "No tasks") -> Any:
    """Return a chart without data."""
    chart = base_chart(to_records({"words": [why]})).mark_text(fontSize=13)
    return titled(chart.encode(text="words:N").properties(width=WIDTH, height=60), title, rows)
