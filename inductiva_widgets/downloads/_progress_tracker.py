"""Count the progress of a download and notify its listeners."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from inductiva_widgets.downloads._cancellation import CancelToken
from inductiva_widgets.downloads.progress import (
    ENDED,
    DownloadSummary,
    FileProgress,
    Phase,
    Progress,
)


class ProgressTracker:
    """Progress of a download of one or more archives or files. Thread-safe.

    Parameters
    ----------
    path
        Output path.
    clock
        Function that returns the time in seconds.
    """

    def __init__(self, path: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self.cancel_token = CancelToken()
        self._path = path
        self._phase: Phase = "running"
        self._parts: list[SubProgress] = []
        self._finished: list[Path] = []
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        self._speed = RateEstimator(clock)
        self._watchers = ThrottledListeners(clock)

    @property
    def progress(self) -> Progress:
        """Current progress."""
        with self._lock:
            ended = self._phase in ENDED
            total = self._sum("bytes_total")
            done = sum(part.bytes_done for part in self._parts)
            speed = self._speed.last if ended else self._speed.rate()
            running = not ended and speed > 0
            eta = max(0, total - done) / speed if running and total is not None else None
            paused = self._phase == "running" and self.cancel_token.paused
            return Progress(
                phase="paused" if paused else self._phase,
                bytes_done=done,
                bytes_total=total,
                files_done=sum(part.files_done for part in self._parts),
                files_total=self._sum("files_total"),
                speed=0.0 if paused else speed,
                eta=None if paused else eta,
                path=self._path,
                active=() if ended else tuple(self._active()),
            )

    @property
    def summary(self) -> DownloadSummary:
        """Combined summary of all parts."""
        with self._lock:
            return DownloadSummary.combined(part.outcome for part in self._parts)

    @property
    def ended(self) -> bool:
        """Whether the download has ended."""
        return self._phase in ENDED

    def add_part(self, label: str = "") -> SubProgress:
        """Add the progress of one archive or file to the total.

        Parameters
        ----------
        label
            Prefix of the file names, to distinguish the parts.
        """
        part = SubProgress(self, label)
        with self._lock:
            self._parts.append(part)
        return part

    def subscribe(self, callback: Callable[[Progress], object]) -> Callable[[], None]:
        """Call a function with the current progress and on every change.

        Parameters
        ----------
        callback
            The function. It is called at most ten times a second, by one thread at a time. It is
            unsubscribed if it raises an exception.

        Returns
        -------
        Callable
            Function that unsubscribes the callback.
        """
        return self._watchers.add(callback, lambda: self.progress)

    def iter_finished_files(self) -> Iterator[Path]:
        """Yield files as they are completed, until the download ends."""
        position = 0
        while True:
            with self._condition:
                # With a timeout: on Windows, a wait without one cannot be interrupted.
                while position == len(self._finished) and not self.ended:
                    self._condition.wait(0.5)
                fresh = self._finished[position:]
            if not fresh:
                return
            position += len(fresh)
            yield from fresh

    def pause(self) -> None:
        """Pause, and notify the listeners."""
        self.cancel_token.pause()
        self._publish(at_once=True)

    def resume(self) -> None:
        """Resume, and notify the listeners."""
        self.cancel_token.resume()
        self._publish(at_once=True)

    def set_path(self, path: Path) -> None:
        """Set the output path, once it is known."""
        with self._lock:
            self._path = str(path)
        self._publish()

    def set_waiting(self, is_waiting: bool) -> None:
        """Set whether the download waits for another process."""
        with self._lock:
            self._phase = "waiting" if is_waiting else "running"
        self._publish(at_once=True)

    def end(self, phase: Phase, path: str | None = None) -> None:
        """Set the final phase, and the path unless it is None, and notify all listeners."""
        with self._lock:
            self._speed.last = self._speed.rate()
            self._phase = phase
            self._path = self._path if path is None else path
            self._condition.notify_all()
        self._publish(at_once=True)

    def _publish(
        self, *, received: int = 0, file: Path | None = None, at_once: bool = False
    ) -> None:
        """Record an update of a part, and notify the listeners if it is due.

        Parameters
        ----------
        received
            Bytes received now. Bytes that existed already do not affect the rate.
        file
            File completed now.
        at_once
            If True, notify even if the last notification was just now.
        """
        with self._lock:
            if received:
                self._speed.add(received)
            if file is not None:
                self._finished.append(file)
                self._condition.notify_all()
        self._watchers.notify(lambda: self.progress, at_once=at_once)

    def _sum(self, name: str) -> int | None:
        values = [getattr(part, name) for part in self._parts]
        return None if not values or None in values else sum(values)

    def _active(self) -> Iterator[FileProgress]:
        for part in self._parts:
            yield from part.active_files()


class SubProgress:
    """Progress of one archive or file. Thread-safe.

    Parameters
    ----------
    tracker
        Tracker of the whole download.
    label
        Prefix of the file names.
    """

    def __init__(self, tracker: ProgressTracker, label: str = "") -> None:
        self.cancel_token = tracker.cancel_token
        self.outcome = DownloadSummary()
        self.bytes_done = 0
        self.bytes_total: int | None = None
        self.files_done = 0
        self.files_total: int | None = None
        self._tracker = tracker
        self._label = f"{label}/" if label else ""
        self._lock = threading.Lock()
        self._counters: dict[FileProgressCounter, None] = {}

    def set_file_count(self, files: int) -> None:
        """Set the number of files and reset the number of complete ones."""
        with self._lock:
            self.files_total, self.files_done = files, 0
        self._tracker._publish()

    def reset(self, done: int, total: int | None) -> None:
        """Reset the byte counts, for example after a restart."""
        with self._lock:
            self.bytes_done, self.bytes_total = done, total
        self._tracker._publish()

    def receive(self, count: int) -> None:
        """Count received bytes."""
        with self._lock:
            self.bytes_done += count
        self._tracker._publish(received=count)

    def count_existing(self, count: int) -> None:
        """Count bytes that were received in an earlier run."""
        with self._lock:
            self.bytes_done += count
        self._tracker._publish()

    def finish_file(self, path: Path) -> None:
        """Count a complete file."""
        with self._lock:
            self.files_done += 1
        self._tracker._publish(file=path)

    def truncate_totals(self) -> None:
        """Set the totals to what has been received, after a failure."""
        with self._lock:
            self.bytes_total, self.files_total = self.bytes_done, self.files_done
        self._tracker._publish()

    def set_waiting(self, is_waiting: bool) -> None:
        """Set whether the download waits for another process."""
        self._tracker.set_waiting(is_waiting)

    def open_file(self, name: str, size: int) -> FileProgressCounter:
        """Return a counter for a file in progress. Close it when done.

        Parameters
        ----------
        name
            Path relative to the target.
        size
            Size of the file in bytes.
        """
        counter = FileProgressCounter(self, name, size)
        with self._lock:
            self._counters[counter] = None
        return counter

    def close_file(self, counter: FileProgressCounter) -> None:
        """Remove a file from those in progress."""
        with self._lock:
            self._counters.pop(counter, None)

    def active_files(self) -> list[FileProgress]:
        """Return the files in progress."""
        with self._lock:
            return [
                FileProgress(self._label + counter.name, counter.done, counter.size)
                for counter in self._counters
            ]


class FileProgressCounter:
    """Number of bytes written to one file; used by one thread at a time."""

    def __init__(self, progress: SubProgress, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self.done = 0
        self._progress = progress

    def close(self) -> None:
        """Remove the file from those in progress."""
        self._progress.close_file(self)


_log = logging.getLogger(__name__)
_SMOOTHING = 3.0  # time constant of the moving average in seconds
_SAMPLE = 0.25  # seconds between two samples of the rate
_NOTIFY = 0.1  # minimum seconds between two notifications


class RateEstimator:
    """Moving average of the transfer rate in bytes per second; not thread-safe.

    Parameters
    ----------
    clock
        Function that returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.last = 0.0
        self._clock = clock
        self._received = 0
        self._sampled_at = clock()
        self._sampled = 0
        self._rate = 0.0
        self._weight = 0.0

    def add(self, count: int) -> None:
        """Record received bytes."""
        self._received += count
        now = self._clock()
        elapsed = now - self._sampled_at
        if elapsed >= _SAMPLE:
            decay = math.exp(-elapsed / _SMOOTHING)
            rate = (self._received - self._sampled) / elapsed
            self._rate = self._rate * decay + rate * (1 - decay)
            # The average starts at 0, so it is divided by the weight of the samples.
            self._weight = self._weight * decay + (1 - decay)
            self._sampled_at, self._sampled = now, self._received

    def rate(self) -> float:
        """Return the current rate, decaying while idle."""
        idle = max(0.0, self._clock() - self._sampled_at - 1.0)
        return self._rate / self._weight * math.exp(-idle / _SMOOTHING) if self._weight else 0.0


