"""What is done to all chosen tasks of a list together: kill them, download their outputs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import InductivaError, InputError
from inductiva_widgets.polling import get_poller, run_in_thread
from inductiva_widgets.tasks.task_list import TaskList
from inductiva_widgets.widgets import contract, view_models

if TYPE_CHECKING:
    from pathlib import Path

    from inductiva_widgets.downloads import Download, Progress
    from inductiva_widgets.tasks.task import Task

# Polite to the service, and enough to hide the way there.
_AT_ONCE = 4
_TOLD = 3
_NOT_KILLED = "The task could not be killed"


class SelectionActions:
    """Kill and download the chosen tasks; every method may run on any thread.

    Parameters
    ----------
    chosen
        Gives the chosen tasks that can be killed (``"can_kill"``) or have outputs
        (``"has_outputs"``).
    on_download
        Called with how far the download is.
    on_error
        Called with the id of a task that could not be killed and why; several are told as one,
        without an id.
    """

    def __init__(
        self,
        chosen: Callable[[str], TaskList],
        on_download: Callable[[contract.DownloadView], None],
        on_error: Callable[[str, contract.ErrorView], None],
    ) -> None:
        self._chosen = chosen
        self._on_download = on_download
        self._on_error = on_error
        self._lock = threading.Lock()
        self._is_starting = False
        self._download: Download[list[Path]] | None = None
        self._tasks = TaskList()
        self._stop_telling: Callable[[], None] = lambda: None

    def kill(self, _: dict[str, Any]) -> dict[str, int]:
        """Ask for the kills; the news of their ends come by the poller."""
        tasks = list(self._chosen("can_kill"))
        if not tasks:
            raise InputError("None of the selected tasks can be killed: all have ended.")

        def fail(error: Exception) -> None:
            self._on_error("", view_models.error_view("The tasks could not be killed", error))

        run_in_thread(lambda: self._kill(tasks), fail, "kill")
        return {"tasks": len(tasks)}

    def download(self, _: dict[str, Any]) -> None:
        """Begin to download the outputs of the chosen tasks, unless such a download runs."""
        self._begin(lambda: self._chosen("has_outputs"))

    def pause(self, _: dict[str, Any]) -> None:
        """Let the download rest."""
        if self._download is not None:
            self._download.pause()

    def resume(self, _: dict[str, Any]) -> None:
        """Go on with the download: after a pause, or anew after a cancel or a failure."""
        if self._download is None:
            raise InputError("There is no download to go on with.")
        if self._download.progress.phase in ("cancelled", "failed"):
            self._begin(lambda: self._tasks)
        else:
            self._download.resume()

    def cancel(self, _: dict[str, Any]) -> None:
        """Stop the download; whole files are kept."""
        if self._download is not None:
            self._download.cancel()

    def close(self) -> None:
        """Tell no more; what was asked for goes on."""
        self._stop_telling()

    def _kill(self, tasks: list[Task]) -> None:
        failed: list[tuple[Task, Exception]] = []

        def kill(task: Task) -> None:
            try:
                task.kill()
            except Exception as error:  # told below, with the others
                failed.append((task, error))

        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="inductiva-kill") as pool:
            list(pool.map(kill, tasks))
        for client in {task.client for task in tasks}:
            get_poller(client).poll_now()
        if len(failed) == 1:
            ((task, error),) = failed
            self._on_error(task.id, view_models.error_view(_NOT_KILLED, error))
        elif failed:
            self._on_error("", _merged(failed, len(tasks)))

    def _begin(self, wanted: Callable[[], TaskList]) -> None:
        with self._lock:
            running = self._download is not None and not self._download.progress.ended
            if self._is_starting or running:
                raise InputError(
                    "A download of selected tasks is under way: wait for it, or cancel it."
                )
            self._is_starting = True
        try:
            tasks = wanted()
            if not tasks:
                raise InputError("None of the selected tasks has output files.")
            self._stop_telling()
            self._tasks = tasks
            self._download = download = tasks.start_download()
        finally:
            self._is_starting = False

        def report(_: Progress) -> None:
            # The last words of a download that was begun anew would hide how far the new one is.
            if self._download is download:
                self._on_download(view_models.download_view(download.progress, download.error))

        self._stop_telling = download.subscribe(report)


def _merged(failed: list[tuple[Task, Exception]], asked: int) -> contract.ErrorView:
    # The words of each by themselves: only our own errors are fit to be shown.
    words = [f"{task.id}: {view_models.error_view('', error)['detail']}" for task, error in failed]
    more = f" … and {len(words) - _TOLD} more" if len(words) > _TOLD else ""
    title = f"{len(failed)} of {asked} tasks could not be killed"
    return view_models.error_view(title, InductivaError(" ".join(words[:_TOLD]) + more))
