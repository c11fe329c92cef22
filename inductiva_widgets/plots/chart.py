"""What all pictures share: Altair when it is needed, the look, and the words around a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inductiva_widgets.errors import InputError

WIDTH = 640
LABEL_LIMIT = 160
# Of a letter of a legend, on average.
_LETTER = 6.4
_SYMBOL = 36
# The frame stays in sight on light and on dark; the texts are coloured where they are shown.
_LINE = "#808890"
_CONFIG: dict[str, Any] = {
    "font": "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif",
    "axis": {
        "domainColor": _LINE,
        "tickColor": _LINE,
        "gridColor": _LINE,
        "gridOpacity": 0.22,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelPadding": 5,
    },
    "legend": {
        "labelFontSize": 11,
        "title": None,
        "orient": "top",
        "direction": "horizontal",
        "columnPadding": 14,
        "labelLimit": LABEL_LIMIT,
        "symbolOpacity": 1,
        "symbolType": "square",
        "symbolSize": 90,
        "symbolStrokeWidth": 0,
        "offset": 10,
    },
    "title": {
        "anchor": "start",
        "frame": "group",
        "fontSize": 15,
        "fontWeight": 600,
        "subtitleFontSize": 12,
        "subtitlePadding": 5,
        "offset": 12,
    },
    "view": {"stroke": None},
    "text": {"fontSize": 11},
}


def altair() -> Any:
    """Return the module of Altair.

    Raises
    ------
    InputError
        It is not installed.
    """
    return _native().alt


def _native() -> Any:
    try:
        from inductiva_widgets.plots import native
    except ModuleNotFoundError as error:
        if error.name != "altair":
            raise
        raise InputError(
            'Pictures need Altair, which is not installed: pip install "inductiva-widgets[plots]"'
        ) from error
    return native


def data_of(columns: Mapping[str, Sequence[Any]]) -> Any:
    """Return the rows of a picture: plain values under field names of our own.

    Texts of tasks are only ever values here, since Vega reads a field's name as an expression.
    """
    rows = zip(*columns.values(), strict=True)
    return altair().Data(values=[dict(zip(columns, row, strict=True)) for row in rows])


def layers(*charts: Any) -> Any:
    """Return charts on top of each other."""
    return _native().Layers(layer=list(charts))


def row(*charts: Any, spacing: int = 24) -> Any:
    """Return charts side by side."""
    return _native().Row(hconcat=list(charts), spacing=spacing)


def single(data: Any) -> Any:
    """Return a chart without marks."""
    return _native().Single(data)


def finished(chart: Any, title: str, *lines: str) -> Any:
    """Return a picture with its title, its subtitle, its alternative text and its look."""
    alt = altair()
    said = [line for line in lines if line]
    return chart.properties(
        title=alt.TitleParams(title, subtitle=said),
        description=". ".join([title, *said]) + ".",
        config=alt.Config.from_dict(_CONFIG),
    )


def legend(names: Sequence[str], width: int = WIDTH) -> Any:
    """Return a legend that is not wider than its picture: one line, else columns."""
    widths = [min(LABEL_LIMIT, len(name) * _LETTER) + _SYMBOL for name in names]
    fits = sum(widths) <= width
    count = 0 if fits else max(1, int(width // max(widths)))
    return altair().Legend(title=None, columns=count)


def tasks(count: int) -> str:
    """Return a number of tasks in words."""
    return f"{count:,} task{'' if count == 1 else 's'}"


def no_tasks(title: str, why: str = "No tasks") -> Any:
    """Return the picture of nothing."""
    chart = single(data_of({"words": [why]})).mark_text(fontSize=13)
    return finished(chart.encode(text="words:N").properties(width=WIDTH, height=60), title)
