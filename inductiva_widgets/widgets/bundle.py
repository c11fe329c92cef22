"""The front end as it was built: what every widget sends, and what the page asks for later."""

from __future__ import annotations

import base64
import gzip
import os
from pathlib import Path
from typing import Any

import traitlets

from inductiva_widgets.errors import InductivaError, InputError

_STATIC = Path(__file__).parent.parent / "static"
_FILES = ("widget.js", "widget.css", "list.js", "panels.js")
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


def widget(name: str) -> Any:
    """Return a file that every widget sends, as anywidget takes it.

    As a path it is watched, which keeps every widget alive for ever; hence as text otherwise.
    """
    return _STATIC / name if _IS_WATCHED else traitlets.Unicode(_texts[name]).tag(sync=True)


def answer(content: dict[str, Any]) -> dict[str, str]:
    """Answer a request of the page for code that it needs now."""
    name = f"{content.get('name')}.js"
    if name not in ("list.js", "panels.js"):
        raise InputError("There is no such module.")
    code = (_read() if _IS_WATCHED else _texts)[name]
    return {"gzip": base64.b64encode(gzip.compress(code.encode())).decode()}
