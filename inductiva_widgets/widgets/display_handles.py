"""Outputs in which a widget is displayed, so that their content can be updated.

A saved notebook stores a reference to a live view, which is useless once the kernel is gone. The
HTML and text stored with it stay readable wherever the file is opened.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import sys
import threading
import uuid
from collections.abc import Callable
from typing import Any

from inductiva_widgets.polling import WeakList
from inductiva_widgets.widgets.notebook_cells import cell_listener

Mimes = dict[str, Any]


class DisplayHandles:
    """Display ids of one widget. Methods may be called on any thread."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._shown: Mimes | None = None
        self._lock = threading.Lock()
        self._order = itertools.count(1)
        self._newest = 0

    def show(self, bundle: Mimes) -> None:
        """Display the mimebundle in a new output."""
        display_id = uuid.uuid4().hex
        with self._lock:
            self._ids.append(display_id)
            self._shown = None
        _publish(bundle, display_id)

    def update(self, mimebundle: Callable[[], Mimes]) -> None:
        """Replace the content of all outputs, unless they have it already.

        Parameters
        ----------
        mimebundle
            Returns the new content. Called without a lock, since it may take one of its own.
        """
        number = next(self._order)
        data = mimebundle()
        with self._lock:
            # Of two calls at the same time, the later one has read the newer state.
            if number < self._newest or data == self._shown or not self._ids:
                return
            self._newest, self._shown = number, data
            for display_id in self._ids:
                _publish(data, display_id, update=True)


def _publish(data: Mimes, display_id: str, *, update: bool = False) -> None:
    from IPython.display import publish_display_data

    listener = cell_listener()
    parent: contextlib.AbstractContextManager[None] = (
        contextlib.nullcontext()
        if listener is None
        else listener.parent_of_last_cell(replace=update)
    )
    with parent:
        publish_display_data(data, transient={"display_id": display_id}, update=update)  # type: ignore[no-untyped-call]


# Threads display widgets while a cell ends.
_live: WeakList[Any] = WeakList()


def keep_updated(widget: Any) -> None:
    """Update the displays of a widget after each cell, and replace them at kernel shutdown."""
    _live.add(widget)
    listener = cell_listener()
    if listener is not None and _update_all not in listener.on_end:
        listener.on_end.append(_update_all)


def _update_all() -> None:
    """Show in all displays the updates that a cell has received, such as the end of a `wait()`.

    The poller would deliver them a moment later. Under `nbconvert --execute` the kernel may have
    been shut down by then.
    """
    for widget in _live:
        widget.show_pending()


@atexit.register
def _replace_all() -> None:
    if not _live:
        return
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is not None:
        # Messages of 64 KiB are sent without a copy, which zmq cannot do during the shutdown: it
        # would send an incomplete message, and the front end would misread the next one.
        kernel.session.copy_threshold = sys.maxsize
    for widget in _live:
        # The kernel is shutting down: an error can be shown nowhere, and the other widgets follow.
        with contextlib.suppress(Exception):
            widget.show_static()
