"""The built front end: the loader of each widget, the main bundle, and the chunks.

Each widget sends a loader of a few kB. The loader gets the main bundle from a model that all
widgets of the kernel share (`Assets`). Chunks are requested on demand.
"""

from __future__ import annotations

import base64
import functools
import gzip
import json
import os
import threading
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets
import traitlets

from inductiva_widgets.errors import InductivaError, InputError

_STATIC = Path(__file__).parent.parent / "static"
_FILES = ("loader.js", "widget.js", "widget.css", "list.js", "panels.js")
# With hot module replacement, anywidget watches the files.
_IS_WATCHED = bool(os.environ.get("ANYWIDGET_HMR"))


class BundleMissingError(InductivaError):
    """The front end is not built, which happens in a checkout only."""


def _read() -> dict[str, str]:
    """Read all files together, as files of two builds are incompatible."""
    try:
        return {name: (_STATIC / name).read_text("utf-8") for name in _FILES}
    except FileNotFoundError:
        raise BundleMissingError(
            "The front end of inductiva_widgets is not built. In a checkout, run `make build` "
            "(or `npm ci && npm run build` in js/), then restart the kernel."
        ) from None


_files = _read()


def esm() -> Any:
    """Return the ``_esm`` of a widget.

    It is a path only with hot module replacement, since anywidget watches the file of a path, which
    prevents that the widget is garbage-collected.
    """
    if _IS_WATCHED:
        return _STATIC / "widget.js"
    return traitlets.Unicode(_files["loader.js"]).tag(sync=True)


def css() -> Any:
    """Return the ``_css`` of a widget: empty, as the loader inserts the style sheet."""
    return _STATIC / "widget.css" if _IS_WATCHED else traitlets.Unicode("").tag(sync=True)


class Assets(ipywidgets.Widget):  # type: ignore[misc]
    """Model without a view that holds the compressed main bundle.

    Notes
    -----
    The front end creates this model before any widget that refers to it, also after a reload and in
    a saved notebook. So a widget is drawn without a request to a kernel that may be busy.
    """

    code = traitlets.Unicode().tag(sync=True)

    _shared: ClassVar[Assets | None] = None
    _lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def shared_id(cls) -> str:
        """Return the model id of the kernel's assets; create them if necessary."""
        with cls._lock:
            # `Widget.close_all` closes this model, too.
            if cls._shared is None or cls._shared.comm is None:
                cls._shared = cls(code=_bundle("widget"))
            return str(cls._shared.model_id)


def chunk_response(content: dict[str, Any]) -> dict[str, str]:
    """Return the bundle or chunk that the front end requests."""
    name = content.get("name")
    if name not in ("widget", "list", "panels"):
        raise InputError(
            f"Unknown module {str(name)[:50]!r}, expected one of: widget, list, panels."
        )
    return {"gzip": _bundle(name)}


def _bundle(name: str) -> str:
    return _compress(name, _read()) if _IS_WATCHED else _cached_bundle(name)


@functools.cache
def _cached_bundle(name: str) -> str:
    return _compress(name, _files)


def _compress(name: str, texts: dict[str, str]) -> str:
    code = texts[f"{name}.js"]
    if name == "widget":
        # The loader inserts the style sheet next to the view: in some hosts into a shadow root.
        code += f"\nexport const css={json.dumps(texts['widget.css'])};"
    return base64.b64encode(gzip.compress(code.encode(), mtime=0)).decode()
