"""What its owner asks of a download under way: go on, pause, stop."""

from __future__ import annotations

import threading
from collections.abc import Callable


class CancelToken:
    """Carries requests from any thread to the threads that do the work.

    Work looks at ``cancelled`` and ``paused`` between two pieces, and waits in
    ``wait_while_paused``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._going = threading.Event()
        self._going.set()
        self._on_cancel: list[Callable[[], object]] = []

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._cancelled.is_set()

    @property
    def paused(self) -> bool:
        """Whether somebody asked to pause."""
        return not self._going.is_set()

    def cancel(self) -> None:
        """Ask to stop, also what is paused; run what ``on_cancel`` was given."""
        with self._lock:
            self._cancelled.set()
            callbacks, self._on_cancel = self._on_cancel, []
        self._going.set()
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], object]) -> None:
        """Have a function called by ``cancel``, at once if that was called already."""
        with self._lock:
            if not self._cancelled.is_set():
                self._on_cancel.append(callback)
                return
        callback()

    def pause(self) -> None:
        """Ask to pause."""
        with self._lock:
            if not self._cancelled.is_set():
                self._going.clear()

    def resume(self) -> None:
        """Ask to go on."""
        self._going.set()

    def wait_if_paused(self) -> None:
        """Return when there is no pause (any more), or after a cancel."""
        self._going.wait()

    def sleep(self, seconds: float) -> None:
        """Wait; a cancel ends the wait."""
        self._cancelled.wait(seconds)
