"""Watches that read numbers from the log of a running task, in a limited CPU time."""

from __future__ import annotations

import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from inductiva_widgets._callbacks import CallContext, Registration, name_of, run_in_thread
from inductiva_widgets._interrupts import explain_interrupt
from inductiva_widgets._throttle import ThrottledNotifier
from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.errors import InductivaError, InputError
from inductiva_widgets.metrics.conditions import Conditions
from inductiva_widgets.metrics.decimate import MetricRow
from inductiva_widgets.metrics.gaps import Gap
from inductiva_widgets.metrics.parser import MetricParser
from inductiva_widgets.metrics.presets import STDOUT, Preset, preset_for, preset_named
from inductiva_widgets.metrics.progress import EtaEstimator
from inductiva_widgets.tasks import _display, _log_stream

if TYPE_CHECKING:
    import pandas as pd

    from inductiva_widgets.http.client import Client
    from inductiva_widgets.tasks._state import RemoteTask


__all__ = ["LogWatch", "StopAction", "Then", "WatchRegistry", "preset_for", "registry"]

MAX_CPU_SHARE = 0.03
"""Share of one core, per log."""

# Seconds of CPU time that can be saved up, such as for the backlog.
_MAX_SAVED = 2.0
# Bytes of a chunk that are always read.
_MIN_READ = 1 << 14
# The cost per byte is not measured on smaller chunks, as it would be inexact.
_MIN_MEASURED = 1 << 12

Then = Literal["kill", "notify"] | Callable[[Any], Any]
_NOTHING = Preset("", ())
# Maximum number of series named in a title.
_MAX_NAMES = 4
# Seconds between two tries to kill: at first, and at most.
_FIRST_PAUSE, _MAX_PAUSE = 2.0, 60.0
_BEHIND = "The log grows faster than it is read: only the newest part of each second counts."

_BLOCK = 1 << 20
# Seconds to wait for the first read of a new watch.
_FIRST_READ = 15.0


class CpuBudget:
    """Limits how much of each chunk is read; the rest is skipped.

    Parameters
    ----------
    now
        Present time of a monotonic clock, in seconds.
    """

    def __init__(self, now: float) -> None:
        self._updated_at = now
        self._saved = _MAX_SAVED
        # Seconds per byte.
        self._cost = 0.0

    def clip(self, data: bytes, now: float) -> bytes:
        """Return the end of a chunk, as long as the budget allows.

        Parameters
        ----------
        data
            The chunk.
        now
            Present time, in seconds.
        """
        self._saved = min(_MAX_SAVED, self._saved + MAX_CPU_SHARE * (now - self._updated_at))
        self._updated_at = now
        if self._cost * len(data) <= self._saved:
            return data
        return data[-max(_MIN_READ, int(self._saved / self._cost)) :]

    def charge(self, seconds: float, size: int) -> None:
        """Subtract the CPU time that reading has taken.

        Parameters
        ----------
        seconds
            CPU time.
        size
            Number of bytes read.
        """
        self._saved = max(-_MAX_SAVED, self._saved - seconds)
        if size >= _MIN_MEASURED:
            self._cost = seconds / size


