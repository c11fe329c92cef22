"""Cancellation token that pauses or cancels a download."""

from __future__ import annotations

import threading
from collections.abc import Callable

from inductiva_widgets.errors import DownloadCancelled

CANCELLED = "The download was cancelled. Call again to resume it."


class CancelToken:
    """Cancels or pauses the threads of a download. Thread-safe.

    The threads check ``cancelled`` and ``paused`` between two chunks, and call ``wait_if_paused``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._running = threading.Event()
        self._running.set()
        self._on_cancel: list[Callable[[], object]] = []

    @property
    def cancelled(self) -> bool:
        """Whether the download is cancelled."""
        return self._cancelled.is_set()

    @property
    def paused(self) -> bool:
        """Whether the download is paused."""
        return not self._running.is_set()

    def cancel(self) -> None:
        """Cancel, also if paused, and call the ``on_cancel`` callbacks."""
        with self._lock:
            self._cancelled.set()
            callbacks, self._on_cancel = self._on_cancel, []
        self._running.set()
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], object]) -> None:
        """Call a function on ``cancel``, or immediately if already cancelled.

        Parameters
        ----------
        callback
            The function.
        """
        with self._lock:
            if not self._cancelled.is_set():
                self._on_cancel.append(callback)
                return
        callback()

    def pause(self) -> None:
        """Pause."""
        with self._lock:
            if not self._cancelled.is_set():
                self._running.clear()

    def resume(self) -> None:
        """Resume."""
        self._running.set()

    def raise_if_cancelled(self) -> None:
        """Raise ``DownloadCancelled`` if the download is cancelled."""
        if self.cancelled:
            raise DownloadCancelled(CANCELLED)

    def wait_if_paused(self) -> None:
        """Wait until resumed or cancelled."""
        self._running.wait()

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds, or until cancelled.

        Parameters
        ----------
        seconds
            Maximum duration.
        """
        self._cancelled.wait(seconds)
