"""Shorten tracebacks of interrupted blocking calls in a notebook.

Outside a notebook, interrupts are unchanged.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])

DOWNLOAD_INTERRUPTED = "The download was interrupted and cancelled. Call again to resume it."

_PACKAGE = __name__.partition(".")[0]


def explain_interrupt(sentence: str) -> Callable[[Function], Function]:
    """Decorate a blocking function to explain what an interrupt of it means.

    In a notebook, IPython then shows only the user's lines and the sentence, unless
    ``%xmode Verbose`` is set. The exception remains a ``KeyboardInterrupt``.

    Parameters
    ----------
    sentence
        What was interrupted, and what continues. ``{0.id}`` is replaced by the id of the first
        argument.

    Examples
    --------
    >>> from inductiva_widgets._interrupts import explain_interrupt
    >>> @explain_interrupt("The wait was interrupted.")
    ... def wait(): raise KeyboardInterrupt
    >>> try:
    ...     wait()
    ... except KeyboardInterrupt as interrupt:
    ...     print(type(interrupt).__name__)
    KeyboardInterrupt
    """

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            try:
                return function(*args, **options)
            except KeyboardInterrupt as interrupt:
                explain(interrupt, sentence.format(*args))
                raise

        return cast("Function", call)

    return decorate


def explain(interrupt: KeyboardInterrupt, sentence: str) -> None:
    """Set the message and a short traceback of an interrupt in a notebook.

    Parameters
    ----------
    interrupt
        The interrupt. The caller must raise it again.
    sentence
        The message. The outermost call determines it.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return
    interrupt.args = (sentence,)
    # IPython calls this method of the exception. A hook on the shell would also change the
    # tracebacks of interrupts in the user's own code:
    # https://ipython.readthedocs.io/en/stable/config/integrating.html
    interrupt._render_traceback_ = functools.partial(_render, shell, interrupt)  # type: ignore[attr-defined]


def _render(shell: Any, interrupt: KeyboardInterrupt) -> list[str]:
    formatter, trace = shell.InteractiveTB, interrupt.__traceback__
    if formatter.mode != "Verbose":
        # A new exception has no cause or context, whose tracebacks may be long.
        interrupt = KeyboardInterrupt(*interrupt.args)
        trace = _before_package(trace)
    lines: list[str] = formatter.structured_traceback(KeyboardInterrupt, interrupt, trace)
    return lines


def _before_package(trace: types.TracebackType | None) -> types.TracebackType | None:
    """Return a traceback up to the first frame of this package."""
    if trace is None or _is_in_package(trace):
        return None
    rest = _before_package(trace.tb_next)
    return types.TracebackType(rest, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)


def _is_in_package(trace: types.TracebackType) -> bool:
    return str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] == _PACKAGE
