"""A download that is under way: progress, cancel, result. Terminal and widget only draw it."""

from __future__ import annotations

import inspect
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

from inductiva_widgets.downloads.progress import Outcome, Progress, Tally
from inductiva_widgets.errors import DownloadCancelled

_SLICE = 0.5
_PACKAGE = __name__.partition(".")[0]


class Download:
    """A download and its state. Thread-safe.

    Parameters
    ----------
    work
        Does it: counts on the tally, stops when that is cancelled, returns the path.
    path
        Where it goes.

    Examples
    --------
    ::

        download = fetch_archive(url, "outputs", wait=False)
        stop = download.subscribe(lambda progress: print(progress.bytes_done))
        folder = download.result()
    """

    def __init__(self, work: Callable[[Tally], Path], path: str | Path = "") -> None:
        self._work = work
        self._tally = Tally(str(path))
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._started = False
        self._path: Path | None = None
        self._error: Exception | None = None
        self._messages: list[str] = []

    def __repr__(self) -> str:
        state = self.progress
        total = "?" if state.bytes_total is None else state.bytes_total
        return f"<Download {state.phase}: {state.bytes_done} of {total} bytes to {state.path}>"

    @property
    def progress(self) -> Progress:
        """The state now."""
        return self._tally.progress

    @property
    def outcome(self) -> Outcome:
        """Renamed, missing and kept files; complete once the download is done."""
        return self._tally.outcome

    @property
    def error(self) -> Exception | None:
        """Why it failed or was cancelled; None while it runs and when it is done."""
        return self._error

    @property
    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._ended.is_set()

    def start(self) -> Download:
        """Run on a thread of its own, and return at once."""
        self._begin()
        # A daemon: an interpreter that is asked to quit does not wait for gigabytes.
        threading.Thread(target=self._run, name="inductiva-download", daemon=True).start()
        return self

    def run(self) -> Path:
        """Run on the calling thread and return the path; an interrupt cancels it."""
        self._begin()
        self._run()
        return self._answer()

    def subscribe(self, callback: Callable[[Progress], object]) -> Callable[[], None]:
        """Have a function called with the state: now, about ten times a second, and at the end.

        It runs on the download's threads, one call at a time. When it fails it is set aside with a
        logged warning, and the download goes on.

        Parameters
        ----------
        callback
            Gets a `Progress`.

        Returns
        -------
        Callable
            Ends the subscription.
        """
        return self._tally.subscribe(callback)

    def cancel(self) -> None:
        """Ask to stop, and return at once; what is whole stays, a new call goes on from there."""
        self._tally.cancel()

    def result(self, timeout: float | None = None) -> Path:
        """Wait for the end and return the path.

        Parameters
        ----------
        timeout
            Seconds to wait at most; for ever by default.

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
            self._path = self._work(self._tally)
        except DownloadCancelled as exc:
            self._error = exc
            self._tally.end("cancelled")
        except Exception as exc:
            # A cancel shows as many kinds of error, depending on where it meets the work.
            if self._tally.cancelled:
                self._error = DownloadCancelled("the download was cancelled")
                self._tally.end("cancelled")
            else:
                self._error = exc
                self._tally.end("failed")
        except BaseException:
            # An interrupt of `run`: it goes up as it is.
            self._error = DownloadCancelled("the download was interrupted")
            self._tally.cancel()
            self._tally.end("cancelled")
            raise
        else:
            self._tally.expect(path=str(self._path))
            self._tally.end("done")
        finally:
            self._messages = list(self._tally.outcome.messages)
            self._ended.set()

    def _wait(self, timeout: float | None) -> None:
        if timeout is not None:
            if not self._ended.wait(timeout):
                raise TimeoutError("the download is still running")
            return
        # In slices: on Windows a wait without an end cannot be interrupted.
        while not self._ended.wait(_SLICE):
            pass

    def _answer(self) -> Path:
        if self._error is not None:
            raise self._error
        if self._path is None:
            raise RuntimeError("the download ended without a result")
        with self._lock:
            messages, self._messages = self._messages, []
        for message in messages:
            # Told here, in the caller's own thread, where a warning can be caught or made an error.
            warnings.warn(message, stacklevel=_frames_of_ours())
        return self._path


def _frames_of_ours() -> int:
    """Count the calls up to the user's own line, which is the one that a warning should show."""
    level, frame = 1, inspect.currentframe()
    frame = frame.f_back if frame else None
    while frame and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    return level