class LogWatch:
    """The numbers in a task's log; made by ``Task.watch``, and read on until the task ends.

    Keeps at most 4,000 rows. Neighbours form groups of equal size, and each group keeps the rows
    with the smallest and the largest finite value of any series, its first nan and its first
    infinity; the first and the newest row are always kept. The groups double in size when there are
    too many rows. Reading takes at most 3 % of a core: if a log grows too fast for that, only the
    newest part of each second is read.

    Reading costs one request a second on the embedded server, shared by all watches of a file, and
    one connection on the cloud. The properties and methods below cost no request.

    Parameters
    ----------
    task
        The task.
    pattern
        An expression whose groups are the series, or a preset; None to only note when the file
        was written.
    file
        Name of the file.
    end
        Final values of series, by name.
    stop_if, from_start, then
        As for ``Task.watch``.
    log
        If True, draw the series on a logarithmic scale; None for what suits each.
    notify
        If True, the card's notification at the end of the task is on from the beginning.

    Raises
    ------
    InputError
        An argument is invalid.

    Examples
    --------
    >>> watch = task.watch()
    >>> watch.wait(30)
    True
    >>> watch
    LogWatch('SWMM progress', ... samples, percent=100)
    >>> watch.latest
    {'percent': 100.0}
    """

    def __init__(
        self,
        task: RemoteTask,
        pattern: str | Preset | None,
        *,
        file: str = STDOUT,
        end: Mapping[str, float] | None = None,
        stop_if: str | Callable[[dict[str, float]], Any] | Iterable[Any] | None = None,
        from_start: bool = False,
        then: Then = "kill",
        log: bool | None = None,
        notify: bool = False,
    ) -> None:
        self.task = task
        self.file = file
        self.notify = notify
        # Functions of the user print into the cell that created the watch.
        self.context = CallContext()
        self.has_preset = isinstance(pattern, Preset)
        self._reader = MetricParser(_NOTHING if pattern is None else pattern, end=end)
        self._conditions = Conditions(stop_if, self._reader.declared_series)
        self._reader.prefer(self._conditions.words)
        self._has_checked_names = False
        # The last value of each series up to the present row.
        self._seen: dict[str, float] = {}
        self._from_start = from_start
        # Rows up to this one began before the condition was set, so they are not judged.
        self._not_judged = 0
        self._stop = StopAction(self, then)
        self._log = log
        self._lock = threading.RLock()
        self._state = _log_stream.StreamState()
        self._fault: InductivaError | None = None
        self._cpu_budget = CpuBudget(time.monotonic())
        self._is_behind = False
        self._pace = EtaEstimator()
        self._ends: datetime | None = None
        # Holds the watch weakly, so that an unused watch can end.
        listener = _WeakListener(self)
        self._news = ThrottledNotifier(listener.fail)
        self._warned: set[str] = set()
        self._has_polled = threading.Event()
        self._over = threading.Event()
        registry.add(self)
        self._subscription = _log_stream.LogSubscription()
        self._subscription = _log_stream.subscribe(task, file, listener)
        weakref.finalize(self, self._subscription.cancel)
        if self.is_finished:
            self._subscription.cancel()

    @classmethod
    def automatic(cls, task: RemoteTask) -> LogWatch:
        """Return a watch by the preset of the task's simulator, which lasts as long as it is kept.

        Without a preset it only notes when the file was written. Costs a request while nothing is
        known of the task.

        Parameters
        ----------
        task
            The task.
        """
        preset = preset_for(task.info.simulator)
        return cls(task, preset, file=STDOUT if preset is None else preset.file)

    def __repr__(self) -> str:
        values = escape_control_chars(
            "".join(f", {name}={value:.6g}" for name, value in self.latest.items())
        )
        return f"LogWatch({self.pattern or self.file!r}, {self.samples:,} samples{values})"

    def _repr_mimebundle_(self, **_: Any) -> _display.Bundle:
        if not _display.in_notebook():
            return {"text/plain": repr(self)}, {}
        return _display.task_mimebundle(self.task)

    @property
    def pattern(self) -> str | None:
        """The preset's name or the expression; None without one. No request."""
        return self._reader.source or None

    @property
    def title(self) -> str:
        """Title for people: the preset, or the names of the series. No request."""
        if self.has_preset:
            return self._reader.source
        with self._lock:
            series_names = self._reader.names or tuple(self._reader.declared_series or ())
        shown = ", ".join(series_names[:_MAX_NAMES])
        more = (
            f" and {len(series_names) - _MAX_NAMES} more" if len(series_names) > _MAX_NAMES else ""
        )
        return f"{shown}{more}" or f"Numbers in {self.file}"

    @property
    def conditions(self) -> list[tuple[str, str]]:
        """Sentences for people: each condition with its action, and its state; no request."""
        with self._lock:
            states = self._conditions.states(self._seen, self._reader.kinds)
        late = f"judged from row {self._not_judged + 1:,} on" if self._not_judged else ""

        def describe(state: str) -> str:
            if state.startswith("met "):
                return state
            return ", ".join(filter(None, ("was not met" if self.is_finished else state, late)))

        return [(f"{self._stop.verb} if {text}", describe(state)) for text, state in states]

    @property
    def series_names(self) -> tuple[str, ...]:
        """Names of the series that were found; costs no request."""
        with self._lock:
            return self._reader.names

    @property
    def samples(self) -> int:
        """Number of rows that were read; costs no request."""
        return self._reader.samples

    @property
    def n_unparsed(self) -> int:
        """Number of matches that are not numbers; costs no request."""
        return self._reader.skipped

    @property
    def latest(self) -> dict[str, float]:
        """The last value of each series; costs no request."""
        with self._lock:
            return dict(self._reader.last)

    @property
    def progress(self) -> float | None:
        """Progress from 0 to 1; None if no end is known. No request."""
        with self._lock:
            return self._reader.progress

    @property
    def eta(self) -> datetime | None:
        """When the simulation is expected to end, by the service's clock; costs no request.

        Estimated from its recent pace; None if unknown, or if that time has passed.
        """
        eta = self._ends
        return (
            None if self.is_finished or eta is None or eta < self.task._state.server_time else eta
        )

    @property
    def last_output(self) -> datetime | None:
        """When the file was last written, by the service's clock; None if unknown. No request."""
        return self._state.last_output

    @property
    def is_finished(self) -> bool:
        """Whether nothing more is read; costs no request."""
        return self._over.is_set()

    @property
    def error(self) -> InductivaError | None:
        """The error that stops the reading, or of one of your functions; costs no request."""
        return self._fault or self._state.error

    @property
    def note(self) -> str:
        """What a condition did, what the watch waits for, and what it does not read. No request.

        One sentence each, such as a condition on a series that does not exist, an expression that
        no line matches, series and lines that are left out; "" for nothing.
        """
        with self._lock:
            unread = self._reader.notes
        behind = _BEHIND * self._is_behind
        notes = (self._stop.note, self._missing(), self._state.note, behind, *unread)
        return "\n".join(note for note in notes if note)

    def points(self, points: int = 80) -> dict[str, list[tuple[int, float]]]:
        """Return the series for drawing, thinned by the rule above; costs no request.

        Parameters
        ----------
        points
            Maximum number of points per series, 4 or more.

        Returns
        -------
        dict
            By name, pairs of a sample's number and its value. Values that are not finite are left
            out (see ``gaps``), and on a logarithmic scale those that are not positive.
        """
        with self._lock:
            found = self._reader.points(points)
            return {
                name: [one for one in pairs if one[1] > 0] if self.suits_log_scale(name) else pairs
                for name, pairs in found.items()
            }

    def gaps(self, name: str) -> list[Gap]:
        """Return where a series is nan, inf or -inf; costs no request.

        Parameters
        ----------
        name
            The series.

        Returns
        -------
        list of Gap
            In order, at most 16. Each has a ``kind``, the numbers of its first and last sample as
            ``start`` and ``end``, and as ``step`` the name and value of the series that counts
            steps or time, if one is read.
        """
        with self._lock:
            return self._reader.gaps(name)

    def suits_log_scale(self, name: str) -> bool:
        """Return whether a series is drawn on a logarithmic scale; costs no request.

        Parameters
        ----------
        name
            The series.
        """
        if self._log is not None:
            return self._log
        with self._lock:
            return self._reader.suits_log_scale(name)

    def to_frame(self) -> pd.DataFrame:
        """Return what was read: a row for each match or step, a column for each series.

        Costs no request.

        Returns
        -------
        pandas.DataFrame
            The index ``sample`` counts the rows that were read, from 1. The column ``read_at`` has
            the time at which each was read, by the service's clock; it is missing for rows that
            were there before. ``df.attrs["inductiva"]`` has the task, the file, the pattern, and
            whether rows were left out.

        Examples
        --------
        >>> watch = task.watch()
        >>> watch.wait(30)
        True
        >>> watch.to_frame()["percent"].is_monotonic_increasing
        True
        """
        with self._lock:
            return self._reader.to_frame(
                service=self.task.client.url, task=self.task.id, file=self.file
            )

    @explain_interrupt("The wait was interrupted; the watch goes on.")
    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all was read; an interrupt ends only the wait. Costs no request.

        Parameters
        ----------
        timeout
            Maximum number of seconds to wait; None for no limit.

        Returns
        -------
        bool
            Whether all was read.
        """
        return self._over.wait(timeout)

    def stop(self) -> None:
        """Stop reading and keep what was read. Costs no request, and the task goes on."""
        self._end()
        self._news.notify(at_once=True)

    def subscribe(self, callback: Callable[[], None]) -> Registration:
        """Call a function after changes, at most once a second; costs no request.

        Parameters
        ----------
        callback
            Called on the reading thread. What it prints appears in the cell that subscribed.

        Returns
        -------
        Registration
            Its ``cancel()`` ends it.
        """
        context = CallContext()
        cancel = self._news.subscribe(lambda: context.run(callback))
        return Registration(f"{name_of(callback)} at news of a watch", cancel)

    # On the reading thread

    def _on_data(self, piece: _log_stream.LogChunk) -> None:
        if self.pattern is None or self.is_finished:
            return
        data = self._cpu_budget.clip(piece.data, time.monotonic())
        self._is_behind = len(data) < len(piece.data)
        begun = time.thread_time()
        try:
            with self._lock:
                rows = self._reader.feed(
                    data,
                    follows=piece.follows and not self._is_behind,
                    read_at=None if piece.is_backlog else self._now(),
                )
        except InputError as error:
            self._fault = error
            self.stop()
            return
        if piece.is_backlog and not self._from_start:
            # The unfinished row began before, too.
            self._not_judged = self._reader.n_started
        self._look_at(rows)
        self._cpu_budget.charge(time.thread_time() - begun, len(data))

    def _on_state(self, state: _log_stream.StreamState) -> None:
        if self.is_finished:
            return
        self._state = state
        if state.is_finished:
            with self._lock:
                rows = self._reader.finish(read_at=self._now())
            self._look_at(rows)
        progress = self.progress
        if progress is None:
            self._ends = None
        else:
            now = time.monotonic()
            self._pace.update(now, progress)
            left = self._pace.seconds_left(now)
            self._ends = (
                None if left is None else self.task._state.server_time + timedelta(seconds=left)
            )
        if state.is_finished:
            self._end()
        self._has_polled.set()
        self._news.notify(at_once=state.is_finished)

    def _now(self) -> float:
        """Return the present time of the service."""
        return self.task._state.server_time.timestamp()

    def _look_at(self, rows: list[MetricRow]) -> None:
        self._warn_of_missing()
        for row in rows:
            if self._stop.is_met:
                return
            self._seen |= row.values
            if row.sample <= self._not_judged:
                continue
            try:
                met = self.context.run(
                    self._conditions.first_met, row, self._seen, dict(self._reader.kinds)
                )
            except Exception as error:
                self._report("The condition of a watch", error)
                continue
            if met:
                self._stop.trigger(met)

    def _end(self) -> None:
        self._over.set()
        self._has_polled.set()
        self._stop.cancel()
        self._subscription.cancel()
        registry.release(self)

    def _report(self, who: str, error: Exception) -> None:
        """Record an exception of the user's code, and warn of it once."""
        text = f"{who} failed: {type(error).__name__}: {error}"
        self._fault = InductivaError(text)
        if text not in self._warned:
            self._warned.add(text)
            self.context.run(warnings.warn, f"{text}. Task {self.task.id} goes on.")

    def _warn_of_missing(self) -> None:
        """Warn once if the first rows have no series of a condition."""
        if self.samples and not self._has_checked_names:
            self._has_checked_names = True
            missing = self._missing()
            if missing:
                self.context.run(warnings.warn, f"{missing} The condition waits for it.")

    def _missing(self) -> str:
        with self._lock:
            if not self.samples:
                return ""
            missing = self._conditions.unknown_series(self._reader.kinds)
            if not missing:
                return ""
            names = ", ".join(self._reader.last)
        return f"No series {missing[0]!r} so far; there is {names}."


