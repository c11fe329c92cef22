"""Run user callbacks and long actions on background threads."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any


class CallContext:
    """Context variables of the code that registers a callback.

    ipykernel finds the cell of an output by a context variable, so a callback that runs in a copy
    of the context prints into the cell that registered it.

    Examples
    --------
    >>> from inductiva_widgets._callbacks import CallContext
    >>> CallContext().run(max, 1, 2)
    2
    """

    def __init__(self) -> None:
        self._context = contextvars.copy_context()

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function in the context and return its result. Thread-safe.

        Parameters
        ----------
        function
            The function.
        *args
            Its arguments.
        """
        # A context cannot be entered twice at the same time, but a copy of it can.
        return self._context.copy().run(function, *args)


class Registration:
    """Handle of a registered callback. Call ``cancel()``, or the handle, to unregister it.

    Parameters
    ----------
    text
        Description of the callback and its trigger, shown in the repr.
    cancel
        Called to unregister the callback.

    Examples
    --------
    >>> from inductiva_widgets._callbacks import Registration
    >>> Registration("print at each change of the watch", lambda: None)
    <print at each change of the watch; cancel() ends it>
    """

    def __init__(self, text: str, cancel: Callable[[], None]) -> None:
        self._text = text
        self._cancel = cancel

    def cancel(self) -> None:
        """Unregister the callback. A second call has no effect."""
        self._cancel()

    __call__ = cancel

    def __repr__(self) -> str:
        return f"<{self._text}; cancel() ends it>"


def name_of(function: Callable[..., Any]) -> str:
    """Return the display name of a function, such as ``print``."""
    name = getattr(function, "__name__", "")
    return name if name.isidentifier() else "your function"


def run_in_thread(
    action: Callable[[], None], on_error: Callable[[Exception], None], name: str
) -> threading.Thread:
    """Run an action on a daemon thread.

    Parameters
    ----------
    action
        Action to run.
    on_error
        Called on that thread with an exception raised by the action.
    name
        Name of the thread, for debugging.
    """

    def run() -> None:
        try:
            action()
        except Exception as error:
            on_error(error)

    thread = threading.Thread(target=run, name=f"inductiva-{name}", daemon=True)
    thread.start()
    return thread
