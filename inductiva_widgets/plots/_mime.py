"""Altair charts with mimebundles that follow the JupyterLab theme, and have a static PNG.

Imports Altair, so it is imported only when a chart is made.
"""

from __future__ import annotations

import base64
import struct
import warnings
import zlib
from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from inductiva_widgets.plots import _palette

_SHARPNESS = 2
_HEADER = 8

# The MIME type that JupyterLab 4, Notebook 7 and VS Code render. Altair 6 writes version 6, which
# none of them renders; their Vega-Lite 5 reads everything that the charts use.
# https://github.com/jupyterlab/jupyterlab/tree/main/packages/vega5-extension
MIME_TYPE = "application/vnd.vegalite.v5+json"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
# Axis lines are visible on light and dark; texts have the colour of more contrast.
_LINE = _palette.LINE
_CONTRAST = {
    "expr": "contrast('white', background) > contrast('black', background) ? 'white' : 'black'"
}
LOOK: dict[str, Any] = {
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
    "style": {
        "segment": {"strokeWidth": 1},
        "unfinished": {"opacity": 1 - _palette.UNFINISHED_OPACITY},
    },
}
"""Defaults; the settings of a chart override them."""
# SVG inherits the colours of the page: texts stay readable when the theme changes.
_INK = "currentColor"
_PAGE = "var(--jp-layout-color0, var(--vscode-editor-background, Canvas))"
_EMBED_OPTIONS = {
    "renderer": "svg",
    # A PNG from the page would have black texts on no background: Chart.save writes one.
    "actions": {"export": {"svg": True, "png": False}},
}


