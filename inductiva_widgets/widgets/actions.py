"""What a card's buttons do, the same for a single card and for one opened in a table."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.live import poller_for
from inductiva_widgets.widgets import state

if TYPE_CHECKING:
    from inductiva_widgets.downloads import Download, Progress
    from inductiva_widgets.tasks.task import Task


class TaskActions:
    """Kill, list and download on behalf of the page; every method may run on any thread.

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
        on_download: Callable[[Task, state.DownloadView], None],
    ) -> None:
        self._find = find
        self._on_download = on_download
        self._lock = threading.Lock()
        self._downloads: dict[str, Download] = {}

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """Return the handlers of the requests, by kind."""
        return {
            "kill": self.kill,
            "outputs": self.outputs,
            "download": self.download,
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
        poller_for(task.client).poke()

    def outputs(self, content: dict[str, Any]) -> state.OutputsView:
        """Return the listing of the output archive."""
        return state.outputs_view(self.task(content).get_output_info())

    def download(self, content: dict[str, Any]) -> None:
        """Begin a download, unless one of this task is under way."""
        task = self.task(content)
        names = content.get("names")
        if names is not None and not (
            isinstance(names, list) and names and all(isinstance(name, str) for name in names)
        ):
            raise InputError("Choose at least one file.")
        with self._lock:
            running = self._downloads.get(task.id)
            if running is not None and running.progress.phase == "running":
                raise InputError("A download of this task is under way: wait or cancel it.")
            download = self._downloads[task.id] = task.start_download(names)

        def report(progress: Progress) -> None:
            self._on_download(task, state.download_view(progress, download.error))

        download.subscribe(report)
        report(download.progress)

    def cancel_download(self, content: dict[str, Any]) -> None:
        """Stop the download of a task; whole files are kept."""
        task = self.task(content)
        with self._lock:
            download = self._downloads.get(task.id)
        if download is not None:
            download.cancel()

    def current_download(self, task: Task) -> state.DownloadView | None:
        """Return how far the task's download is, None where there was none."""
        with self._lock:
            download = self._downloads.get(task.id)
        return None if download is None else state.download_view(download.progress, download.error)
