"""What a card's buttons do, the same for a single card and for one opened in a table."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from inductiva_widgets.errors import InputError
from inductiva_widgets.polling import get_poller
from inductiva_widgets.widgets import contract, view_models
from inductiva_widgets.widgets.log_view import log_view
from inductiva_widgets.widgets.preview import preview
from inductiva_widgets.widgets.working_files import files_view

if TYPE_CHECKING:
    from inductiva_widgets.downloads import Download, Progress
    from inductiva_widgets.tasks.task import Task


class TaskActions:
    """Kill, list, read and download on behalf of the page; every method may run on any thread.

    Parameters
    ----------
    find
        Gives the task of an id, or None: the page can only act on what it shows.
    on_download
        Called with the task and how far its download is.
    """

    def __init__(
        self,
        find: Callable[[str], Task | None],
        on_download: Callable[[Task, contract.DownloadView], None],
    ) -> None:
        self._find = find
        self._on_download = on_download
        self._lock = threading.Lock()
        self._downloads: dict[str, _ActiveDownload] = {}
        self._starting: set[str] = set()

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """Return the handlers of the requests, by kind."""
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
        """Return the task that a request is about.

        Raises
        ------
        InputError
            The widget does not show it.
        """
        task_id = content.get("task_id")
        task = self._find(task_id) if isinstance(task_id, str) else None
        if task is None:
            raise InputError("The task is not shown here.")
        return task

    def kill(self, content: dict[str, Any]) -> None:
        """Ask for a kill; the news of its end comes by the poller."""
        task = self.task(content)
        task.kill()
        get_poller(task.client).poll_now()

    def outputs(self, content: dict[str, Any]) -> contract.OutputsView:
        """Return the listing of the output archive."""
        return view_models.outputs_view(self.task(content).get_output_info())

    def log(self, content: dict[str, Any]) -> contract.LogView:
        """Return a stretch of a log."""
        return log_view(self.task(content), content)

    def download(self, content: dict[str, Any]) -> None:
        """Begin a download, unless one of this task is under way."""
        task = self.task(content)
        names = content.get("names")
        if names is not None and not (
            isinstance(names, list) and names and all(isinstance(name, str) for name in names)
        ):
            raise InputError("Choose at least one file.")
        self._start_download(task, names)

    def pause_download(self, content: dict[str, Any]) -> None:
        """Let the download of a task rest."""
        asked = self._active(self.task(content))
        if asked is not None:
            asked.download.pause()

    def resume_download(self, content: dict[str, Any]) -> None:
        """Go on with the download of a task: after a pause, or anew after a cancel or a failure."""
        task = self.task(content)
        asked = self._active(task)
        if asked is None:
            raise InputError("There is no download to go on with.")
        if asked.download.progress.phase in ("cancelled", "failed"):
            self._start_download(task, asked.names)
        else:
            asked.download.resume()

    def cancel_download(self, content: dict[str, Any]) -> None:
        """Stop the download of a task; whole files are kept."""
        asked = self._active(self.task(content))
        if asked is not None:
            asked.download.cancel()

    def current_download(self, task: Task) -> contract.DownloadView | None:
        """Return how far the task's download is, None where there was none."""
        asked = self._active(task)
        return None if asked is None else _view(asked.download)

    def _active(self, task: Task) -> _ActiveDownload | None:
        with self._lock:
            return self._downloads.get(task.id)

    def _start_download(self, task: Task, names: list[str] | None) -> None:
        with self._lock:
            asked = self._downloads.get(task.id)
            if task.id in self._starting or (asked and not asked.download.progress.ended):
                raise InputError("A download of this task is under way: wait or cancel it.")
            self._starting.add(task.id)
        try:
            # Without the lock: it asks the service, and the buttons of other tasks must not wait.
            download = task.start_download(names)
            with self._lock:
                self._downloads[task.id] = _ActiveDownload(download, names)
        finally:
            with self._lock:
                self._starting.discard(task.id)

        def report(_: Progress) -> None:
            asked = self._active(task)
            # The last words of a download that was begun anew would hide how far the new one is.
            if asked is not None and asked.download is download:
                self._on_download(task, _view(download))

        download.subscribe(report)


class _ActiveDownload(NamedTuple):
    """A download, and the files that were asked for; None for all."""

    download: Download[Any]
    names: list[str] | None


def _view(download: Download[Any]) -> contract.DownloadView:
    return view_models.download_view(download.progress, download.error)
