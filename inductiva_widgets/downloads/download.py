"""Handle of a running download: progress, pause, cancel, result."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from inductiva_widgets._callbacks import CallContext, Registration, name_of
from inductiva_widgets._interrupts import DOWNLOAD_INTERRUPTED, explain_interrupt
from inductiva_widgets._warnings import warn_caller
from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.downloads._cancellation import CANCELLED
from inductiva_widgets.downloads._progress_tracker import ProgressTracker
from inductiva_widgets.downloads.progress import DownloadSummary, Progress
from inductiva_widgets.errors import DownloadCancelled

Result = TypeVar("Result")

_SLICE = 0.5


class Download(Generic[Result]):
    """A download in progress. Thread-safe.

    Iterate over it to get files as they are completed, or ``await`` it to get the result.
    Cancelling the ``await``, for example by a timeout, cancels the download, unless
    ``asyncio.shield`` is used.

    Parameters
    ----------
    work
        Function that downloads. It reports to the tracker, stops if the tracker's token is
        cancelled, and returns the path or paths.
    path
        Output path.

    Examples
    --------
    >>> download = task.start_download(["model.rpt"], "results")
    >>> for path in download:
    ...     print(path.name, "is complete")
    model.rpt is complete
    >>> download.result().name
    'results'
    >>> download.progress.phase, download.progress.files_done
    ('done', 1)
    """

    def __init__(self, work: Callable[[ProgressTracker], Result], path: str | Path = "") -> None:
        self._work = work
        self._tracker = ProgressTracker(str(path))
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._started = False
        self._result: Result | None = None
        self._error: Exception | None = None
        self._messages: list[str] = []

    def __repr__(self) -> str:
        state = self.progress
        total = "?" if state.bytes_total is None else state.bytes_total
        path = escape_control_chars(str(state.path))
        return f"<Download {state.phase}: {state.bytes_done} of {total} bytes to {path}>"

    @property
    def progress(self) -> Progress:
        """Current progress."""
        return self._tracker.progress

    @property
    def summary(self) -> DownloadSummary:
        """Renamed, missing and kept files, final once the download is done."""
        return self._tracker.summary

    @property
    def error(self) -> Exception | None:
        """Exception that ended the download, or None."""
        return self._error

    @property
    def done(self) -> bool:
        """Whether the download has ended, successfully or not."""
        return self._ended.is_set()

    @property
    def paused(self) -> bool:
        """Whether the download is paused."""
        return self._tracker.cancel_token.paused

    def __iter__(self) -> Iterator[Path]:
        """Yield files as they are completed, including those of earlier runs.

        Raises
        ------
        DownloadCancelled, DownloadError
            After the last complete file, if the download is incomplete.
        """
        yield from self._tracker.iter_finished_files()
        self.result()

    def __await__(self) -> Generator[Any, None, Result]:
        return self._wait_async().__await__()

    def start(self) -> Download[Result]:
        """Start the download on a background thread.

        Returns
        -------
        Download
            The download itself.
        """
        self._begin()
        # A daemon thread, so that the interpreter does not wait for it on exit.
        threading.Thread(target=self._run, name="inductiva-download", daemon=True).start()
        return self

    def run(self) -> Result:
        """Download on the calling thread and return the result; an interrupt cancels it.

        Returns
        -------
        Result
            The path, or a list of paths.

        Raises
        ------
        DownloadCancelled
            If the download is cancelled.
        DownloadError
            If the download is incomplete. Call again to resume it.
        """
        self._begin()
        self._run()
        return self._take_result()

    def subscribe(self, callback: Callable[[Progress], object]) -> Registration:
        """Call a function with the current progress and on every change.

        It is called about ten times a second and at the end, on the threads of the download, one
        call at a time. Its output goes to the cell that subscribed. If it raises an exception, it
        is unsubscribed with a logged warning, and the download continues.

        Parameters
        ----------
        callback
            Function of a ``Progress``.

        Returns
        -------
        Registration
            Handle whose ``cancel()`` unsubscribes the callback.
        """
        context = CallContext()
        cancel = self._tracker.subscribe(lambda progress: context.run(callback, progress))
        return Registration(f"{name_of(callback)} at progress of a download", cancel)

    def cancel(self) -> None:
        """Cancel the download without waiting for its end; complete files are kept."""
        self._tracker.cancel_token.cancel()

    def pause(self) -> None:
        """Pause the download without waiting; connections with range support are released."""
        self._tracker.pause()

    def resume(self) -> None:
        """Resume the download after a pause."""
        self._tracker.resume()

    @explain_interrupt(DOWNLOAD_INTERRUPTED)
    def result(self, timeout: float | None = None) -> Result:
        """Wait for the end of the download and return its result.

        Parameters
        ----------
        timeout
            Maximum seconds to wait; no limit by default.

        Returns
        -------
        Result
            The path, or a list of paths.

        Raises
        ------
        DownloadCancelled
            If the download was cancelled.
        DownloadError
            If the download is incomplete. Call again to resume it.
        TimeoutError
            If the download is still running after ``timeout``.
        KeyboardInterrupt
            If the wait is interrupted. The download is cancelled then.
        """
        try:
            self._wait(timeout)
        except KeyboardInterrupt:
            self.cancel()
            self._ended.wait(2)  # for its cleanup, unless a thread hangs
            raise
        return self._take_result()

    def _begin(self) -> None:
        with self._lock:
            if self._started:
                raise RuntimeError("The download was already started. Create a new one.")
            self._started = True

    def _run(self) -> None:
        try:
            self._result = self._work(self._tracker)
        except DownloadCancelled as exc:
            self._error = exc
            self._tracker.end("cancelled")
        except Exception as exc:
            # A cancellation may raise any exception, depending on the operation in progress.
            if self._tracker.cancel_token.cancelled:
                self._error = DownloadCancelled(CANCELLED)
                self._tracker.end("cancelled")
            else:
                self._error = exc
                self._tracker.end("failed")
        except BaseException:
            # An interrupt of `run` is raised unchanged.
            self._error = DownloadCancelled(CANCELLED)
            self._tracker.cancel_token.cancel()
            self._tracker.end("cancelled")
            raise
        else:
            # The name of a file may be known only after the first response.
            path = str(self._result) if isinstance(self._result, Path) else None
            self._tracker.end("done", path)
        finally:
            self._messages = list(self._tracker.summary.messages)
            self._ended.set()

    def _wait(self, timeout: float | None) -> None:
        if timeout is not None:
            if not self._ended.wait(timeout):
                raise TimeoutError(f"The download is still running after {timeout:g} s.")
            return
        # With a timeout: on Windows, a wait without one cannot be interrupted.
        while not self._ended.wait(_SLICE):
            pass

    async def _wait_async(self) -> Result:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def on_progress(progress: Progress) -> None:
            if progress.ended:
                loop.call_soon_threadsafe(ended.set)

        registration = self.subscribe(on_progress)
        try:
            await ended.wait()
        except asyncio.CancelledError:
            self.cancel()
            raise
        finally:
            registration.cancel()
        # The final progress is published slightly before the result is set.
        while not self.done:
            await asyncio.sleep(0.001)
        return self._take_result()

    def _take_result(self) -> Result:
        if self._error is not None:
            raise self._error
        if self._result is None:
            raise RuntimeError("The download ended without a result.")
        with self._lock:
            messages, self._messages = self._messages, []
        for message in messages:
            # Issued on the caller's thread, so that it can be caught or turned into an error.
            warn_caller(escape_control_chars(message))
        return self._result
