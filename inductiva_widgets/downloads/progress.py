"""How far a download is: counted by the engine in a `Tally`, shown to others as `Progress`."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

Phase = Literal["running", "done", "failed", "cancelled"]

_log = logging.getLogger(__name__)
_SMOOTHING = 3.0  # seconds over which the speed is averaged
_SAMPLE = 0.25  # seconds between two measures of the speed
_NOTIFY = 0.1  # seconds between two calls of a subscriber


@dataclass(frozen=True, slots=True)
class Progress:
    """State of a download at one moment.

    Parameters
    ----------
    phase
        ``running``, ``done``, ``failed`` or ``cancelled``.
    bytes_done
        Bytes that are there, those of earlier runs included.
    bytes_total
        Bytes of all that was asked for, as they travel; None while unknown.
    files_done, files_total
        Whole files, and all that were asked for (None while unknown).
    speed
        Bytes per second, smoothed.
    eta
        Seconds to go, None while unknown.
    path
        Where it goes.
    """

    phase: Phase = "running"
    bytes_done: int = 0
    bytes_total: int | None = None
    files_done: int = 0
    files_total: int | None = None
    speed: float = 0.0
    eta: float | None = None
    path: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a finished download has to tell besides its path.

    Parameters
    ----------
    renamed
        Member name to the path it got instead, where the name could not stand.
    missing
        Asked names that are not in the archive.
    kept
        Files that were there already, whole, and were not fetched again.
    messages
        What the user should be warned of, in sentences.
    """

    renamed: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    kept: int = 0
    messages: tuple[str, ...] = ()


class Tally:
    """Counts a download and tells subscribers. Thread-safe.

    Parameters
    ----------
    path
        Where the download goes.
    clock
        Returns seconds; injected by tests.
    """

    def __init__(self, path: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self.outcome = Outcome()
        self._clock = clock
        self._lock = threading.Lock()
        self._told = threading.RLock()  # a callback may subscribe another one
        self._state = Progress(path=path)
        self._received = 0
        self._sampled_at = clock()
        self._sampled = 0
        self._speed = 0.0
        self._weight = 0.0
        self._notified_at = -math.inf
        self._subscribers: dict[object, Callable[[Progress], object]] = {}
        self._cancelled = threading.Event()
        self._on_cancel: list[Callable[[], object]] = []

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._cancelled.is_set()

    @property
    def progress(self) -> Progress:
        """The state now."""
        with self._lock:
            return self._snapshot()

    def cancel(self) -> None:
        """Ask to stop: run what `on_cancel` was given."""
        with self._lock:
            self._cancelled.set()
            callbacks, self._on_cancel = self._on_cancel, []
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], object]) -> None:
        """Have a function called by `cancel`, at once if that was called already."""
        with self._lock:
            if not self._cancelled.is_set():
                self._on_cancel.append(callback)
                return
        callback()

    def subscribe(self, callback: Callable[[Progress], object]) -> Callable[[], None]:
        """Have a function called with the state: now, while it changes, and once at the end."""
        token = object()
        with self._lock:
            self._subscribers[token] = callback
        with self._told:
            self._call(token, callback, self.progress)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers.pop(token, None)

        return unsubscribe

    def expect(self, *, path: str | None = None, files: int | None = None) -> None:
        """Set what is known by now; a number of files begins the count of whole ones anew."""
        with self._lock:
            state = self._state
            self._change(
                path=state.path if path is None else path,
                files_total=state.files_total if files is None else files,
                files_done=state.files_done if files is None else 0,
            )
        self._notify()

    def restart(self, done: int, total: int | None) -> None:
        """Set the bytes anew, as when a server makes us begin from the start."""
        with self._lock:
            self._change(bytes_done=done, bytes_total=total)
        self._notify()

    def receive(self, count: int) -> None:
        """Count bytes that have just arrived."""
        with self._lock:
            self._change(bytes_done=self._state.bytes_done + count)
            self._received += count
            self._sample()
        self._notify()

    def keep(self, count: int) -> None:
        """Count bytes that were there before; they do not make the download look fast."""
        with self._lock:
            self._change(bytes_done=self._state.bytes_done + count)

    def finish_file(self) -> None:
        """Count a file that is whole."""
        with self._lock:
            self._change(files_done=self._state.files_done + 1)
        self._notify()

    def end(self, phase: Phase) -> None:
        """Set the last state and tell it to everyone."""
        with self._lock:
            self._change(phase=phase)
            self._on_cancel = []
        self._notify(last=True)

    def _change(self, **values: object) -> None:
        self._state = replace(self._state, **values)  # type: ignore[arg-type]

    def _sample(self) -> None:
        now = self._clock()
        elapsed = now - self._sampled_at
        if elapsed >= _SAMPLE:
            share = math.exp(-elapsed / _SMOOTHING)
            rate = (self._received - self._sampled) / elapsed
            self._speed = self._speed * share + rate * (1 - share)
            # The average starts at zero; its weight tells how much of that is still in it.
            self._weight = self._weight * share + (1 - share)
            self._sampled_at, self._sampled = now, self._received

    def _snapshot(self) -> Progress:
        state = self._state
        if state.phase != "running":
            return state
        idle = max(0.0, self._clock() - self._sampled_at - 1.0)
        speed = self._speed / self._weight * math.exp(-idle / _SMOOTHING) if self._weight else 0.0
        eta = None
        if speed > 0 and state.bytes_total is not None:
            eta = max(0, state.bytes_total - state.bytes_done) / speed
        return replace(state, speed=speed, eta=eta)

    def _notify(self, *, last: bool = False) -> None:
        if not self._subscribers:
            return
        # One thread tells at a time; the others need not wait, as more news will follow.
        if not self._told.acquire(blocking=last):
            return
        try:
            with self._lock:
                now = self._clock()
                if not last and now - self._notified_at < _NOTIFY:
                    return
                self._notified_at = now
                state = self._snapshot()
                subscribers = list(self._subscribers.items())
            for token, callback in subscribers:
                self._call(token, callback, state)
        finally:
            self._told.release()

    def _call(self, token: object, callback: Callable[[Progress], object], state: Progress) -> None:
        try:
            callback(state)
        except Exception:
            # A display that breaks must not break the download.
            _log.warning("a progress callback failed and is not called any more", exc_info=True)
            with self._lock:
                self._subscribers.pop(token, None)
