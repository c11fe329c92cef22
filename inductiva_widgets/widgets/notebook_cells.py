"""Running cells of this kernel, and the parent message of displays from threads.

Callbacks for events of IPython are registered when the first widget is created, not on import.

JupyterLab shows a display below the cell of its parent message. For a display from a thread,
ipykernel uses the last request of any kind as the parent. This is often a message of a widget,
which has no cell, so the display is lost. Displays from threads are published for the last cell
instead.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any


class CellListener:
    """Listener to the cells of one IPython shell.

    Parameters
    ----------
    shell
        The shell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self.kernel: Any = shell.kernel
        self.is_running = False
        """Whether the main thread runs a cell."""
        self.on_end: list[Callable[[], None]] = []
        """Called on the main thread at the end of each cell, while ``is_running`` is True."""
        self._parent: Any = None
        if threading.current_thread() is threading.main_thread():
            # The current cell began before the callback is registered.
            self._begin()
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    @contextlib.contextmanager
    def parent_of_last_cell(self, *, replace: bool = False) -> Iterator[None]:
        """Publish displays from this thread as outputs of the last cell.

        Parameters
        ----------
        replace
            If True, also in a thread that has a parent request. A thread inherits the request of
            the cell that started it, and `nbconvert --execute` ignores updates of displays that
            come from any other cell than the running one.
        """
        # Private, as ipykernel 7 has no public way: https://github.com/ipython/ipykernel/issues/1289
        # In ipykernel 6 there is one parent for all threads.
        parent: Any = getattr(self._shell.display_pub, "_parent_header", None)
        is_context = isinstance(parent, contextvars.ContextVar)
        if self._parent is None or not is_context or (parent.get(None) is not None and not replace):
            yield
            return
        token = parent.set(self._parent)
        try:
            yield
        finally:
            parent.reset(token)

    def _begin(self, _: Any = None) -> None:
        self.is_running = True
        parent = self.kernel.get_parent()
        if parent and parent["header"]["msg_type"] == "execute_request":
            self._parent = parent["header"]

    def _end(self, _: Any = None) -> None:
        try:
            for callback in self.on_end:
                callback()
        finally:
            self.is_running = False


_lock = threading.Lock()
_cells_of = functools.lru_cache(maxsize=1)(CellListener)


def cell_listener() -> CellListener | None:
    """Return the listener of this kernel, created at the first call, or None outside a kernel."""
    from IPython import get_ipython

    shell: Any = get_ipython()
    if getattr(shell, "kernel", None) is None:
        return None
    with _lock:
        return _cells_of(shell)