def png_of(spec: Mapping[str, Any]) -> tuple[bytes, dict[str, int]] | None:
    """Return a chart as PNG with its display size, or None if it cannot be made.

    Parameters
    ----------
    spec
        The chart; URLs in it are not fetched.
    """
    try:
        import vl_convert
    except ImportError:
        # JupyterLab makes a PNG itself when it shows the chart.
        return None
    try:
        image = vl_convert.vegalite_to_png(dict(spec), scale=_SHARPNESS, allowed_base_urls=[])
    except ValueError as error:
        warnings.warn(f"The notebook keeps no image of this chart: {error}", stacklevel=4)
        return None
    width, height = struct.unpack(">II", image[16:24])
    size = {"width": width // _SHARPNESS, "height": height // _SHARPNESS}
    return _deflated(image), size


def _deflated(image: bytes) -> bytes:
    """Compress a PNG to about a quarter, since vl-convert compresses little."""
    chunks, packed, at = [], b"", _HEADER
    while at < len(image):
        length, name = struct.unpack(">I4s", image[at : at + 8])
        if name == b"IDAT":
            packed += image[at + 8 : at + 8 + length]
        else:
            chunks.append(image[at : at + 12 + length])
        at += 12 + length
    data = b"IDAT" + zlib.compress(zlib.decompress(packed), 6)
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    return b"".join([image[:_HEADER], *chunks[:-1], chunk, chunks[-1]])


class OfflineChartMixin:
    """Display of an Altair chart without a network or further settings.

    A renderer that was enabled with ``alt.renderers.enable`` takes precedence. Charts joined by
    ``|``, ``&`` and ``+`` have the same display; those of ``alt.hconcat`` and the like are plain
    Altair charts, with common colours.
    """

    def to_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the specification, with the package's defaults.

        Parameters
        ----------
        *args, **kwargs
            As for ``altair.Chart.to_dict``.

        Returns
        -------
        dict
            JSON values, as Vega-Lite describes them.
        """
        spec: dict[str, Any] = super().to_dict(*args, **kwargs)  # type: ignore[misc]
        # Altair does not join charts with a config: it is added to the outermost chart only.
        is_whole = (kwargs.get("context") or {}).get("top_level", True)
        return _merge_defaults(_IN_FILE, spec) if is_whole else spec

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> Any:
        if alt.renderers.active != "default":
            return super()._repr_mimebundle_(*args, **kwargs)  # type: ignore[misc]
        own: dict[str, Any] = super().to_dict()  # type: ignore[misc]
        in_file = _merge_defaults(_IN_FILE, own)
        # On a background of its own, a chart does not take the colours of the page.
        live = in_file if _has_background(own) else _merge_defaults(_ON_PAGE, own)
        words = _words(own) or "Chart"
        data: dict[str, Any] = {
            MIME_TYPE: live | {"$schema": SCHEMA, "description": words},
            "text/plain": words,
        }
        metadata: dict[str, Any] = {}
        still = png_of(in_file)
        if still is not None:
            image, size = still
            data["image/png"] = base64.b64encode(image).decode("ascii")
            metadata["image/png"] = {**size, "alt": words}
        return data, metadata

    def __or__(self: Any, other: Any) -> Any:
        return HConcatChart(hconcat=[self, other], resolve=_own_colours())

    def __and__(self: Any, other: Any) -> Any:
        return VConcatChart(vconcat=[self, other], resolve=_own_colours())

    def __add__(self: Any, other: Any) -> Any:
        return LayeredChart(layer=[self, other])


class Chart(OfflineChartMixin, alt.Chart):
    """Altair chart for data of your own, such as results of simulations.

    Has the arguments and methods of ``altair.Chart``, and the display of the charts of tasks:
    without a network, in the colours of the page, with a PNG for viewers without Vega.

    Parameters
    ----------
    data
        As for ``altair.Chart``. Durations of a pandas DataFrame, which Altair does not support,
        are drawn in seconds.
    *args, **kwargs
        As for ``altair.Chart``.

    Examples
    --------
    >>> chart = inductiva.plots.Chart(df, title="Waiting")
    >>> chart = chart.mark_point().encode(x="submitted", y="queue_time", color="simulator")
    """

    def __init__(self, data: Any = alt.Undefined, *args: Any, **kwargs: Any) -> None:
        super().__init__(_in_seconds(data), *args, **kwargs)


class LayeredChart(OfflineChartMixin, alt.LayerChart):
    """Charts on top of each other."""


class HConcatChart(OfflineChartMixin, alt.HConcatChart):
    """Charts side by side."""


class VConcatChart(OfflineChartMixin, alt.VConcatChart):
    """Charts one below the other."""


def _in_seconds(data: Any) -> Any:
    """Convert the durations of a frame to seconds; return further kinds of data unchanged."""
    if not isinstance(data, pd.DataFrame):
        return data
    durations = data.select_dtypes("timedelta")
    changed = data.copy(deep=False)
    for name in durations:
        changed[name] = durations[name].dt.total_seconds()
    return changed


def _own_colours() -> Any:
    """Return a setting by which charts side by side do not share a colour scale."""
    return alt.Resolve(scale=alt.ScaleResolveMap(color="independent", stroke="independent"))


def _words(spec: Mapping[str, Any]) -> str:
    """Return the description or title of a chart, or those of its parts."""
    if own := spec.get("description") or _title(spec.get("title")):
        return str(own)
    parts = [part for key in ("hconcat", "vconcat", "layer") for part in spec.get(key, ())]
    return " ".join(filter(None, map(_words, parts)))


def _title(title: Any) -> Any:
    text = title.get("text") if isinstance(title, Mapping) else title
    return " ".join(text) if isinstance(text, list) else text


def _has_background(spec: Mapping[str, Any]) -> bool:
    return "background" in spec or "background" in spec.get("config", {})


def _merge_defaults(defaults: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the chosen settings, with defaults for the rest."""
    both = dict(chosen)
    for key, value in defaults.items():
        own = both.get(key)
        if own is None:
            both[key] = value
        elif isinstance(value, Mapping) and isinstance(own, Mapping):
            both[key] = _merge_defaults(value, own)
    return both


def _look(ink: Any, surface: Any) -> dict[str, Any]:
    """Return the defaults of a chart with the colours of texts and of the background."""
    labels = {"labelColor": ink, "titleColor": ink}
    colours = {
        "axis": labels,
        "header": labels,
        "legend": labels,
        "text": {"color": ink},
        "title": {"color": ink, "subtitleColor": ink},
        "style": {
            # A gap between stacked areas.
            "segment": {"stroke": surface},
            # Drawn over an unfinished bin, which it makes faint.
            "unfinished": {"color": surface},
        },
    }
    return {"config": _merge_defaults(colours, LOOK)}


_IN_FILE = _look(_CONTRAST, {"expr": "background"})
_ON_PAGE = {
    **_look(_INK, _PAGE),
    "background": "transparent",
    "usermeta": {"embedOptions": _EMBED_OPTIONS},
}
