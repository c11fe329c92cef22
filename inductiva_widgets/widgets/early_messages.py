"""Handling of requests of the front end while a cell runs.

How a request is handled while a cell runs depends on the kernel and the front end:

- ipykernel 7.4 and a front end with subshells (JupyterLab 4.4, Notebook 7.4): the front end sends
  the request on a subshell, but the kernel moves it to the shell that last published on the comm.
  For a widget created by a cell this is the busy shell, so the choice of the front end is kept.
- ipykernel 7.4 and a front end without subshells: the request waits for the busy shell. Before, the
  kernel calls the comm with the message to select a shell, on a thread that is never busy, so the
  request is handled there.
- ipykernel 7.0 to 7.3: the request is handled on a subshell, or waits if there is none.
- ipykernel 6: the request waits, except during waits of this package (``_kernel.py``).

The requests of a page that is reloaded while a cell runs are handled in ``widgets/reconnect.py``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from inductiva_widgets.widgets.reconnect import answer_while_busy

# Maximum number of intercepted requests whose second arrival is still expected.
_MAX_PENDING = 500

RequestHandler = Callable[[dict[str, Any]], None]


class RequestDeduplicator:
    """Pass each request of the front end to a handler once, as early as possible.

    Parameters
    ----------
    comm
        Comm of the widget, or None outside a kernel.
    on_request
        Called with each request, on any thread. It must not block.
    """

    def __init__(self, comm: Any, on_request: RequestHandler) -> None:
        self._on_request = on_request
        self._lock = threading.Lock()
        # Ids of intercepted requests in order of arrival.
        self._early: dict[str, None] = {}
        # Private to ipykernel. Without this attribute, requests wait for the end of the cell.
        if hasattr(comm, "_reply_subshell_for"):
            comm._reply_subshell_for = self._intercept
        answer_while_busy()

    def receive(self, content: Any) -> None:
        """Handle a request, unless it has been intercepted. Other messages are ignored."""
        if not isinstance(content, dict) or not isinstance(content.get("id"), str):
            return
        with self._lock:
            was_early = content["id"] in self._early
            self._early.pop(content["id"], None)
        if not was_early:
            self._on_request(content)

    def _intercept(self, data: Any, default: str | None) -> str | None:
        """Handle a request early. Called by ipykernel to select the subshell of a message."""
        if default is None and isinstance(data, dict) and data.get("method") == "custom":
            content = data.get("content")
            if isinstance(content, dict) and isinstance(content.get("id"), str):
                with self._lock:
                    self._early[content["id"]] = None
                    if len(self._early) > _MAX_PENDING:
                        del self._early[next(iter(self._early))]
                self._on_request(content)
        return default
