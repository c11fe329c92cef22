"""Buttons that work while a cell runs: the page's requests are taken before the cell ends.

Where a cell keeps the kernel busy, what a request meets depends on the kernel and the front end:

- ipykernel 7.4 and a front end with subshells (JupyterLab 4.4, Notebook 7.4): the front end has
  sent it on a subshell, but the kernel would give it to the shell that last published on the comm,
  which is the busy one for a widget that a cell has made. The front end's choice is kept.
- ipykernel 7.4 and a front end without subshells: it waits for the busy shell. But the kernel asks
  the comm first where to send it, on a thread that is never busy, and shows it the message.
- ipykernel 7.0 to 7.3: a subshell takes it; without subshells it waits.
- ipykernel 6: it waits; our own waits let it through (``inductiva_widgets/_kernel.py``).

A page that is reloaded meanwhile asks more than that; see ``widgets/reconnect.py``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from inductiva_widgets.widgets.reconnect import answer_while_busy

# Requests that were taken early arrive a second time; so many may be on their way at once.
_REMEMBERED = 500

Take = Callable[[dict[str, Any]], None]


class RequestDeduplicator:
    """Take each request of the page once, as early as possible.

    Parameters
    ----------
    comm
        The widget's comm, or None where there is no kernel.
    take
        Called with a request, on any thread; returns soon.
    """

    def __init__(self, comm: Any, take: Take) -> None:
        self._take = take
        self._lock = threading.Lock()
        # Ids in the order of their coming.
        self._early: dict[str, None] = {}
        # Private, hence the check: without it messages wait for the cell, as they always did.
        if hasattr(comm, "_reply_subshell_for"):
            comm._reply_subshell_for = self._intercept
        answer_while_busy()

    def receive(self, content: Any) -> None:
        """Take a message of the page, unless it was taken early; what is no request is dropped."""
        if not isinstance(content, dict) or not isinstance(content.get("id"), str):
            return
        with self._lock:
            was_early = content["id"] in self._early
            self._early.pop(content["id"], None)
        if not was_early:
            self._take(content)

    def _intercept(self, data: Any, default: str | None) -> str | None:
        """Return the subshell for a message; called on the thread that reads the messages."""
        if default is None and isinstance(data, dict) and data.get("method") == "custom":
            content = data.get("content")
            if isinstance(content, dict) and isinstance(content.get("id"), str):
                with self._lock:
                    self._early[content["id"]] = None
                    if len(self._early) > _REMEMBERED:
                        del self._early[next(iter(self._early))]
                self._take(content)
        return default
