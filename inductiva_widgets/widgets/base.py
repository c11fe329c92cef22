"""What all our widgets share: the bundle, requests and replies, errors that reach the page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from inductiva_widgets.errors import InductivaError, InputError
from inductiva_widgets.live import spawn
from inductiva_widgets.widgets import state
from inductiva_widgets.widgets.routing import Requests

_log = logging.getLogger(__name__)

_STATIC = Path(__file__).parent.parent / "static"
_BUNDLE = (_STATIC / "widget.js", _STATIC / "widget.css")
# Code that the page asks for when it is first needed, by name.
_MODULES = {name: _STATIC / f"{name}.js" for name in ("list", "panels")}


class BundleMissingError(InductivaError):
    """The front end was not built: only in a checkout, never in an installed wheel."""


def _check_bundle() -> None:
    if not all(path.is_file() for path in (*_BUNDLE, *_MODULES.values())):
        raise BundleMissingError(
            "The front end of inductiva_widgets is not built. In a checkout, run `make build` "
            "(or `npm ci && npm run build` in js/), then restart the kernel."
        )


_check_bundle()

Handler = Callable[[dict[str, Any]], Any]
Bundle = tuple[dict[str, Any], dict[str, Any]]


class BaseWidget(anywidget.AnyWidget):
    """Base of the widgets: strict keywords, one reply for every request.

    A subclass names its handlers in ``_handlers``; each runs on a thread of its own, so that the
    kernel is never blocked by a button, and what it returns or raises goes back to the page.
    """

    _esm = _BUNDLE[0]
    _css = _BUNDLE[1]

    kind = traitlets.Unicode().tag(sync=True)

    def __init__(self, **kwargs: Any) -> None:
        unknown = sorted(set(kwargs) - set(self.trait_names()))
        if unknown:
            raise InputError(f"{type(self).__name__} has no argument {', '.join(unknown)}.")
        self._handlers: dict[str, Handler] = {"module": _answer_module}
        super().__init__(**kwargs)
        requests = Requests(getattr(self, "comm", None), self._answer)
        self.on_msg(lambda _, content, __: requests.receive(content))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def _answer(self, content: dict[str, Any]) -> None:
        """Answer a request of the page; malformed ones are answered too, with an error."""
        request_id, kind = content["id"], content.get("kind")
        handler = self._handlers.get(kind) if isinstance(kind, str) else None

        def work() -> None:
            if handler is None:
                raise InputError(f"This version knows no request {str(kind)[:50]!r}.")
            result = handler(content)
            self.send({"id": request_id, "ok": True, "result": result})

        def fail(error: Exception) -> None:
            if not isinstance(error, InductivaError):
                _log.error("A request of the page failed", exc_info=error)
            view = state.error_view(_TITLES.get(str(kind), "That did not work"), error)
            self.send({"id": request_id, "ok": False, "error": view})

        spawn(work, fail, f"request-{str(kind)[:20]}")

    def _bundle(self, plain: str, html: str) -> Bundle:
        """Return the live view with its twins for places without a kernel."""
        data = {
            "text/plain": plain,
            "text/html": html,
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 1,
                "model_id": self.model_id,
            },
        }
        return data, {}


def _answer_module(content: dict[str, Any]) -> dict[str, str]:
    path = _MODULES.get(str(content.get("name")))
    if path is None:
        raise InputError("There is no such module.")
    return {"code": path.read_text("utf-8")}


_TITLES = {
    "module": "A part of the page could not be loaded",
    "log": "The log could not be read",
    "preview": "The file could not be previewed",
    "query": "The list could not be searched",
    "facet": "The values of the column could not be listed",
    "select": "The tasks could not be selected",
    "kill_selected": "The tasks could not be killed",
    "download_selected": "The download could not be started",
    "follow": "New tasks could not be looked for",
    "kill": "The task could not be killed",
    "outputs": "The output files could not be listed",
    "download": "The download could not be started",
    "resume_download": "The download could not be resumed",
    "open": "The task could not be opened",
    "rows": "The rows could not be loaded",
}