class ThrottledListeners:
    """Progress callbacks, called at most ten times a second.

    Parameters
    ----------
    clock
        Returns seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._notifying = threading.RLock()  # a callback may add another one
        self._notified_at = -math.inf
        self._callbacks: dict[object, Callable[[Progress], object]] = {}

    def add(
        self, callback: Callable[[Progress], object], state: Callable[[], Progress]
    ) -> Callable[[], None]:
        """Call ``callback`` now and on every change; return a function to unsubscribe."""
        token = object()
        with self._lock:
            self._callbacks[token] = callback
        with self._notifying:
            self._call(token, callback, state())

        def remove() -> None:
            with self._lock:
                self._callbacks.pop(token, None)

        return remove

    def notify(self, state: Callable[[], Progress], *, at_once: bool) -> None:
        """Call all callbacks, if it is time or ``at_once`` is True."""
        if not self._callbacks or (not at_once and self._clock() - self._notified_at < _NOTIFY):
            return
        # One thread notifies at a time; others skip, since more updates will follow.
        if not self._notifying.acquire(blocking=at_once):
            return
        try:
            self._notified_at = self._clock()
            with self._lock:
                callbacks = list(self._callbacks.items())
            now = state()
            for token, callback in callbacks:
                self._call(token, callback, now)
        finally:
            self._notifying.release()

    def _call(self, token: object, callback: Callable[[Progress], object], state: Progress) -> None:
        try:
            callback(state)
        except Exception:
            # An exception in a display must not stop the download.
            _log.warning("a progress callback failed and is not called any more", exc_info=True)
            with self._lock:
                self._callbacks.pop(token, None)
