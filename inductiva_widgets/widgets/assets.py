"""The built front end: sent with every widget, shared by all widgets, or loaded on demand.

A widget sends a loader of a few kB. The loader gets the code that all widgets share from a model of
its own, of which each kernel has one (`Assets`).
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
# While the front end is worked on, anywidget watches the files.
_IS_WATCHED = bool(os.environ.get("ANYWIDGET_HMR"))


class BundleMissingError(InductivaError):
    """The front end was not built: only in a checkout, never in an installed wheel."""


def _read() -> dict[str, str]:
    """Return all files at once: those of two builds do not fit together."""
    try:
        return {name: (_STATIC / name).read_text("utf-8") for name in _FILES}
    except FileNotFoundError:
        raise BundleMissingError(
            "The front end of inductiva_widgets is not built. In a checkout, run `make build` "
            "(or `npm ci && npm run build` in js/), then restart the kernel."
        ) from None


_texts = _read()


def code() -> Any:
    """Return what a widget sends as its code, as anywidget takes it.

    As a path a file is watched, which keeps every widget alive for ever; hence as text otherwise.
    """
    if _IS_WATCHED:
        return _STATIC / "widget.js"
    return traitlets.Unicode(_texts["loader.js"]).tag(sync=True)


def style() -> Any:
    """Return what a widget sends as its style: nothing, unless the files are watched."""
    return _STATIC / "widget.css" if _IS_WATCHED else traitlets.Unicode("").tag(sync=True)


class Assets(ipywidgets.Widget):  # type: ignore[misc]
    """Model without a view that holds the code of all widgets, packed.

    Notes
    -----
    The front end has its state before it creates any widget that refers to it, also after a reload
    and in a saved notebook. So a widget is drawn without a request to a kernel that may be busy.
    """

    code = traitlets.Unicode().tag(sync=True)

    _shared: ClassVar[Assets | None] = None
    _lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def shared_id(cls) -> str:
        """Return the model id of the kernel's assets, which are created if it has none."""
        with cls._lock:
            # All widgets may have been closed, this one too.
            if cls._shared is None or cls._shared.comm is None:
                cls._shared = cls(code=_packed("widget"))
            return str(cls._shared.model_id)


def answer(content: dict[str, Any]) -> dict[str, str]:
    """Return the code that the page asks for."""
    name = content.get("name")
    if name not in ("widget", "list", "panels"):
        raise InputError("There is no such module.")
    return {"gzip": _packed(name)}


def _packed(name: str) -> str:
    return _pack(name, _read()) if _IS_WATCHED else _packed_once(name)


@functools.cache
def _packed_once(name: str) -> str:
    return _pack(name, _texts)


def _pack(name: str, texts: dict[str, str]) -> str:
    code = texts[f"{name}.js"]
    if name == "widget":
        # The loader puts the style where the view is: into a shadow root in some hosts.
        code += f"\nexport const css={json.dumps(texts['widget.css'])};"
    return base64.b64encode(gzip.compress(code.encode(), mtime=0)).decode()
