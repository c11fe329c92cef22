"""Shorten tracebacks of interrupted blocking calls in a notebook.

Outside a notebook an interrupt stays as it is.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])

DOWNLOAD_INTERRUPTED = "The download was interrupted and cancelled; calling again resumes it."

_PACKAGE = __name__.partition(".")[0]


def explain_interrupt(sentence: str) -> Callable[[Function], Function]:
    """Decorate a function that may block: an interrupt of it says what follows from that.

    In a notebook IPython then shows the lines of the user and the sentence alone, unless
    ``%xmode Verbose`` is set. The interrupt remains a ``KeyboardInterrupt``.

    Parameters
    ----------
    sentence
        What has been interrupted and what goes on; ``{0.id}`` stands for the id of the first
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
    """Give an interrupt a sentence and a short traceback, if it occurs in a notebook.

    Parameters
    ----------
    interrupt
        The interrupt, which the caller raises again.
    sentence
        The sentence; that of the outermost call counts.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return
    interrupt.args = (sentence,)
    # A hook on IPython's shell would change the user's own interrupts as well; this method is only
    # for this exception: https://ipython.readthedocs.io/en/stable/config/integrating.html
    interrupt._render_traceback_ = functools.partial(_render, shell, interrupt)  # type: ignore[attr-defined]


def _render(shell: Any, interrupt: KeyboardInterrupt) -> list[str]:
    shown, way = shell.InteractiveTB, interrupt.__traceback__
    if shown.mode != "Verbose":
        # Without its cause and context, whose own tracebacks may be long.
        interrupt = KeyboardInterrupt(*interrupt.args)
        way = _until_ours(way)
    lines: list[str] = shown.structured_traceback(KeyboardInterrupt, interrupt, way)
    return lines


def _until_ours(way: types.TracebackType | None) -> types.TracebackType | None:
    """Return a traceback up to the first frame of this package."""
    if way is None or _is_ours(way):
        return None
    return types.TracebackType(_until_ours(way.tb_next), way.tb_frame, way.tb_lasti, way.tb_lineno)


def _is_ours(way: types.TracebackType) -> bool:
    return str(way.tb_frame.f_globals.get("__name__")).partition(".")[0] == _PACKAGE
