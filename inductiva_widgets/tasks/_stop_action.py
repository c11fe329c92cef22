"""What happens when the condition of a watch is met: a task is killed, or somebody is told."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, cast

from inductiva_widgets.errors import InductivaError, InputError
from inductiva_widgets.polling import run_in_thread

if TYPE_CHECKING:
    from inductiva_widgets.tasks.log_watch import LogWatch

Then = Literal["kill", "notify"] | Callable[[Any], Any]

_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0


class StopAction:
    """Acts once, on a thread of its own: what is done may take long.

    Parameters
    ----------
    watch
        Whose condition it is.
    then
        ``"kill"`` to kill the task, ``"notify"`` to say it only, or a function that gets the watch.

    Raises
    ------
    InputError
        ``then`` is none of those.
    """

    def __init__(self, watch: LogWatch, then: Then) -> None:
        if then not in ("kill", "notify") and not callable(then):
            raise InputError(f"then is 'kill', 'notify' or a function of the watch, not {then!r}.")
        self.note = ""
        self.is_met = False
        self._watch = weakref.ref(watch)
        self._then = then
        self._cancelled = threading.Event()

    @property
    def verb(self) -> str:
        """What follows from a condition, for people: ``"Stops"`` if a condition is met."""
        if isinstance(self._then, str):
            return {"kill": "Stops", "notify": "Says so"}[self._then]
        name = getattr(self._then, "__name__", "")
        return f"Calls {name}()" if name.isidentifier() else "Calls your function"

    def trigger(self, reason: str) -> None:
        """Act, the first time."""
        watch = self._watch()
        if self.is_met or watch is None:
            return
        self.is_met = True
        known = watch.task._state.last_info
        self.note = f"Condition met: {reason}"
        if self._then == "notify" or (known is not None and known.is_terminal):
            return
        action = self._kill_task if self._then == "kill" else self._call
        run_in_thread(
            lambda: action(watch, reason),
            lambda error: watch._report("What follows a condition", error),
            "stop",
        )

    def cancel(self) -> None:
        """Try no longer to kill."""
        self._cancelled.set()

    def _call(self, watch: LogWatch, _reason: str) -> None:
        watch.context.run(cast("Callable[[LogWatch], Any]", self._then), watch)

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
            pause = min(2 * pause, _LONGEST_PAUSE)
