"""Acting on several tasks at once: kill them, wait for them, download their outputs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from inductiva_widgets._interrupts import DOWNLOAD_INTERRUPTED, explain_interrupt
from inductiva_widgets.errors import (
    APIConnectionError,
    AuthenticationError,
    InductivaError,
    InputError,
    TaskError,
)
from inductiva_widgets.status import Status
from inductiva_widgets.tasks import _display
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from inductiva_widgets.downloads import Download
    from inductiva_widgets.tasks.log_watch import LogWatch
    from inductiva_widgets.tasks.task_list import TaskList

Result = TypeVar("Result")

# Failed tasks that an error names.
_MAX_NAMED = 3


class BulkActions(Sequence[Task]):
    """What is asked of many tasks as of one; base of ``inductiva_widgets.tasks.TaskList``."""

    @explain_interrupt("The kill was interrupted; some of the tasks may have been asked to end.")
    def kill(self) -> None:
        """Ask the service to kill every task that has not ended; costs requests as ``Task.kill``.

        Raises
        ------
        InductivaError
            Some tasks could not be killed; the others were.

        Examples
        --------
        >>> swmm = inductiva.simulators.SWMM()
        >>> runs = inductiva.TaskList(swmm.run("cases/swmm_storm") for _ in range(2))
        >>> runs.kill()
        >>> [str(status) for status in runs.wait(silent_mode=True)]
        ['killed', 'killed']
        """
        each(list(self), lambda task: task.kill(), "killed")

    def watch(self, pattern: str | None = None, **options: Any) -> list[LogWatch]:
        """Read numbers from the logs of tasks that have not ended; requests as ``Task.watch``.

        Parameters
        ----------
        pattern, **options
            As for ``Task.watch``.

        Returns
        -------
        list of LogWatch
            One for each task that has not ended, in their order.

        Raises
        ------
        InputError
            As for ``Task.watch``; then none is watched.

        Examples
        --------
        >>> tasks.watch()
        []
        """
        begun: list[LogWatch] = []
        try:
            for task in [one for one in self if not one.refresh(max_age=1.0).is_terminal]:
                begun.append(task.watch(pattern, **options))  # noqa: PERF401 - some, on an error
        except InputError:
            for watch in begun:
                watch.stop()
            raise
        return begun

    @explain_interrupt("The wait was interrupted; the tasks go on.")
    def wait(self, polling_period: float = 1.0, silent_mode: bool = False) -> list[Status]:
        """Wait until every task has ended; an interrupt ends the wait alone.

        Shows one live table in a notebook, and a line for each task in a terminal.

        Parameters
        ----------
        polling_period
            Seconds between two looks at a task.
        silent_mode
            Whether to show nothing.

        Returns
        -------
        list of Status
            The final statuses, in order. Costs one request a period.

        Raises
        ------
        InductivaError
            Some tasks cannot be looked at, such as removed ones; the others have ended.

        Examples
        --------
        >>> [str(status) for status in tasks.wait()]
        ['success', 'failed', 'success']
        """
        in_notebook = _display.in_notebook()
        if in_notebook and not silent_mode:
            _display.display_task_list(cast("TaskList", self))
        silent = silent_mode or in_notebook
        return each(
            list(self),
            lambda task: task.wait(polling_period, silent, download_std_on_completion=False),
            "waited for",
        )

    @explain_interrupt(DOWNLOAD_INTERRUPTED)
    def download_outputs(
        self,
        filenames: Iterable[str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        uncompress: bool = True,
    ) -> list[Path]:
        """Download output files of every task; calling again finishes what was interrupted.

        The tasks share one limit on connections, and one progress bar. Each costs requests as
        ``Task.download_outputs`` does.

        Parameters
        ----------
        filenames
            As for ``Task.download_outputs``.
        output_dir
            Folder for one folder a task, called by its id; by default
            ``inductiva_output/<id>/outputs``.
        uncompress
            As for ``Task.download_outputs``.

        Returns
        -------
        list of Path
            The folders, in order.

        Raises
        ------
        DownloadError
            Some tasks have no output or could not be downloaded; those of the others are there.

        Examples
        --------
        >>> folders = tasks.filter(status="success").download_outputs(["*.rpt"], "reports")
        >>> [path.name for path in folders[0].iterdir()]
        ['model.rpt']
        """
        download = self.start_download(filenames, output_dir, uncompress)
        count = f"{len(self)} task{'' if len(self) == 1 else 's'}"
        paths = _display.wait_with_progress(download, f"Outputs of {count}")
        return paths if uncompress else [path.parent for path in paths]

    def start_download(
        self,
        filenames: Iterable[str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        uncompress: bool = True,
    ) -> Download[list[Path]]:
        """Begin ``download_outputs`` in the background; it costs the same requests.

        Parameters
        ----------
        filenames, output_dir, uncompress
            As for ``download_outputs``.

        Returns
        -------
        Download
            As from ``Task.start_download``; its result are the paths, in order.

        Examples
        --------
        >>> download = tasks.filter(status="success").start_download(["stdout.txt"], "logs")
        >>> len(download.result())
        2
        """
        from inductiva_widgets import config, downloads

        names = filenames if filenames is None or isinstance(filenames, str) else list(filenames)
        base = config.output_dir() if output_dir is None else Path(output_dir)
        sources = [
            task.output_request(names, None if output_dir is None else base / task.id, uncompress)
            for task in self
        ]
        return downloads.start_all(sources, base)


def each(tasks: Sequence[Task], action: Callable[[Task], Result], done: str) -> list[Result]:
    """Act on every task and return the results; a task that fails does not stop the others.

    Parameters
    ----------
    tasks
        The tasks.
    action
        What to do with one of them.
    done
        Past participle of the action, for the error.

    Raises
    ------
    InductivaError
        The error of the only task that failed, or one error that names those that failed. A
        service that does not answer or refuses the key ends it at once.
    """
    results: list[Result] = []
    failed: list[tuple[Task, InductivaError]] = []
    for task in tasks:
        error = _attempt(action, task, results)
        if error is None:
            continue
        failed.append((task, error))
        # If the first task meets it, so do the others.
        is_general = isinstance(error, (APIConnectionError, AuthenticationError))
        if is_general and not results:
            break
    if len(failed) == 1:
        raise failed[0][1]
    if failed:
        reasons = " ".join(f"{task.id}: {error}" for task, error in failed[:_MAX_NAMED])
        more = f" … and {len(failed) - _MAX_NAMED} more" if len(failed) > _MAX_NAMED else ""
        raise TaskError(
            f"{len(failed)} of {len(tasks)} tasks could not be {done}. {reasons}{more}"
        ) from failed[0][1]
    return results


def _attempt(
    action: Callable[[Task], Result], task: Task, results: list[Result]
) -> InductivaError | None:
    try:
        results.append(action(task))
    except InputError:
        # A bad argument is bad for all of them.
        raise
    except InductivaError as error:
        return error
    return None
