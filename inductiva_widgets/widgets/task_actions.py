"""Actions on a task, for a single card and for the cards of a table."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from inductiva_widgets.errors import InputError
from inductiva_widgets.polling import get_poller
from inductiva_widgets.widgets import contract, view_models
from inductiva_widgets.widgets.log_view import log_view
from inductiva_widgets.widgets.preview import preview
from inductiva_widgets.widgets.view_models import files_view

if TYPE_CHECKING:
    from inductiva_widgets.downloads import Download, Progress
    from inductiva_widgets.tasks.task import Task


class TaskActions:
    """Handle the requests of the front end about a task. Thread-safe.

    Parameters
    ----------
    get_task
        Returns the task of an id if the widget shows it, or None.
    on_download
        Called with a task and the progress of its download.
    """

    def __init__(
        self,
        get_task: Callable[[str], Task | None],
        on_download: Callable[[Task, contract.DownloadView], None],
    ) -> None:
        self._get_task = get_task
        self._on_download = on_download
        self._lock = threading.Lock()
        self._downloads: dict[str, _ActiveDownload] = {}
        self._starting: set[str] = set()

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """Return the request handlers by kind."""
        return {
            "kill": self.kill,
            "outputs": self.outputs,
            "preview": lambda content: preview(self.task(content), content.get("name")),
            "files": lambda content: files_view(self.task(content)),
            "log": self.log,
            "download": self.download,
            "pause_download": self.pause_download,
            "resume_download": self.resume_download,
            "cancel_download": self.cancel_download,
        }

    def task(self, content: dict[str, Any]) -> Task:
        """Return the task of a request.

        Raises
        ------
        InputError
            The widget does not show this task.
        """
        task_id = content.get("task_id")
        task = self._get_task(task_id) if isinstance(task_id, str) else None
        if task is None:
            raise InputError("The task is not shown here.")
        return task

    def kill(self, content: dict[str, Any]) -> None:
        """Request a kill. The poller updates the widget when the task has ended."""
        task = self.task(content)
        task.kill()
        get_poller(task.client).poll_now()

    def outputs(self, content: dict[str, Any]) -> contract.OutputsView:
        """Return the listing of the output archive."""
        return view_models.outputs_view(self.task(content).get_output_info())

    def log(self, content: dict[str, Any]) -> contract.LogView:
        """Return a part of a log."""
        return log_view(self.task(content), content)

    def download(self, content: dict[str, Any]) -> None:
        """Start a download, unless one of this task is running."""
        task = self.task(content)
        names = content.get("names")
        if names is not None and not (
            isinstance(names, list) and names and all(isinstance(name, str) for name in names)
        ):
            raise InputError("Choose at least one file.")
        self._start_download(task, names)

    def pause_download(self, content: dict[str, Any]) -> None:
        """Pause the download of a task."""
        active = self._active(self.task(content))
        if active is not None:
            active.download.pause()

    def resume_download(self, content: dict[str, Any]) -> None:
        """Resume a download after a pause, or restart it after a cancellation or failure."""
        task = self.task(content)
        active = self._active(task)
        if active is None:
            raise InputError("There is no download to resume.")
        if active.download.progress.phase in ("cancelled", "failed"):
            self._start_download(task, active.names)
        else:
            active.download.resume()

    def cancel_download(self, content: dict[str, Any]) -> None:
        """Cancel the download of a task. Complete files are kept."""
        active = self._active(self.task(content))
        if active is not None:
            active.download.cancel()

    def current_download(self, task: Task) -> contract.DownloadView | None:
        """Return the progress of the last download of a task, or None if there was none."""
        active = self._active(task)
        return None if active is None else _view(active.download)

    def _active(self, task: Task) -> _ActiveDownload | None:
        with self._lock:
            return self._downloads.get(task.id)

    def _start_download(self, task: Task, names: list[str] | None) -> None:
        with self._lock:
            active = self._downloads.get(task.id)
            if task.id in self._starting or (active and not active.download.progress.ended):
                raise InputError("A download of this task is running. Wait for it, or cancel it.")
            self._starting.add(task.id)
        try:
            # Without the lock, since this makes requests that would block other tasks.
            download = task.start_download(names)
            with self._lock:
                self._downloads[task.id] = _ActiveDownload(download, names)
        finally:
            with self._lock:
                self._starting.discard(task.id)

        def report(_: Progress) -> None:
            active = self._active(task)
            # Late progress of a download that has been restarted is ignored.
            if active is not None and active.download is download:
                self._on_download(task, _view(download))

        download.subscribe(report)


class _ActiveDownload(NamedTuple):
    """Download of a task, and the names of its files; None for all files."""

    download: Download[Any]
    names: list[str] | None


def _view(download: Download[Any]) -> contract.DownloadView:
    return view_models.download_view(download.progress, download.error)
