"""Charts of Altair that JupyterLab and Notebook draw by themselves, in the colours of their theme.

Imports Altair, hence is itself imported only when a picture is made, by :mod:`.chart`.
"""

from __future__ import annotations

import base64
import struct
import warnings
from collections.abc import Mapping
from typing import Any

import altair as alt

# What JupyterLab 4 and Notebook 7 know, and VS Code. Altair 6 writes version 6, of which their
# Vega-Lite 5 reads all that the pictures use; neither shows anything of version 6.
MIME_TYPE = "application/vnd.vegalite.v5+json"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
# SVG takes its colours from the page: texts stay readable when the theme is changed.
_INK = "currentColor"
_LIVE = {
    "background": "transparent",
    "usermeta": {"embedOptions": {"renderer": "svg"}},
    "config": {
        "axis": {"labelColor": _INK, "titleColor": _INK},
        "header": {"labelColor": _INK, "titleColor": _INK},
        "legend": {"labelColor": _INK, "titleColor": _INK},
        "text": {"color": _INK},
        "title": {"color": _INK, "subtitleColor": _INK},
    },
}
# Pixels of the PNG for one of the picture.
_SHARPNESS = 2


class Picture:
    """What makes a chart of Altair show itself without a network and without any setting.

    A renderer that was enabled with ``alt.renderers.enable`` is honoured. Charts joined by ``|``,
    ``&`` and ``+`` are pictures as well; those of ``alt.hconcat`` and its like are Altair's own.
    """

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> Any:
        chart: Any = self
        if alt.renderers.active != "default":
            return super()._repr_mimebundle_(*args, **kwargs)  # type: ignore[misc]
        spec = chart.to_dict()
        words = spec.get("description") or repr(type(self).__name__)
        data: dict[str, Any] = {
            MIME_TYPE: _beneath(_LIVE, spec) | {"$schema": SCHEMA},
            "text/plain": words,
        }
        metadata: dict[str, Any] = {}
        image = _png(spec)
        if image is not None:
            data["image/png"] = base64.b64encode(image).decode("ascii")
            width, height = struct.unpack(">II", image[16:24])
            size = {"width": width // _SHARPNESS, "height": height // _SHARPNESS}
            metadata["image/png"] = {**size, "alt": words}
        return data, metadata

    def __or__(self, other: Any) -> Any:
        return Row(hconcat=[self, other])

    def __and__(self, other: Any) -> Any:
        return Column(vconcat=[self, other])

    def __add__(self, other: Any) -> Any:
        return Layers(layer=[self, other])


class Single(Picture, alt.Chart):
    """One picture."""


class Layers(Picture, alt.LayerChart):
    """Pictures on top of each other."""


class Row(Picture, alt.HConcatChart):
    """Pictures side by side."""


class Column(Picture, alt.VConcatChart):
    """Pictures one below the other."""


def _beneath(defaults: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was chosen, and defaults where nothing was."""
    both = dict(chosen)
    for key, value in defaults.items():
        own = both.get(key)
        if isinstance(value, Mapping):
            both[key] = _beneath(value, own if isinstance(own, Mapping) else {})
        elif own is None:
            both[key] = value
    return both


def _png(spec: Mapping[str, Any]) -> bytes | None:
    try:
        import vl_convert
    except ImportError:
        # JupyterLab then makes one itself, when it shows the chart.
        return None
    opaque = _beneath({"background": "white"}, spec)
    try:
        # Nothing is fetched for a picture, whatever was added to it.
        return bytes(vl_convert.vegalite_to_png(opaque, scale=_SHARPNESS, allowed_base_urls=[]))
    except ValueError as error:
        warnings.warn(f"The notebook keeps no image of this chart: {error}", stacklevel=3)
        return None
