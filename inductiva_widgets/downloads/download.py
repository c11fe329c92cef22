"""Handle of a running download: progress, pause, cancel, result."""

from __future__ import annotations

import asyncio
import inspect
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from inductiva_widgets._callbacks import CallContext, Registration, name_of
from inductiva_widgets._interrupts import DOWNLOAD_INTERRUPTED, explain_interrupt
from inductiva_widgets.downloads._progress_tracker import ProgressTracker
from inductiva_widgets.downloads.progress import DownloadSummary, Progress
from inductiva_widgets.errors import DownloadCancelled

Result = TypeVar("Result")

_SLICE = 0.5
_PACKAGE = __name__.partition(".")[0]


class Download(Generic[Result]):
    """A download and its state. Thread-safe.

    Iterate over it for the files as they become whole; ``await`` it for the result. A cancelled
    ``await``, be it by a timeout, cancels the download: use ``asyncio.shield`` where it should not.

    Parameters
    ----------
    work
        Function that downloads: it reports to the tracker, stops when its control is
        cancelled, and returns the path or paths.
    path
        Where it goes.

    Examples
    --------
    >>> download = task.start_download(["model.rpt"], "results")
    >>> for path in download:
    ...     print(path.name, "is whole")
    model.rpt is whole
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
        return f"<Download {state.phase}: {state.bytes_done} of {total} bytes to {state.path}>"

    @property
    def progress(self) -> Progress:
        """The state now."""
        return self._tracker.progress

    @property
    def summary(self) -> DownloadSummary:
        """Renamed, missing and kept files; complete once the download is done."""
        return self._tracker.summary

    @property
    def error(self) -> Exception | None:
        """Why it failed or was cancelled; None while it runs and when it is done."""
        return self._error

    @property
    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._ended.is_set()

    @property
    def paused(self) -> bool:
        """Whether it is asked to pause."""
        return self._tracker.control.paused

    def __iter__(self) -> Iterator[Path]:
        """Yield the files that are whole, those of earlier runs included, as they become so.

        Raises
        ------
        DownloadCancelled, DownloadError
            After the last file, when it did not become whole.
        """
        yield from self._tracker.iter_finished_files()
        self.result()

    def __await__(self) -> Generator[Any, None, Result]:
        return self._awaited().__await__()

    def start(self) -> Download[Result]:
        """Run on a thread of its own, and return at once.

        Returns
        -------
        Download
            The download itself.
        """
        self._begin()
        # A daemon: an interpreter that is asked to quit does not wait for gigabytes.
        threading.Thread(target=self._run, name="inductiva-download", daemon=True).start()
        return self

    def run(self) -> Result:
        """Run on the calling thread and return the result; an interrupt cancels it.

        Returns
        -------
        Result
            The path, or the paths of several.

        Raises
        ------
        DownloadCancelled
            When it was cancelled.
        DownloadError
            When it failed; calling again goes on with it.
        """
        self._begin()
        self._run()
        return self._answer()

    def subscribe(self, callback: Callable[[Progress], object]) -> Registration:
        """Have a function called with the state: now, about ten times a second, and at the end.

        It runs on the download's threads, one call at a time, and prints into the cell that
        subscribed. When it fails it is set aside with a
        logged warning, and the download goes on.

        Parameters
        ----------
        callback
            Gets a ``Progress``.

        Returns
        -------
        Registration
            Its ``cancel()`` ends it.
        """
        context = CallContext()
        cancel = self._tracker.subscribe(lambda progress: context.run(callback, progress))
        return Registration(f"{name_of(callback)} at progress of a download", cancel)

    def cancel(self) -> None:
        """Ask to stop, and return at once; what is whole stays, a new call goes on from there."""
        self._tracker.control.cancel()

    def pause(self) -> None:
        """Ask to pause, and return at once; connections are given back where ranges are known."""
        self._tracker.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        self._tracker.resume()

    @explain_interrupt(DOWNLOAD_INTERRUPTED)
    def result(self, timeout: float | None = None) -> Result:
        """Wait for the end and return the path, or the paths of several.

        Parameters
        ----------
        timeout
            Seconds to wait at most; for ever by default.

        Returns
        -------
        Result
            The path, or the paths of several.

        Raises
        ------
        DownloadCancelled
            When it was cancelled.
        DownloadError
            When it failed; calling again goes on with it.
        TimeoutError
            When it is still running.
        KeyboardInterrupt
            When the wait is interrupted; the download is then cancelled.
        """
        try:
            self._wait(timeout)
        except KeyboardInterrupt:
            self.cancel()
            self._ended.wait(2)  # let it clean up, unless it hangs
            raise
        return self._answer()

    def _begin(self) -> None:
        with self._lock:
            if self._started:
                raise RuntimeError("this download was started before; make a new one")
            self._started = True

    def _run(self) -> None:
        try:
            self._result = self._work(self._tracker)
        except DownloadCancelled as exc:
            self._error = exc
            self._tracker.end("cancelled")
        except Exception as exc:
            # A cancel shows as many kinds of error, depending on where it meets the work.
            if self._tracker.control.cancelled:
                self._error = DownloadCancelled("the download was cancelled")
                self._tracker.end("cancelled")
            else:
                self._error = exc
                self._tracker.end("failed")
        except BaseException:
            # An interrupt of ``run``: it goes up as it is.
            self._error = DownloadCancelled("the download was interrupted")
            self._tracker.control.cancel()
            self._tracker.end("cancelled")
            raise
        else:
            # A download from a URL learns only from the answer what its file is called.
            path = str(self._result) if isinstance(self._result, Path) else None
            self._tracker.end("done", path)
        finally:
            self._messages = list(self._tracker.summary.messages)
            self._ended.set()

    def _wait(self, timeout: float | None) -> None:
        if timeout is not None:
            if not self._ended.wait(timeout):
                raise TimeoutError("the download is still running")
            return
        # In slices: on Windows a wait without an end cannot be interrupted.
        while not self._ended.wait(_SLICE):
            pass

    async def _awaited(self) -> Result:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def look(progress: Progress) -> None:
            if progress.ended:
                loop.call_soon_threadsafe(ended.set)

        stop = self.subscribe(look)
        try:
            await ended.wait()
        except asyncio.CancelledError:
            self.cancel()
            raise
        finally:
            stop()
        # The last state is told a moment before the result is there.
        while not self.done:
            await asyncio.sleep(0.001)
        return self._answer()

    def _answer(self) -> Result:
        if self._error is not None:
            raise self._error
        if self._result is None:
            raise RuntimeError("the download ended without a result")
        with self._lock:
            messages, self._messages = self._messages, []
        for message in messages:
            # Told here, in the caller's own thread, where a warning can be caught or made an error.
            warnings.warn(message, stacklevel=_own_frames())
        return self._result


def _own_frames() -> int:
    """Count the calls up to the user's own line, which is the one that a warning should show."""
    level, frame = 1, inspect.currentframe()
    frame = frame.f_back if frame else None
    while frame and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    return level