class _WeakListener:
    """Forwards events to a watch through a weak reference."""

    def __init__(self, watch: LogWatch) -> None:
        self._watch = weakref.ref(watch)

    def on_data(self, piece: _log_stream.LogChunk, /) -> None:
        watch = self._watch()
        if watch is not None:
            watch._on_data(piece)

    def on_state(self, state: _log_stream.StreamState, /) -> None:
        watch = self._watch()
        if watch is not None:
            watch._on_state(state)

    def fail(self, error: Exception) -> None:
        watch = self._watch()
        if watch is not None:
            watch._report("A listener of a watch", error)


class StopAction:
    """Acts once when a condition is met, on a thread of its own since it may take long.

    Parameters
    ----------
    watch
        The watch that has the condition.
    then
        ``"kill"`` to kill the task, ``"notify"`` to show a note only, or a function of the watch.

    Raises
    ------
    InputError
        ``then`` is none of these.
    """

    def __init__(self, watch: LogWatch, then: Then) -> None:
        if then not in ("kill", "notify") and not callable(then):
            raise InputError(f"`then` must be 'kill', 'notify' or a callable, got {then!r}.")
        self.note = ""
        self.is_met = False
        self._watch = weakref.ref(watch)
        self._then = then
        self._cancelled = threading.Event()

    @property
    def verb(self) -> str:
        """The action as a verb for people, such as ``"Kills the task"``."""
        if isinstance(self._then, str):
            return {"kill": "Kills the task", "notify": "Says so"}[self._then]
        name = getattr(self._then, "__name__", "")
        return f"Calls {name}()" if name.isidentifier() else "Calls your function"

    def trigger(self, reason: str) -> None:
        """Run the action, unless it has run before."""
        watch = self._watch()
        if self.is_met or watch is None:
            return
        self.is_met = True
        info = watch.task._state.last_info
        self.note = f"Condition met: {reason}"
        if self._then == "notify" or (info is not None and info.is_terminal):
            return
        run_in_thread(
            lambda: self._act(watch, reason),
            lambda error: watch._report("What follows a condition", error),
            "stop",
        )

    def cancel(self) -> None:
        """Stop trying to kill."""
        self._cancelled.set()

    def _act(self, watch: LogWatch, reason: str) -> None:
        if isinstance(self._then, str):
            self._kill_task(watch, reason)
        else:
            watch.context.run(self._then, watch)

    def _kill_task(self, watch: LogWatch, reason: str) -> None:
        pause = _FIRST_PAUSE
        while not self._cancelled.is_set():
            try:
                watch.task.kill()
            except InductivaError as error:
                self.note = f"Could not ask to kill, trying again: {reason}. {error}"
            else:
                self.note = f"Asked to kill: {reason}"
            watch._news.notify()
            if self.note.startswith("Asked"):
                return
            self._cancelled.wait(pause)
            pause = min(2 * pause, _MAX_PAUSE)


