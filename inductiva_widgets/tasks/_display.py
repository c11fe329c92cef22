"""Display of tasks: widgets in a notebook, lines of text in a terminal.

Nothing of the notebook is imported before something is shown, so scripts do not pay for it.
"""

from __future__ import annotations

import contextlib
import html
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from inductiva_widgets import _kernel
from inductiva_widgets.errors import InductivaError
from inductiva_widgets.formatting import format_hms
from inductiva_widgets.timing import total_seconds

if TYPE_CHECKING:
    from inductiva_widgets.downloads import Download
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.tasks.outputs import OutputsInfo
    from inductiva_widgets.tasks.task import Task
    from inductiva_widgets.tasks.task_list import TaskList
    from inductiva_widgets.widgets import TaskListWidget, TaskWidget
    from inductiva_widgets.widgets.base import BaseWidget

Result = TypeVar("Result")
Bundle = tuple[dict[str, Any], dict[str, Any]]
Show = Callable[..., None]


def in_notebook() -> bool:
    """Return whether the code runs in a Jupyter kernel, as against a script or a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def task_widget(task: Task) -> TaskWidget:
    """Return a live card."""
    from inductiva_widgets.widgets import TaskWidget

    return TaskWidget(task)


def task_list_widget(tasks: TaskList, **options: Any) -> TaskListWidget:
    """Return a live table; the options are those of the widget."""
    from inductiva_widgets.widgets import TaskListWidget

    return TaskListWidget(tasks, **options)


def task_mimebundle(task: Task) -> Bundle:
    """Return what a front end shows for a task: the live card in a notebook, else text."""
    if not in_notebook():
        return {"text/plain": repr(task)}, {}
    try:
        return task_widget(task)._repr_mimebundle_()
    except InductivaError as error:
        # No such task, or no answer: a sentence in the card's place, not a page of traceback.
        text = f"{task!r}: {error}"
        return {"text/plain": text, "text/html": f"<div>{html.escape(text)}</div>"}, {}


def task_list_mimebundle(tasks: TaskList) -> Bundle:
    """Return what a front end shows for a list: the live table in a notebook, else text."""
    if not in_notebook():
        return {"text/plain": str(tasks)}, {}
    return task_list_widget(tasks)._repr_mimebundle_()


def outputs_mimebundle(outputs: OutputsInfo) -> Bundle:
    """Return what a front end shows for a listing: the live files in a notebook, else text."""
    if outputs.task is None or not in_notebook():
        return {"text/plain": str(outputs)}, {}
    from inductiva_widgets.widgets import OutputsWidget

    return OutputsWidget(outputs.task)._repr_mimebundle_()


def display_task(task: Task) -> None:
    """Show the live card; as text where there is no notebook, or no such task."""
    if not in_notebook():
        # As IPython asks for: it shows the text instead.
        raise NotImplementedError
    try:
        _show(task_widget(task))
    except InductivaError:
        raise NotImplementedError from None


def display_task_list(tasks: TaskList) -> None:
    """Show the live table; as text where there is no notebook."""
    if not in_notebook():
        raise NotImplementedError
    _show(task_list_widget(tasks))


def wait_with_progress(download: Download[Result], title: str, *, quiet: bool = False) -> Result:
    """Wait for a download, its progress shown as fits the place."""
    if quiet:
        return download.result()
    if in_notebook():
        from inductiva_widgets.widgets import DownloadWidget

        bar = DownloadWidget(download, title=title)
        _show(bar)
        bar.freeze_when_finished()
        # So that Pause and Cancel work while the cell waits.
        _kernel.wait_and_process_messages(lambda: download.done)
        return download.result()
    from inductiva_widgets.downloads._terminal import show_progress

    with show_progress(download):
        return download.result()


def _show(widget: BaseWidget) -> None:
    from IPython.display import display

    display(widget)  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def show_wait(task: Task, silent: bool) -> Iterator[Show]:
    """Show a wait: a live card in a notebook, an updating line in a terminal, else plain lines."""
    if silent:
        yield lambda *_: None
    elif in_notebook():
        card = task_widget(task)
        if task.info.is_terminal:
            # Nothing will move: plain from the start.
            card.freeze()
        _show(card)
        try:
            yield lambda *_: None
        finally:
            # Now, or by the poller: a wait that was interrupted leaves a task that goes on.
            card.freeze_when_finished()
    else:
        with _terminal_line(task) as show:
            yield show


@contextlib.contextmanager
def _terminal_line(task: Task) -> Iterator[Show]:
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True, highlight=False)
    said = ""

    def show(info: TaskInfo, error: Exception | None = None) -> None:
        nonlocal said
        line = f"Task {info.task_id}: {info.alias}"
        if task._state.queue_position:
            line += f", {task._state.queue_position} ahead"
        if status is not None:
            line += f", {format_hms(total_seconds(info, task._state.server_time))}"
        if error is not None:
            line += " (no answer from the service; still trying)"
        if status is None:
            # Without a terminal, such as in a log file, each change is one line.
            if line != said:
                console.print(escape(line))
        else:
            status.update(escape(line))
        said = line

    if console.is_terminal:
        with console.status(f"Task {task.id}") as status:
            yield show
        console.print(escape(said))
    else:
        status = None
        yield show
