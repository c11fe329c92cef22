"""Widget of the output files of a task."""

from __future__ import annotations

import threading
from html import escape
from typing import TYPE_CHECKING, Any

import traitlets

from inductiva_widgets.errors import InductivaError
from inductiva_widgets.widgets import contract, static_html, view_models
from inductiva_widgets.widgets.base import BaseWidget, Bundle
from inductiva_widgets.widgets.task_actions import TaskActions

if TYPE_CHECKING:
    from inductiva_widgets.tasks.outputs import OutputsInfo
    from inductiva_widgets.tasks.task import Task

_ALL = "*"


class OutputsWidget(BaseWidget):
    """Tree of the output files of a task, to search, select, preview and download.

    Parameters
    ----------
    task
        The task.
    **kwargs
        Traits: ``chosen``, the names of the selected files and folders such as ``"vtk/"``, or
        ``["*"]`` for all files, and those of any widget, such as ``layout``.

    Notes
    -----
    Requests: none to create, 1 to display the widget.

    Examples
    --------
    >>> widget = inductiva.OutputsWidget(task, chosen=["stdout.txt", "model.rpt"])
    >>> widget.selected
    ['model.rpt', 'stdout.txt']
    >>> folder = task.download_outputs(widget.selected)
    """

    kind = traitlets.Unicode("outputs").tag(sync=True)
    id = traitlets.Unicode().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    download = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    chosen = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, task: Task, **kwargs: Any) -> None:
        self.task = task
        self._info: OutputsInfo | None = None
        self._lock = threading.Lock()
        super().__init__(id=task.id, title=f"Outputs of task {task.id}", **kwargs)
        self._actions = TaskActions(self._find, self._show_download)
        self._handlers.update(self._actions.handlers(), outputs=self._list)

    def __repr__(self) -> str:
        return f"OutputsWidget({self.task!r})"

    @property
    def selected(self) -> list[str]:
        """Names of the selected files. One request if the files have not been listed.

        Raises
        ------
        TaskError
            The task has no output.
        """
        chosen = set(self.chosen)
        if not chosen:
            return []
        names = [file.name for file in self._outputs().contents]
        return names if _ALL in chosen else [name for name in names if _is_in(name, chosen)]

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        try:
            outputs = self._outputs()
        except InductivaError as error:
            # The front end requests the files again, and shows the error.
            text = f"{self.title}: {error}"
            return self._with_fallback(text, f"<div>{escape(text)}</div>")
        return self._with_fallback(str(outputs), static_html.outputs_html(outputs))

    def _stored_state(self) -> object:
        return self._info is not None

    def _outputs(self) -> OutputsInfo:
        # Cached, since the outputs of a finished task do not change.
        with self._lock:
            if self._info is None:
                self._info = self.task.get_output_info()
            return self._info

    def _list(self, content: dict[str, Any]) -> contract.OutputsView:
        self._actions.task(content)
        outputs = self._outputs()
        # The stored display may have an error instead of the files.
        self._update_stored()
        return view_models.outputs_view(outputs)

    def _find(self, task_id: str) -> Task | None:
        return self.task if task_id == self.task.id else None

    def _show_download(self, _: Task, view: contract.DownloadView) -> None:
        self.download = dict(view)


def _is_in(name: str, chosen: set[str]) -> bool:
    """Return whether a file or one of its folders is among the chosen names."""
    if name in chosen:
        return True
    return any(name[: at + 1] in chosen for at, letter in enumerate(name[:-1]) if letter == "/")
