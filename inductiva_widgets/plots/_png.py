"""Static PNG of a chart, for viewers without Vega: GitHub, nbconvert."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Mapping
from typing import Any

_SHARPNESS = 2
_HEADER = 8


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
