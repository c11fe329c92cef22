"""Actions on the selected tasks of a table: kill and download."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from inductiva_widgets._callbacks import run_in_thread
from inductiva_widgets.errors import InductivaError, InputError
from inductiva_widgets.polling import get_poller
from inductiva_widgets.tasks.task_list import TaskList
from inductiva_widgets.widgets import contract, view_models

if TYPE_CHECKING:
    from pathlib import Path

    from inductiva_widgets.downloads import Download, Progress
    from inductiva_widgets.tasks.task import Task

# Enough to hide the latency of the service without overloading it.
_MAX_CONCURRENT_KILLS = 4
_MAX_ERRORS_SHOWN = 3


class SelectionActions:
    """Kill the selected tasks and download their outputs. Thread-safe.

    Parameters
    ----------
    get_selected
        Returns the selected tasks with a flag, ``"can_kill"`` or ``"has_outputs"``.
    on_download
        Called with the progress of the download.
    on_error
        Called with the id of a task that could not be killed and the error, or with "" and one
        error for several tasks.
    """

    def __init__(
        self,
        get_selected: Callable[[str], TaskList],
        on_download: Callable[[contract.DownloadView], None],
        on_error: Callable[[str, contract.ErrorView], None],
    ) -> None:
        self._get_selected = get_selected
        self._on_download = on_download
        self._on_error = on_error
        self._lock = threading.Lock()
        self._is_starting = False
        self._download: Download[list[Path]] | None = None
        self._tasks = TaskList()
        self._unsubscribe: Callable[[], None] = lambda: None

    def kill(self, _: dict[str, Any]) -> dict[str, int]:
        """Request the kills on a worker thread, and return the number of tasks."""
        tasks = list(self._get_selected("can_kill"))
        if not tasks:
            raise InputError("None of the selected tasks can be killed: all have ended.")

        def fail(error: Exception) -> None:
            self._on_error("", view_models.error_view("The tasks could not be killed", error))

        run_in_thread(lambda: self._kill(tasks), fail, "kill")
        return {"tasks": len(tasks)}

    def download(self, _: dict[str, Any]) -> None:
        """Start to download the outputs of the selected tasks, unless a download is running."""
        self._start_download(lambda: self._get_selected("has_outputs"))

    def pause(self, _: dict[str, Any]) -> None:
        """Pause the download."""
        if self._download is not None:
            self._download.pause()

    def resume(self, _: dict[str, Any]) -> None:
        """Resume the download after a pause, or restart it after a cancellation or failure."""
        if self._download is None:
            raise InputError("There is no download to resume.")
        if self._download.progress.phase in ("cancelled", "failed"):
            self._start_download(lambda: self._tasks)
        else:
            self._download.resume()

    def cancel(self, _: dict[str, Any]) -> None:
        """Cancel the download. Complete files are kept."""
        if self._download is not None:
            self._download.cancel()

    def close(self) -> None:
        """End the calls of ``on_download``. The download and the kills continue."""
        self._unsubscribe()

    def _kill(self, tasks: list[Task]) -> None:
        failed: list[tuple[Task, Exception]] = []

        def kill(task: Task) -> None:
            try:
                task.kill()
            except Exception as error:  # reported below, together with other errors
                failed.append((task, error))

        with ThreadPoolExecutor(_MAX_CONCURRENT_KILLS, "inductiva-kill") as pool:
            list(pool.map(kill, tasks))
        for client in {task.client for task in tasks}:
            get_poller(client).poll_now()
        if len(failed) == 1:
            ((task, error),) = failed
            self._on_error(task.id, view_models.error_view("The task could not be killed", error))
        elif failed:
            self._on_error("", _combined_error(failed, len(tasks)))

    def _start_download(self, get_tasks: Callable[[], TaskList]) -> None:
        with self._lock:
            is_running = self._download is not None and not self._download.progress.ended
            if self._is_starting or is_running:
                raise InputError(
                    "A download of selected tasks is running. Wait for it, or cancel it."
                )
            self._is_starting = True
        try:
            tasks = get_tasks()
            if not tasks:
                raise InputError("None of the selected tasks has output files.")
            self._unsubscribe()
            self._tasks = tasks
            self._download = download = tasks.start_download()
        finally:
            self._is_starting = False

        def report(_: Progress) -> None:
            # Late progress of a download that has been restarted is ignored.
            if self._download is download:
                self._on_download(view_models.download_view(download.progress, download.error))

        self._unsubscribe = download.subscribe(report)


def _combined_error(failed: list[tuple[Task, Exception]], n_tasks: int) -> contract.ErrorView:
    # Through `error_view`, which hides the messages of unexpected exceptions.
    details = [
        f"{task.id}: {view_models.error_view('', error)['detail']}" for task, error in failed
    ]
    n_hidden = len(details) - _MAX_ERRORS_SHOWN
    more = f" … and {n_hidden} more" if n_hidden > 0 else ""
    title = f"{len(failed)} of {n_tasks} tasks could not be killed"
    message = " ".join(details[:_MAX_ERRORS_SHOWN]) + more
    return view_models.error_view(title, InductivaError(message))
