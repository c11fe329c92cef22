"""Display of tasks: live views in a notebook, lines of text in a terminal.

The views are entry points, as widgets are above tasks. They are imported once one is shown, so
scripts do not pay for them.
"""

from __future__ import annotations

import contextlib
import html
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from inductiva_widgets import _entry_points, _kernel
from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.errors import InductivaError
from inductiva_widgets.formatting import format_hms
from inductiva_widgets.timing import total_seconds

if TYPE_CHECKING:
    from inductiva_widgets.downloads import Download
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.tasks._state import RemoteTask

Result = TypeVar("Result")
Bundle = tuple[dict[str, Any], dict[str, Any]]
Show = Callable[..., None]


def in_notebook() -> bool:
    """Return whether the code runs in a Jupyter kernel, not in a script or a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def task_widget(task: RemoteTask) -> Any:
    """Return a live card."""
    return _entry_points.load("task_view")(task)


def task_list_widget(tasks: Sequence[RemoteTask], **options: Any) -> Any:
    """Return a live table; the options are those of the widget."""
    return _entry_points.load("task_list_view")(tasks, **options)


def task_mimebundle(task: RemoteTask) -> Bundle:
    """Return the display of a task: the live card in a notebook, else text."""
    if not in_notebook():
        return {"text/plain": repr(task)}, {}
    try:
        return _bundle(task_widget(task))
    except InductivaError as error:
        # No such task, or no answer: show one sentence instead of a page of traceback.
        text = f"{task!r}: {error}"
        return {
            "text/plain": text,
            "text/html": f'<div class="tex2jax_ignore mathjax_ignore">{html.escape(text)}</div>',
        }, {}


def task_list_mimebundle(tasks: Sequence[RemoteTask]) -> Bundle:
    """Return the display of a list: the live table in a notebook, else text."""
    if not in_notebook():
        return {"text/plain": str(tasks)}, {}
    return _bundle(task_list_widget(tasks))


def outputs_mimebundle(task: RemoteTask | None, text: str) -> Bundle:
    """Return the display of a task's outputs: the live files in a notebook, else the text."""
    if task is None or not in_notebook():
        return {"text/plain": text}, {}
    return _bundle(_entry_points.load("outputs_view")(task))


def display_task(task: RemoteTask) -> None:
    """Show the live card in a notebook, if there is such a task; else IPython shows text."""
    if not in_notebook():
        # IPython takes this as "show the text instead".
        raise NotImplementedError
    try:
        _show(task_widget(task))
    except InductivaError:
        raise NotImplementedError from None


def display_task_list(tasks: Sequence[RemoteTask]) -> None:
    """Show the live table in a notebook; else IPython shows text."""
    if not in_notebook():
        raise NotImplementedError
    _show(task_list_widget(tasks))


def wait_with_progress(download: Download[Result], title: str, *, quiet: bool = False) -> Result:
    """Wait for a download, with a widget in a notebook and a progress bar in a terminal."""
    if quiet:
        return download.result()
    if in_notebook():
        bar = _entry_points.load("download_view")(download, title=title)
        _show(bar)
        bar.freeze_when_finished()
        # Processes messages, so that Pause and Cancel work while the cell waits.
        _kernel.wait_and_process_messages(lambda: download.done)
        return download.result()
    from inductiva_widgets.downloads._terminal import show_progress

    with show_progress(download):
        return download.result()


def _bundle(view: Any) -> Bundle:
    bundle: Bundle = view._repr_mimebundle_()
    return bundle


def _show(view: Any) -> None:
    from IPython.display import display

    display(view)  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def show_wait(task: RemoteTask, silent: bool) -> Iterator[Show]:
    """Show a wait: a live card in a notebook, an updating line in a terminal, else plain lines."""
    if silent:
        yield lambda *_: None
    elif in_notebook():
        card = task_widget(task)
        if task.info.is_terminal:
            # Nothing will change: plain from the start.
            card.freeze()
        _show(card)
        try:
            yield lambda *_: None
        finally:
            # If the wait was interrupted, the task goes on: then the poller freezes the card.
            card.freeze_when_finished()
    else:
        with _terminal_line(task) as show:
            yield show


@contextlib.contextmanager
def _terminal_line(task: RemoteTask) -> Iterator[Show]:
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True, highlight=False, emoji=False)
    shown = ""

    def show(info: TaskInfo, error: Exception | None = None) -> None:
        nonlocal shown
        line = escape_control_chars(f"Task {info.task_id}: {info.alias}")
        if task._state.queue_position:
            line += f", {task._state.queue_position} ahead"
        if status is not None:
            line += f", {format_hms(total_seconds(info, task._state.server_time))}"
        if error is not None:
            line += " (no answer from the service; still trying)"
        if status is None:
            # Outside a terminal, such as in a log file, each change is one line.
            if line != shown:
                console.print(line, markup=False, soft_wrap=True)
        else:
            status.update(escape(line))
        shown = line

    if console.is_terminal:
        with console.status(escape(escape_control_chars(f"Task {task.id}"))) as status:
            yield show
        console.print(shown, markup=False, soft_wrap=True)
    else:
        status = None
        yield show
    info = task._state.last_info
    if info is not None and info.is_terminal and info.status.is_failed:
        reason = info.reason or info.status.info.description
        console.print(
            escape_control_chars(f"Reason: {reason}", keep="\n"), markup=False, soft_wrap=True
        )
