"""Where a widget is shown, so that its static twin can take its place.

A saved notebook keeps a reference to a live view, which means nothing once the kernel is gone; the
twin is plain HTML and text, and stays readable wherever the file is opened.
"""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
import uuid
import weakref
from typing import Any

Mimes = dict[str, Any]


class Displays:
    """The places where one widget is shown; every method may run on any thread."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._shown: Mimes | None = None
        self._lock = threading.Lock()

    def show(self, bundle: Mimes) -> None:
        """Show a bundle at one more place."""
        display_id = uuid.uuid4().hex
        with self._lock:
            self._ids.append(display_id)
            self._shown = None
        _publish(bundle, display_id)

    def replace(self, twin: Mimes) -> None:
        """Put a twin into all places, unless just this one is there already."""
        with self._lock:
            if twin == self._shown:
                return
            self._shown = twin
            for display_id in self._ids:
                _publish(twin, display_id, update=True)


def _publish(data: Mimes, display_id: str, *, update: bool = False) -> None:
    from IPython.display import publish_display_data

    publish_display_data(data, transient={"display_id": display_id}, update=update)  # type: ignore[no-untyped-call]


_live: weakref.WeakSet[Any] = weakref.WeakSet()


def replace_at_exit(widget: Any) -> None:
    """Have the displays of a widget replaced when the kernel is shut down."""
    _live.add(widget)


@atexit.register
def _replace_all() -> None:
    if not _live:
        return
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is not None:
        # Messages of 64 KiB are sent without a copy, which zmq cannot do any more at this time: it
        # breaks off in the middle, and the page takes the next message for the rest.
        kernel.session.copy_threshold = sys.maxsize
    for widget in list(_live):
        # One that fails must not keep the others from being readable; nobody is left to tell.
        with contextlib.suppress(Exception):
            widget.show_twin()
