"""The counts of a download, kept by the threads that do the work, told to those who watch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from inductiva_widgets.downloads._cancellation import CancelToken
from inductiva_widgets.downloads._rate import RateEstimator, ThrottledListeners
from inductiva_widgets.downloads.progress import (
    ENDED,
    DownloadSummary,
    FileProgress,
    Phase,
    Progress,
)


class ProgressTracker:
    """The sum of what one or several archives or files count. Thread-safe.

    Parameters
    ----------
    path
        Where the download goes.
    clock
        Returns seconds; injected by tests.
    """

    def __init__(self, path: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self.control = CancelToken()
        self._path = path
        self._phase: Phase = "running"
        self._shares: list[SubProgress] = []
        self._finished: list[Path] = []
        self._lock = threading.RLock()
        self._news = threading.Condition(self._lock)
        self._speed = RateEstimator(clock)
        self._watchers = ThrottledListeners(clock)

    @property
    def progress(self) -> Progress:
        """The state now."""
        with self._lock:
            ended = self._phase in ENDED
            total = self._sum("bytes_total")
            done = sum(share.bytes_done for share in self._shares)
            speed = self._speed.last if ended else self._speed.rate()
            running = not ended and speed > 0
            eta = max(0, total - done) / speed if running and total is not None else None
            paused = self._phase == "running" and self.control.paused
            return Progress(
                phase="paused" if paused else self._phase,
                bytes_done=done,
                bytes_total=total,
                files_done=sum(share.files_done for share in self._shares),
                files_total=self._sum("files_total"),
                speed=0.0 if paused else speed,
                eta=None if paused else eta,
                path=self._path,
                active=() if ended else tuple(self._active()),
            )

    @property
    def summary(self) -> DownloadSummary:
        """What is to be told of all shares."""
        with self._lock:
            return DownloadSummary.combined(share.outcome for share in self._shares)

    @property
    def ended(self) -> bool:
        """Whether the last state is set."""
        return self._phase in ENDED

    def share(self, label: str = "") -> SubProgress:
        """Return the counts of one archive or file; the tally is the sum of them.

        Parameters
        ----------
        label
            Tells its files from those of other shares.
        """
        made = SubProgress(self, label)
        with self._lock:
            self._shares.append(made)
        return made

    def subscribe(self, callback: Callable[[Progress], object]) -> Callable[[], None]:
        """Have a function called with the state: now, while it changes, and once at the end."""
        return self._watchers.add(callback, lambda: self.progress)

    def iter_finished_files(self) -> Iterator[Path]:
        """Yield the files that are whole, as they become so, until the end."""
        position = 0
        while True:
            with self._news:
                # In slices: on Windows a wait without an end cannot be interrupted.
                while position == len(self._finished) and not self.ended:
                    self._news.wait(0.5)
                fresh = self._finished[position:]
            if not fresh:
                return
            position += len(fresh)
            yield from fresh

    def pause(self) -> None:
        """Ask the work to pause, and tell."""
        self.control.pause()
        self._publish(at_once=True)

    def resume(self) -> None:
        """Ask the work to go on, and tell."""
        self.control.resume()
        self._publish(at_once=True)

    def set_path(self, path: Path) -> None:
        """Set where it goes, once that is known."""
        with self._lock:
            self._path = str(path)
        self._publish()

    def set_waiting(self, waits: bool) -> None:
        """Tell that the work waits for another process, or does not any more."""
        with self._lock:
            self._phase = "waiting" if waits else "running"
        self._publish(at_once=True)

    def end(self, phase: Phase, path: str | None = None) -> None:
        """Set the last state and tell it to everyone."""
        with self._lock:
            self._speed.last = self._speed.rate()
            self._phase = phase
            self._path = self._path if path is None else path
            self._news.notify_all()
        self._publish(at_once=True)

    def _publish(
        self, *, received: int = 0, file: Path | None = None, at_once: bool = False
    ) -> None:
        """Take note of what a share counted, and tell the watchers where it is time.

        Parameters
        ----------
        received
            Bytes that have just arrived; those that were there before do not make it look fast.
        file
            A file that is whole now.
        at_once
            Tell even if the watchers were told a moment ago.
        """
        with self._lock:
            if received:
                self._speed.add(received)
            if file is not None:
                self._finished.append(file)
                self._news.notify_all()
        self._watchers.notify(lambda: self.progress, at_once=at_once)

    def _sum(self, name: str) -> int | None:
        values = [getattr(share, name) for share in self._shares]
        return None if not values or None in values else sum(values)

    def _active(self) -> Iterator[FileProgress]:
        for share in self._shares:
            yield from share.active_files()


class SubProgress:
    """What one archive or file counts. Thread-safe.

    Parameters
    ----------
    tally
        The sum that it is a part of.
    label
        Put in front of the names of its files.
    """

    def __init__(self, tally: ProgressTracker, label: str = "") -> None:
        self.control = tally.control
        self.outcome = DownloadSummary()
        self.bytes_done = 0
        self.bytes_total: int | None = None
        self.files_done = 0
        self.files_total: int | None = None
        self._tally = tally
        self._label = f"{label}/" if label else ""
        self._lock = threading.Lock()
        self._meters: dict[FileProgressCounter, None] = {}

    def set_file_count(self, files: int) -> None:
        """Set the number of files, and begin the count of whole ones anew."""
        with self._lock:
            self.files_total, self.files_done = files, 0
        self._tally._publish()

    def reset(self, done: int, total: int | None) -> None:
        """Set the bytes anew, as when a server makes us begin from the start."""
        with self._lock:
            self.bytes_done, self.bytes_total = done, total
        self._tally._publish()

    def receive(self, count: int) -> None:
        """Count bytes that have just arrived."""
        with self._lock:
            self.bytes_done += count
        self._tally._publish(received=count)

    def count_existing(self, count: int) -> None:
        """Count bytes that were there before."""
        with self._lock:
            self.bytes_done += count
        self._tally._publish()

    def finish_file(self, path: Path) -> None:
        """Count a file that is whole."""
        with self._lock:
            self.files_done += 1
        self._tally._publish(file=path)

    def truncate_totals(self) -> None:
        """Expect no more than what is there."""
        with self._lock:
            self.bytes_total, self.files_total = self.bytes_done, self.files_done
        self._tally._publish()

    def set_waiting(self, waits: bool) -> None:
        """Tell that the work waits for another process, or does not any more."""
        self._tally.set_waiting(waits)

    def open_file(self, name: str, size: int) -> FileProgressCounter:
        """Return the count of one file under way; to be closed at its end.

        Parameters
        ----------
        name
            Its path below the target.
        size
            Bytes of its content.
        """
        made = FileProgressCounter(self, name, size)
        with self._lock:
            self._meters[made] = None
        return made

    def close_file(self, meter: FileProgressCounter) -> None:
        """Forget a file that is under way no longer."""
        with self._lock:
            self._meters.pop(meter, None)

    def active_files(self) -> list[FileProgress]:
        """Return the files under way."""
        with self._lock:
            return [
                FileProgress(self._label + one.name, one.done, one.size) for one in self._meters
            ]


class FileProgressCounter:
    """The count of one file under way; used by one thread at a time."""

    def __init__(self, share: SubProgress, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self.done = 0
        self._share = share

    def close(self) -> None:
        """End the count."""
        self._share.close_file(self)