class WatchRegistry:
    """The log watches of this kernel, and callbacks for new ones."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._known: weakref.WeakKeyDictionary[Client, dict[str, list[weakref.ref[LogWatch]]]] = (
            weakref.WeakKeyDictionary()
        )
        # Watches started by users run until their task ends, even if no variable holds them.
        self._retained: set[LogWatch] = set()
        self._callbacks: list[Callable[[LogWatch], None]] = []

    def for_task(self, task: RemoteTask) -> list[LogWatch]:
        """Return the watches of a task, running or finished, oldest first.

        Parameters
        ----------
        task
            The task; equal tasks share their watches.
        """
        with self._lock:
            references = self._known.get(task.client, {}).get(task.id, ())
            return [watch for watch in (item() for item in references) if watch is not None]

    def retained(self) -> list[LogWatch]:
        """Return the running watches that users started, of all tasks."""
        with self._lock:
            return list(self._retained)

    def on_new_watch(self, callback: Callable[[LogWatch], None]) -> Callable[[], None]:
        """Call a function with each watch that a user starts, on the thread that starts it.

        Parameters
        ----------
        callback
            Gets the watch.

        Returns
        -------
        Callable
            Call it to unsubscribe.
        """
        with self._lock:
            self._callbacks.append(callback)

        def cancel() -> None:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

        return cancel

    def add(self, watch: LogWatch) -> None:
        """Add a watch without keeping it alive."""
        task = watch.task
        with self._lock:
            of_client = self._known.setdefault(task.client, {})
            alive = [item for item in of_client.get(task.id, ()) if item() is not None]
            of_client[task.id] = [*alive, weakref.ref(watch)]

    def retain(self, watch: LogWatch) -> None:
        """Keep a watch alive until it finishes, and call the callbacks."""
        with self._lock:
            if not watch.is_finished:
                self._retained.add(watch)
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            callback(watch)

    def release(self, watch: LogWatch) -> None:
        """Keep a watch alive no longer."""
        with self._lock:
            self._retained.discard(watch)


registry = WatchRegistry()


def start_watch(
    task: RemoteTask,
    pattern: str | None,
    *,
    file: str | None,
    preset: str | None = None,
    end: Mapping[str, float] | None = None,
    stop_if: str | Callable[[dict[str, float]], Any] | Iterable[Any] | None = None,
    from_start: bool = False,
    then: Then = "kill",
    log: bool | None = None,
    notify: bool = False,
) -> LogWatch:
    """Start a watch that lasts until the task ends; see ``Task.watch``."""
    rules, name = _select_preset(task, pattern, file, preset)
    watch = LogWatch(
        task,
        rules,
        file=name,
        end=end,
        stop_if=stop_if,
        # If the task has not started computing, all rows come after this call, including those
        # that are there when the file is first read.
        from_start=from_start or (stop_if is not None and not _has_computed(task)),
        then=then,
        log=log,
        notify=notify,
    )
    registry.retain(watch)
    return watch


def read_metrics(
    task: RemoteTask,
    pattern: str | None,
    *,
    file: str | None,
    rows: int,
    preset: str | None = None,
) -> pd.DataFrame:
    """Return the numbers in a task's log; see ``Task.metrics``."""
    rules, name = _select_preset(task, pattern, file, preset)
    parser = MetricParser(rules, max_rows=rows)
    if not task.refresh(max_age=1.0).is_terminal:
        return _find_or_start(task, parser.source, pattern, name, preset).to_frame()
    with task.open_output(name) as member:
        while block := member.read(_BLOCK):
            parser.feed(block)
    parser.finish()
    return parser.to_frame(service=task.client.url, task=task.id, file=name)


