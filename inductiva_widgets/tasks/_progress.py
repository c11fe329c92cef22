"""Progress bar for loading the task history."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from inductiva_widgets.design_tokens import TOKENS, hue
from inductiva_widgets.formatting import format_duration
from inductiva_widgets.tasks._display import in_notebook

ProgressCallback = Callable[[int, int], None]

_MIN_TASKS = 1000
"""Number of tasks below which no bar is shown, as it would be gone at once."""
_DRAW_PERIOD = 0.1


@contextlib.contextmanager
def history_progress(progress: bool | None) -> Iterator[ProgressCallback]:
    """Show the progress of loading the history.

    Parameters
    ----------
    progress
        If False, show nothing.

    Returns
    -------
    callable
        Called with the number of loaded tasks, and of all tasks to load.
    """
    if progress is False:
        yield lambda *_: None
    elif in_notebook():
        with _notebook() as on_progress:
            yield on_progress
    elif sys.stderr.isatty():
        with _terminal() as on_progress:
            yield on_progress
    else:
        # The output is a log file, for example.
        yield lambda *_: None


@contextlib.contextmanager
def _terminal() -> Iterator[ProgressCallback]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = (TextColumn("Task history"), BarColumn(), MofNCompleteColumn(), Left())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    line = bar.add_task("", total=None)
    started = False

    def on_progress(done: int, total: int) -> None:
        nonlocal started
        if not started and total - done > _MIN_TASKS:
            started = True
            bar.start()
        bar.update(line, completed=done, total=total)

    try:
        yield on_progress
    finally:
        if started:
            bar.stop()


@contextlib.contextmanager
def _notebook() -> Iterator[ProgressCallback]:
    from IPython.display import HTML, display

    handle: Any = None
    begin = time.monotonic()
    drawn, read = -_DRAW_PERIOD, 0

    def on_progress(done: int, total: int) -> None:
        nonlocal handle, drawn, read
        read, now = done, time.monotonic()
        if now - drawn < _DRAW_PERIOD or (handle is None and total - done <= _MIN_TASKS):
            return
        drawn = now
        shown = HTML(_bar(done, total))  # type: ignore[no-untyped-call]
        if handle is None:
            handle = display(shown, display_id=True)  # type: ignore[no-untyped-call]
        else:
            handle.update(shown)

    how = "read until the interrupt"
    try:
        yield on_progress
        how = "read"
    finally:
        if handle is not None:
            took = format_duration(time.monotonic() - begin)
            text = f"Task history: {read:,} tasks {how} in {took}."
            handle.update(HTML(f'<div style="{_TEXT}">{text}</div>'))  # type: ignore[no-untyped-call]


_TEXT = "font:13px/1.5 system-ui,sans-serif;padding:2px 0"


def _bar(done: int, total: int) -> str:
    """Return the bar as HTML without a script, in colours for light and dark themes."""
    share = 100 * done / max(total, 1)
    return (
        f'<div style="{_TEXT};display:flex;flex-wrap:wrap;gap:2px 12px;align-items:center">'
        "<span>Reading the task history</span>"
        f'<div role="progressbar" aria-label="Task history" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{share:.0f}" style="width:240px;height:6px;border-radius:3px;'
        f'background:{TOKENS.static_line};overflow:hidden">'
        f'<div style="width:{share:.1f}%;height:100%;background:{hue("blue")}"></div></div>'
        '<span style="font-variant-numeric:tabular-nums">'
        f"{done:,} of {total:,} tasks</span></div>"
    )
