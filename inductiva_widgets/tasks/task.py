"""One task on the service: look at it, wait for it, kill it, get its files."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from inductiva_widgets import config, timing
from inductiva_widgets.api.connect import default_client
from inductiva_widgets.errors import InputError, TaskError
from inductiva_widgets.models import KNOWN_STATUSES, Status, TaskInfo, TaskStatus
from inductiva_widgets.tasks import _display
from inductiva_widgets.tasks.outputs import OutputsInfo
from inductiva_widgets.tasks.waiting import wait_for

if TYPE_CHECKING:
    from inductiva_widgets.api.client import Client
    from inductiva_widgets.downloads import Download
    from inductiva_widgets.widgets import TaskWidget

ARTIFACTS = "artifacts/"


class Task:
    """A simulation that was submitted.

    Shows itself as a live card in a notebook. Methods may be called from several threads.

    Parameters
    ----------
    task_id
        The task's id. No request is made, so a wrong id shows at the first use.
    client
        The service; by default that of the last :func:`inductiva_widgets.connect`.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.tasks.Task("n7pbtxunxqzuca6nwe9v0gn75").id  # doctest: +SKIP
    'n7pbtxunxqzuca6nwe9v0gn75'
    """

    def __init__(
        self, task_id: str, *, client: Client | None = None, _info: TaskInfo | None = None
    ) -> None:
        if not isinstance(task_id, str) or not task_id.strip():
            raise InputError("A task id is text, such as 'n7pbtxunxqzuca6nwe9v0gn75'.")
        self.id = task_id.strip()
        self.client = client or default_client()
        self._lock = threading.Lock()
        self._info = _info
        self._tasks_ahead: int | None = None
        self._seen_at = -float("inf") if _info is None else time.monotonic()

    @classmethod
    def from_info(cls, info: TaskInfo, client: Client) -> Task:
        """Return the task of a listing's row, without a request."""
        return cls(info.task_id, client=client, _info=info)

    # What is known

    def __repr__(self) -> str:
        info = self._info
        if info is None:
            return f"Task({self.id!r})"
        return f"Task({self.id!r}, simulator={info.simulator!r}, status='{info.status}')"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Task):
            return NotImplemented
        return (self.id, self.client.url) == (other.id, other.client.url)

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def known(self) -> TaskInfo | None:
        """What was last learnt of the task; never costs a request."""
        return self._info

    @property
    def tasks_ahead(self) -> int | None:
        """Queue position as last learnt; never costs a request."""
        return self._tasks_ahead

    @property
    def info(self) -> TaskInfo:
        """What is known of the task; costs a request only the first time."""
        return self._info or self.get_info()

    @property
    def now(self) -> datetime:
        """The service's present time, by its last answer."""
        return datetime.now(timezone.utc) + timedelta(seconds=self.client.transport.clock_skew)

    def get_info(self) -> TaskInfo:
        """Return the detail of the task, fresh; costs one request.

        A finished task whose detail is known costs none, since nothing changes any more.

        Raises
        ------
        NotFoundError
            The service knows no such task.
        """
        known = self._info
        if known is not None and known.is_terminal and known.status_history is not None:
            return known
        return self.learn(self.client.task(self.id))

    def learn(self, info: TaskInfo, tasks_ahead: int | None = None) -> TaskInfo:
        """Take over news of the task from a listing or a poll; returns the newest knowledge.

        A late answer never brings an ended task back to life.
        """
        with self._lock:
            known = self._info
            if known is None or not known.is_terminal or info.is_terminal:
                self._info = info if known is None else _with_detail(info, known)
            self._tasks_ahead = tasks_ahead
            self._seen_at = time.monotonic()
            return self._info or info

    def refresh(self, max_age: float = 0.0) -> TaskInfo:
        """Return the present state, with as few requests as it takes.

        Costs none when the task has ended or was looked at within ``max_age`` seconds (by a live
        card, say), else one for the status, and one more when the status has changed.
        """
        known = self._info
        if known is not None and known.is_terminal and known.status_history is not None:
            return known
        if known is not None and time.monotonic() - self._seen_at < max_age:
            return known
        if known is None:
            return self.get_info()
        status = self.client.task_status(self.id)
        if self.is_news(status):
            return self.learn(self.client.task(self.id), status.tasks_ahead)
        return self.learn(known, status.tasks_ahead)

    def is_news(self, status: TaskStatus) -> bool:
        """Return whether a status answer says that the detail should be fetched again."""
        known = self._info
        return (
            known is None
            or known.status_history is None
            or known.status != status.status
            or known.is_terminal != status.is_terminal
        )

    def get_status(self) -> Status:
        """Return the status; costs one request while the task is alive, none once it has ended.

        Examples
        --------
        >>> print(Status("submitted"))
        submitted
        """
        known = self._info
        if known is not None and known.is_terminal:
            return known.status
        status = self.client.task_status(self.id)
        if self.is_news(status):
            return self.learn(self.client.task(self.id), status.tasks_ahead).status
        return status.status

    def get_position_in_queue(self) -> int | None:
        """Return how many tasks stand before this one, None when it is not queued; one request."""
        return self.client.task_status(self.id).tasks_ahead

    def get_machine_type(self) -> str | None:
        """Return the machine's type, such as ``"c2-standard-4"``.

        Returns
        -------
        str or None
            None until a machine has picked the task up. Costs a request only while not known.
        """
        known = self._info
        if known is not None and (known.is_terminal or known.machine_type is not None):
            return known.machine_type
        return self.get_info().machine_type

    def get_simulator_name(self) -> str | None:
        """Return the simulator's name on the service, such as ``"reef3d"``."""
        return self.info.simulator

    def get_storage_path(self) -> str | None:
        """Return the task's folder in the remote storage."""
        return self.info.storage_path

    def is_running(self) -> bool:
        """Return whether a machine works on the task; costs as :meth:`get_status`."""
        return self.get_status().is_running

    def is_failed(self) -> bool:
        """Return whether the task ended without success; costs as :meth:`get_status`."""
        return self.get_status().is_failed

    def is_terminal(self) -> bool:
        """Return whether the task has ended; costs as :meth:`get_status`."""
        return self.refresh().is_terminal

    def get_computation_time(self) -> float | None:
        """Return how long the simulator ran, or has been running, in seconds.

        Returns
        -------
        float or None
            None while the computation has not started. Costs as :meth:`refresh`.
        """
        return timing.computation_seconds(self.refresh(), self.now)

    get_execution_time = get_computation_time

    def get_total_time(self) -> float | None:
        """Return the seconds from creation to the end, or until now; costs as :meth:`refresh`."""
        return timing.total_seconds(self.refresh(), self.now)

    def get_metadata(self) -> dict[str, str]:
        """Return the metadata of the task; costs one request."""
        return self.client.get_metadata(self.id)

    def set_metadata(self, metadata: dict[str, str]) -> None:
        """Replace the metadata of the task; costs one request.

        Raises
        ------
        InputError
            A key or value is empty or no text.
        """
        for key, value in metadata.items():
            if not all(isinstance(item, str) and item for item in (key, value)):
                raise InputError(f"Metadata is text by text, none empty: {key!r}: {value!r}.")
        self.client.set_metadata(self.id, metadata)

    # Waiting and killing

    def wait(
        self,
        polling_period: float = 1.0,
        silent_mode: bool = False,
        download_std_on_completion: bool = True,
    ) -> Status:
        """Wait until the task has ended. An interrupt ends the wait alone, not the task.

        Shows a live card in a notebook and one updating line in a terminal.

        Parameters
        ----------
        polling_period
            Seconds between two looks at the task.
        silent_mode
            Whether to show nothing.
        download_std_on_completion
            Whether to download ``stdout.txt`` and ``stderr.txt`` at the end.

        Returns
        -------
        Status
            The final status. Costs one request a period, fewer when a live card looks anyway.
        """
        info = wait_for(self, lambda info: info.is_terminal, polling_period, silent_mode)
        if download_std_on_completion and info.has_outputs:
            with contextlib.suppress(TaskError):
                self.download_outputs(["stdout.txt", "stderr.txt"], _quiet=True)
        return info.status

    def wait_for_status(
        self,
        status: str,
        polling_period: float = 1.0,
        silent_mode: bool = False,
    ) -> bool:
        """Wait until the task has a status, or has ended.

        Parameters
        ----------
        status
            Code of the status, such as ``"computation-started"``.
        polling_period, silent_mode
            As for :meth:`wait`.

        Returns
        -------
        bool
            True when the task is in that status, False when it ended in another.

        Raises
        ------
        InputError
            There is no such status.
        """
        wanted = known_status(status)
        info = wait_for(
            self,
            lambda info: info.status == wanted or info.is_terminal,
            polling_period,
            silent_mode,
        )
        return info.status == wanted

    @contextlib.contextmanager
    def sync_context(self) -> Iterator[Task]:
        """Kill the remote task when the block is left by an exception or an interrupt.

        The exception goes on, the interrupt too.

        Examples
        --------
        >>> with task.sync_context():  # doctest: +SKIP
        ...     task.wait()
        """
        try:
            yield self
        except BaseException:
            self.kill()
            raise

    def kill(self, wait_timeout: float | None = None) -> bool | None:
        """Ask the service to kill the task.

        Parameters
        ----------
        wait_timeout
            Seconds to wait for the end; None to return once the request is accepted.

        Returns
        -------
        bool or None
            None without ``wait_timeout``; else whether the task has ended in time. A task that had
            ended before is left as it is: None, or True. Costs two requests and one a second.

        Raises
        ------
        TypeError, ValueError
            ``wait_timeout`` is no number, or negative.
        """
        if wait_timeout is not None:
            if isinstance(wait_timeout, bool) or not isinstance(wait_timeout, (int, float)):
                raise TypeError("wait_timeout must be a number of seconds or None.")
            if not wait_timeout >= 0:
                raise InputError("wait_timeout must not be negative.")
        if not self.refresh().is_terminal:
            self.client.kill(self.id)
            self._seen_at = -float("inf")
        if wait_timeout is None:
            return None
        deadline = time.monotonic() + wait_timeout
        while not (ended := self.refresh().is_terminal) and time.monotonic() < deadline:
            time.sleep(min(0.5, max(0.0, deadline - time.monotonic())))
        return ended

    # Files

    def get_output_info(self) -> OutputsInfo:
        """Return the listing of the output archive; prints as a table. Costs one request.

        Raises
        ------
        TaskError
            There is no output, the reason given.
        """
        return OutputsInfo.from_listing(self.client.archive_listing(self._output_path(), ARTIFACTS))

    get_output_files_info = get_output_info

    def get_output_url(self) -> str:
        """Return a signed link to the output archive, valid for a while; costs one request."""
        return self.client.signed_url("download", self._output_path(), self.info.storage_region)

    def download_outputs(
        self,
        filenames: Iterable[str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        uncompress: bool = True,
        *,
        _quiet: bool = False,
    ) -> Path:
        """Download output files; calling again after an interruption finishes the job.

        Parameters
        ----------
        filenames
            Names, globs (``"*.csv"``) or folders (``"vtk/"``); None for all. Of the archive only
            the bytes of these files are fetched.
        output_dir
            Folder for the files; by default ``inductiva_output/<id>/outputs``.
        uncompress
            False to keep the archive as it is, as ``output.zip`` in the folder.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        TaskError
            There is no output, the reason given.
        DownloadError
            The download did not become whole; what is whole is kept.
        """
        download = self.start_download(filenames, output_dir, uncompress)
        path = _display.finish_download(self, download, quiet=_quiet)
        return path if uncompress else path.parent

    def start_download(
        self,
        filenames: Iterable[str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        uncompress: bool = True,
    ) -> Download:
        """Begin :meth:`download_outputs` in the background.

        Returns
        -------
        Download
            It carries the progress, ``cancel()`` and ``result()``.
        """
        from inductiva_widgets import downloads

        if isinstance(filenames, str):
            raise InputError("filenames must be a list of names, such as ['stdout.txt'].")
        names = None if filenames is None else list(filenames)
        if names is not None and not uncompress:
            raise InputError("uncompress=False keeps the whole archive: leave filenames out.")
        folder = (
            config.output_dir() / self.id / "outputs" if output_dir is None else Path(output_dir)
        )
        url = self.get_output_url()
        if not uncompress:
            return downloads.start_file(url, folder / "output.zip", renew=self.get_output_url)
        return downloads.start_archive(
            url, folder, names, strip_prefix=ARTIFACTS, renew=self.get_output_url
        )

    def remove_remote_files(self) -> None:
        """Delete the task's files in the remote storage; costs one request."""
        path = self.info.storage_path
        if path:
            self.client.remove_path(path)

    def _output_path(self) -> str:
        known = self._info
        info = known if known is not None and known.is_terminal else self.get_info()
        if not info.is_terminal:
            raise TaskError(
                f"Task {self.id} has no output yet: it is {info.alias.lower()}. "
                "Wait for its end with task.wait()."
            )
        if not info.has_outputs or info.storage_output_path is None:
            raise TaskError(
                f"Task {self.id} has no output: it ended as {info.alias.lower()}. "
                f"{info.status.facts.meaning}"
            )
        return info.storage_output_path

    # Display

    def widget(self) -> TaskWidget:
        """Return a new live card of the task."""
        return _display.task_widget(self)

    def _repr_mimebundle_(self, **_: Any) -> _display.Bundle:
        return _display.task_bundle(self)


def _with_detail(info: TaskInfo, known: TaskInfo) -> TaskInfo:
    """Keep the history that a listing leaves out, as long as it still tells the whole story."""
    if info.status_history is not None or known.status != info.status:
        return info
    return msgspec.structs.replace(info, status_history=known.status_history)


def known_status(status: str) -> Status:
    """Return the status with a code.

    Raises
    ------
    InputError
        There is no such status; the known ones are listed.
    """
    if not isinstance(status, str) or status not in KNOWN_STATUSES:
        raise InputError(f"There is no status {status!r}. Known: {', '.join(KNOWN_STATUSES)}.")
    return Status(status)