def _has_computed(task: RemoteTask) -> bool:
    """Return whether the computation has started; True if the service does not respond."""
    try:
        info = task.refresh(max_age=1.0)
    except InductivaError:
        return True
    return info.is_terminal or not info.status.is_before_computation


def _select_preset(
    task: RemoteTask, pattern: str | None, file: str | None, preset: str | None
) -> tuple[str | Preset, str]:
    """Return the pattern or preset, and the name of the file."""
    if preset is not None:
        if pattern is not None:
            raise InputError("`pattern` and `preset` must not be given together.")
        chosen = preset_named(preset)
        return chosen, file or chosen.file
    if pattern is not None:
        return pattern, file or STDOUT
    simulator = task.info.simulator
    known = preset_for(simulator)
    if known is None:
        raise InputError(
            f"What {simulator or 'this simulator'} prints is not known here: say what to look "
            r"for, such as task.watch(r'residual\s+(?P<residual>\S+)'), or name a preset, such as "
            "task.watch(preset='openfoam')."
        )
    return known, file or known.file


def _find_or_start(
    task: RemoteTask, source: str, pattern: str | None, file: str, preset: str | None
) -> LogWatch:
    for watch in registry.for_task(task):
        if (watch.pattern, watch.file) == (source, file) and not watch.is_finished:
            return watch
    watch = start_watch(task, pattern, file=file, preset=preset)
    watch._has_polled.wait(_FIRST_READ)
    return watch
