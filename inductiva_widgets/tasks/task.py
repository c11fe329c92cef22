"""One task: its state, files, log and display."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from inductiva_widgets import timing
from inductiva_widgets._interrupts import DOWNLOAD_INTERRUPTED, explain, explain_interrupt
from inductiva_widgets.errors import (
    APIConnectionError,
    InductivaError,
    InputError,
    RateLimitError,
    ServerError,
)
from inductiva_widgets.filters import parse_status
from inductiva_widgets.history.invalidation import mark_stale
from inductiva_widgets.http.time_limits import single_try
from inductiva_widgets.status import Status
from inductiva_widgets.tasks import _display, log_watch, working_files
from inductiva_widgets.tasks._files import StoredFiles
from inductiva_widgets.tasks._state import TaskState
from inductiva_widgets.tasks._summary import format_summary
from inductiva_widgets.tasks._wait import StatusListener, poll_until

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Self

    from inductiva_widgets.downloads import ArchiveRequest, Download, Limits
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.tasks.log_watch import LogWatch, Then
    from inductiva_widgets.tasks.outputs import OutputsInfo
    from inductiva_widgets.tasks.working_files import ModifiedFile, RawText, WorkingFiles

_WAIT_INTERRUPTED = "The wait was interrupted; task {0.id} goes on."


class Task:
    """A submitted simulation.

    Shows itself as a live card in a notebook. Methods may be called from several threads.

    Parameters
    ----------
    task_id
        The task's id. No request is made, so a wrong id shows at the first use.
    client
        The service; by default that of the last ``inductiva_widgets.connect``.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.tasks.Task("n7pbtxunxqzuca6nwe9v0gn75")
    Task('n7pbtxunxqzuca6nwe9v0gn75')
    >>> print(task.get_status())
    success
    """

    def __init__(
        self, task_id: str, *, client: Client | None = None, _info: TaskInfo | None = None
    ) -> None:
        self._state = TaskState(task_id, client=client, info=_info)
        self._files = StoredFiles(self._state)
        self.id = self._state.id
        self.client = self._state.client

    @classmethod
    def _from_info(cls, info: TaskInfo, client: Client | None) -> Self:
        """Return the task of a row in a listing; `client` is None for the default service."""
        return cls(info.task_id, client=client, _info=info)

    def __repr__(self) -> str:
        info = self._state.last_info
        if info is None:
            return f"{type(self).__name__}({self.id!r})"
        facts = f"simulator={info.simulator!r}, status={str(info.status)!r}"
        return f"{type(self).__name__}({self.id!r}, {facts})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Task):
            return NotImplemented
        return (self.id, self.client.url) == (other.id, other.client.url)

    def __hash__(self) -> int:
        return hash(self.id)

    # State

    @property
    def info(self) -> TaskInfo:
        """The cached info of the task; costs a request only the first time."""
        return self._state.info

    def get_info(self) -> TaskInfo:
        """Return the current detail of the task; costs one request.

        Costs none if the task has finished and its detail is known.

        Returns
        -------
        TaskInfo
            Times with their zone, durations in seconds, sizes in bytes, costs in US dollars.

        Raises
        ------
        NotFoundError
            The service knows no such task.

        Examples
        --------
        >>> info = task.get_info()
        >>> info.simulator, info.is_terminal
        ('swmm', True)
        >>> [str(event.status) for event in info.status_history]
        ['pending-input', 'submitted', 'started', ..., 'success']
        """
        return self._state.get_info()

    def refresh(self, max_age: float = 0.0) -> TaskInfo:
        """Return the current info, with as few requests as possible.

        Costs none if the task has finished and its detail is known, or if the info was updated
        within ``max_age`` seconds, for example by a live card; else one for the status, and one
        more if the status has changed or the detail is missing.

        Parameters
        ----------
        max_age
            Maximum age of the cached info, in seconds.

        Examples
        --------
        >>> task.refresh().status
        <Status.SUCCESS: 'success'>
        """
        return self._state.refresh(max_age)

    def get_status(self) -> Status:
        """Return the status; costs one request while the task is alive, none once it has ended.

        Takes 60 s at most, retries included, and 60 s more if the service asks for a pause.

        Raises
        ------
        APITimeoutError
            The service has not answered in that time.
        NotFoundError
            The service knows no such task.

        Examples
        --------
        >>> print(task.get_status())
        success
        >>> task.get_status() == "success"
        True
        """
        return self._state.get_status()

    def get_position_in_queue(self) -> int | None:
        """Return the number of tasks ahead, or None if not queued; costs one request."""
        return self.client.get_task_status(self.id).tasks_ahead

    def get_machine_type(self) -> str | None:
        """Return the machine's type, such as ``"c2-standard-4"``.

        Returns
        -------
        str or None
            None until a machine has picked the task up, with a warning that says so. Costs one
            request while unknown.

        Examples
        --------
        >>> task.get_machine_type()
        'local'
        """
        known = self._state.last_info
        if known is not None and (known.is_terminal or known.machine_type is not None):
            return known.machine_type
        info = self.get_info()
        if info.machine_type is None and not info.is_terminal:
            warnings.warn(
                f"The machine type of task {self.id} is known once a machine has picked it up "
                f'(status: {info.alias}): wait with task.wait_for_status("started").',
                stacklevel=2,
            )
        return info.machine_type

    def get_simulator_name(self) -> str | None:
        """Return the simulator's name on the service, such as ``"reef3d"``.

        Costs one request the first time.
        """
        return self.info.simulator

    def get_storage_path(self) -> str | None:
        """Return the task's folder in the remote storage; costs one request the first time."""
        return self._state.stored_info().storage_path

    def is_running(self) -> bool:
        """Return whether a machine is running the task; costs a request as ``get_status`` does."""
        return self.get_status().is_running

    def is_failed(self) -> bool:
        """Return whether the task ended without success; costs a request as ``get_status`` does."""
        return self.get_status().is_failed

    def is_terminal(self) -> bool:
        """Return whether the task has ended; costs requests as ``refresh`` does."""
        return self.refresh().is_terminal

    def get_computation_time(self, cached: bool = False) -> float | None:
        """Return how long the simulator ran, or has been running, in seconds.

        Parameters
        ----------
        cached
            If True, use the cached info instead of a request.

        Returns
        -------
        float or None
            None while the computation has not started. Costs requests as ``refresh`` does.

        Examples
        --------
        >>> 0 < task.get_computation_time() < task.get_total_time()
        True
        """
        return timing.computation_seconds(self._get_info(cached), self._state.server_time)

    get_execution_time = get_computation_time

    def get_total_time(self, cached: bool = False) -> float | None:
        """Return the seconds from creation to the end, or until now.

        Parameters
        ----------
        cached
            If True, use the cached info instead of a request.

        Returns
        -------
        float or None
            Costs requests as ``refresh`` does.

        Examples
        --------
        >>> task.get_total_time() > 0
        True
        """
        return timing.total_seconds(self._get_info(cached), self._state.server_time)

    def _get_info(self, cached: bool) -> TaskInfo:
        return self._state.info if cached else self.refresh()

    @property
    def summary(self) -> str:
        """Durations by phase, sizes and cost, in words; costs requests as ``refresh`` does."""
        return format_summary(self.refresh(), self._state.server_time)

    def print_summary(self, fhandle: TextIO | None = None) -> None:
        """Show durations by phase, sizes and cost; costs requests as ``refresh`` does.

        Parameters
        ----------
        fhandle
            File to print the text to. By default, the task's card is shown in a notebook, and the
            text is printed elsewhere.

        Examples
        --------
        >>> task.print_summary()
        Task ...: swmm on local, Success
          In queue    ...
          Total       ...
        Input: ...
        Output: ... files, ...
        Cost: 0 US$
        """
        if fhandle is None and _display.in_notebook():
            # Raises if there is no such task: the display would fall back to text.
            self.refresh()
            _display.display_task(self)
            return
        print(self.summary, file=fhandle)

    def get_metadata(self) -> dict[str, str]:
        """Return the metadata of the task, names and values; costs one request.

        Examples
        --------
        >>> task.set_metadata({"case": "storm", "slope": "0.01"})
        >>> task.get_metadata()
        {'case': 'storm', 'slope': '0.01'}
        """
        return self.client.get_metadata(self.id)

    def set_metadata(self, metadata: dict[str, str]) -> None:
        """Replace the metadata of the task; costs one request.

        Parameters
        ----------
        metadata
            Names and values, non-empty strings.

        Raises
        ------
        InputError
            A key or value is empty or no string.

        Examples
        --------
        >>> task.set_metadata({"case": "storm"})
        >>> task.get_metadata()["case"]
        'storm'
        """
        for key, value in metadata.items():
            if not all(isinstance(item, str) and item for item in (key, value)):
                raise InputError(
                    f"Metadata keys and values must be non-empty strings, got {key!r}: {value!r}."
                )
        self.client.set_metadata(self.id, metadata)
        mark_stale(self.client.settings, self.id)

    # Waiting and killing

    @explain_interrupt(_WAIT_INTERRUPTED)
    def wait(
        self,
        polling_period: float = 1.0,
        silent_mode: bool = False,
        download_std_on_completion: bool = True,
    ) -> Status:
        """Wait until the task has ended. An interrupt ends only the wait, not the task.

        Shows a live card in a notebook and one updating line in a terminal. While the service does
        not answer, the wait goes on and says so.

        Parameters
        ----------
        polling_period
            Seconds between two requests.
        silent_mode
            If True, show nothing.
        download_std_on_completion
            If True, download ``stdout.txt`` and ``stderr.txt`` at the end.

        Returns
        -------
        Status
            The final status. Costs one request a period, fewer if a live card is polling anyway.

        Raises
        ------
        InputError
            ``polling_period`` is no positive number.

        Examples
        --------
        >>> status = task.wait()
        >>> status.is_failed
        False
        """
        info = poll_until(
            self._state,
            lambda info: info.is_terminal,
            polling_period,
            _display.show_wait(self, silent_mode),
        )
        if download_std_on_completion and info.has_outputs:
            try:
                self.download_outputs(["stdout.txt", "stderr.txt"], _quiet=True)
            except InductivaError as error:
                # The task has ended, even if these two small files are missing.
                warnings.warn(f"stdout.txt and stderr.txt are not there: {error}", stacklevel=2)
        return info.status

    @explain_interrupt(_WAIT_INTERRUPTED)
    def wait_for_status(
        self,
        status: str,
        polling_period: float = 1.0,
        silent_mode: bool = False,
    ) -> bool:
        """Wait until the task has a status, or has ended; shows nothing if that is so already.

        Parameters
        ----------
        status
            Code of the status, such as ``"computation-started"``.
        polling_period, silent_mode
            As for ``wait``.

        Returns
        -------
        bool
            True when the task is in that status, False when it ended in another. Costs requests as
            ``wait`` does.

        Raises
        ------
        InputError
            ``status`` is not the code of a status. A new code of the service is accepted.

        Examples
        --------
        >>> storm = inductiva.simulators.SWMM().run("cases/swmm_storm")
        >>> storm.wait_for_status("computation-started", silent_mode=True)
        True
        >>> storm.kill()
        """
        target = parse_status(status)
        info = poll_until(
            self._state,
            lambda info: info.status == target or info.is_terminal,
            polling_period,
            _display.show_wait(self, silent_mode),
            shows_end=False,
        )
        return info.status == target

    @contextlib.contextmanager
    def sync_context(self) -> Iterator[Task]:
        """Kill the remote task when the block is left by an exception or an interrupt.

        The exception or interrupt is raised again. The kill takes one request.

        Yields
        ------
        Task
            The task itself.

        Examples
        --------
        >>> with task.sync_context():
        ...     status = task.wait()
        >>> print(status)
        success
        """
        try:
            yield self
        except BaseException as error:
            self.kill()
            if isinstance(error, KeyboardInterrupt):
                explain(error, f"The block was interrupted; task {self.id} was asked to end.")
            raise

    @explain_interrupt("The kill of task {0.id} was interrupted; its status says what came of it.")
    def kill(self, wait_timeout: float | None = None, verbosity_level: int = 0) -> bool | None:
        """Ask the service to kill the task.

        Parameters
        ----------
        wait_timeout
            Seconds to wait for the end; None to return once the request is accepted.
        verbosity_level
            If 1 or more, print the status afterwards.

        Returns
        -------
        bool or None
            None without ``wait_timeout``; else whether the task has ended in time. A task that had
            ended before is left as it is: None, or True. Costs two requests, three if the
            status has changed, and two a second while it waits.

        Raises
        ------
        TypeError
            ``wait_timeout`` is no number.
        InputError
            ``wait_timeout`` is negative.

        Examples
        --------
        >>> storm = inductiva.simulators.SWMM().run("cases/swmm_storm")
        >>> storm.kill(wait_timeout=30)
        True
        >>> print(storm.get_status())
        killed
        """
        if wait_timeout is not None:
            if isinstance(wait_timeout, bool) or not isinstance(wait_timeout, (int, float)):
                raise TypeError("wait_timeout must be a number of seconds or None.")
            if not wait_timeout >= 0:
                raise InputError("wait_timeout must not be negative.")
        if not self.refresh().is_terminal:
            self.client.kill_task(self.id)
            self._state.expire()
        ended = None if wait_timeout is None else self._wait_for_end(wait_timeout)
        if verbosity_level > 0:
            name = "Kill requested" if ended is None else str(self.info.status)
            sys.stdout.write(f"Task {self.id}: {name}\n")
        return ended

    def _wait_for_end(self, wait_timeout: float) -> bool:
        deadline = time.monotonic() + wait_timeout
        while True:
            left = max(0.0, deadline - time.monotonic())
            try:
                # At least 1 s, for a last request at the end of the time.
                with single_try(max(1.0, left)):
                    ended = self.refresh().is_terminal
            except (APIConnectionError, RateLimitError, ServerError):
                # The kill was accepted: the next request may be answered.
                ended = False
            if ended or time.monotonic() >= deadline:
                return ended
            time.sleep(min(0.5, left))

    # Stored files

    def get_output_info(self) -> OutputsInfo:
        """Return the listing of the output archive; prints as a table, in a notebook it shows it.

        Costs one request, one more while the task is not known to have ended, and none if
        ``open_output`` was called before.

        Returns
        -------
        OutputsInfo
            Names and sizes; nothing is downloaded.

        Raises
        ------
        TaskError
            There is no output; the message says why.

        Examples
        --------
        >>> info = task.get_output_files_info()
        >>> print(info)
        Archive size: ...
        Contents:
         Size         Compressed   Name
        ...
        >>> [file.name for file in info.contents if file.name.endswith(".txt")]
        [..., 'stdout.txt']
        """
        return self._files.output_info(self)

    get_output_files_info = get_output_info

    def open_output(self, name: str) -> BinaryIO:
        """Open one output file remotely; only the bytes that are read are transferred.

        Parameters
        ----------
        name
            Name of the file in the output archive, such as ``"stdout.txt"``.

        Returns
        -------
        BinaryIO
            A seekable binary file, good for ``pandas.read_csv``, ``numpy.load``, ``PIL.Image.open``
            and the like. The first call costs two or three requests, later ones none; each
            range that is read costs one. ``file.raw.fetched`` is the number of transferred
            bytes. As most files are compressed, reading far back transfers the bytes before, too.

        Raises
        ------
        TaskError
            There is no output; the message says why.
        InputError
            The archive has no such file; similar names are listed.

        Examples
        --------
        >>> with task.open_output("model.rpt") as file:
        ...     print(file.read(200).decode().strip())
        EPA STORM WATER MANAGEMENT MODEL - VERSION 5.2 ...
        """
        return self._files.open_output(name)

    def get_input_url(self) -> str:
        """Return a signed link to the input archive, valid for a while; costs one request.

        Raises
        ------
        TaskError
            The task has none.
        """
        return self._files.input_url()

    def get_output_url(self) -> str:
        """Return a signed link to the output archive, valid for a while.

        Costs one request, one more while the task is not known to have ended.

        Raises
        ------
        TaskError
            There is no output; the message says why.

        Examples
        --------
        >>> archive = inductiva.downloads.RemoteArchive(task.get_output_url())
        >>> "artifacts/model.rpt" in archive.namelist()
        True
        """
        return self._files.output_url()

    @explain_interrupt(DOWNLOAD_INTERRUPTED)
    def download_outputs(
        self,
        filenames: Iterable[str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        uncompress: bool = True,
        rm_downloaded_zip_archive: bool = True,
        rm_remote_files: bool = False,
        *,
        limits: Limits | None = None,
        _quiet: bool = False,
    ) -> Path:
        """Download output files; calling again after an interruption finishes the job.

        Complete files are not downloaded again, not even after a restart of the kernel. While
        another process writes to the same folder, this one waits. Costs one request for the link,
        two for the archive's directory, and fewer for the files than there are files.

        Parameters
        ----------
        filenames
            Names, globs (``"*.csv"``) or folders (``"vtk/"``); None for all. Only the bytes of
            these files are fetched. A warning lists names that the archive lacks, with similar
            ones.
        output_dir
            Folder for the files; by default ``inductiva_output/<id>/outputs``.
        uncompress
            If False, keep the archive, as ``output.zip`` in the folder.
        rm_downloaded_zip_archive
            If False, keep the archive next to the files, which transfers it once more.
        rm_remote_files
            If True, delete the task's files in the remote storage once all are downloaded.
        limits
            Limits of the archive's content, see ``inductiva_widgets.downloads.Limits``; by
            default, an archive made to fill a disk is refused.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        TaskError
            There is no output; the message says why.
        InputError
            None of the names is in the archive; similar ones are listed.
        DownloadError
            The download failed; complete files are kept.
        DownloadCancelled
            It was cancelled, such as with the button; complete files are kept.

        Examples
        --------
        >>> folder = task.download_outputs(["stdout.txt", "*.rpt"])
        >>> sorted(path.name for path in folder.iterdir())
        ['model.rpt', 'stdout.txt']
        """
        requests = [self._files.output_request(filenames, output_dir, uncompress, limits)]
        if uncompress and not rm_downloaded_zip_archive:
            requests.append(self._files.output_request(None, output_dir, False, limits))
        return self._download(requests, "Outputs", rm_remote_files, quiet=_quiet)

    def _download(
        self, requests: list[ArchiveRequest], title: str, rm_remote_files: bool, *, quiet: bool
    ) -> Path:
        """Download archives one after another, and return the folder."""
        from inductiva_widgets import downloads

        for request in requests:
            download = downloads.start(request)
            _display.wait_with_progress(download, f"{title} of task {self.id}", quiet=quiet)
        if rm_remote_files:
            self.remove_remote_files()
        return requests[0].selection.target

    def start_download(
        self,
        filenames: Iterable[str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        uncompress: bool = True,
        *,
        limits: Limits | None = None,
    ) -> Download[Path]:
        """Begin ``download_outputs`` in the background; it costs the same requests.

        Parameters
        ----------
        filenames, output_dir, uncompress, limits
            As for ``download_outputs``.

        Returns
        -------
        Download
            It carries ``progress``, ``pause()``, ``resume()``, ``cancel()`` and ``result()``;
            iterate over it for the completed files, or ``await`` it.

        Raises
        ------
        TaskError
            There is no output; the message says why.

        Examples
        --------
        >>> download = task.start_download(["model.rpt", "stdout.txt"], "results")
        >>> sorted(path.name for path in download)
        ['model.rpt', 'stdout.txt']
        >>> download.progress.phase
        'done'
        """
        from inductiva_widgets import downloads

        request = self._files.output_request(filenames, output_dir, uncompress, limits)
        return downloads.start(request)

    @explain_interrupt(DOWNLOAD_INTERRUPTED)
    def download_inputs(
        self,
        filenames: Iterable[str] | None = None,
        input_dir: str | os.PathLike[str] | None = None,
        uncompress: bool = True,
        rm_downloaded_zip_archive: bool = True,
        rm_remote_files: bool = False,
    ) -> Path:
        """Download the input files of the task; costs requests as ``download_outputs`` does.

        Parameters
        ----------
        filenames
            As for ``download_outputs``.
        input_dir
            Folder for the files; by default ``inductiva_output/<id>/inputs``.
        uncompress
            If False, keep the archive, as ``input.zip`` in the folder.
        rm_downloaded_zip_archive, rm_remote_files
            As for ``download_outputs``.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        TaskError
            The task has no input archive.
        DownloadError
            The download failed; complete files are kept.

        Examples
        --------
        >>> folder = task.download_inputs()
        >>> [path.name for path in folder.iterdir()]
        ['model.inp']
        """
        requests = [self._files.input_request(filenames, input_dir, uncompress)]
        if uncompress and not rm_downloaded_zip_archive:
            requests.append(self._files.input_request(None, input_dir, False))
        return self._download(requests, "Inputs", rm_remote_files, quiet=False)

    def remove_remote_files(self, verbose: bool = False) -> bool:
        """Delete the task's files, inputs and outputs, in the remote storage; costs one request.

        Parameters
        ----------
        verbose
            If True, print what was done.

        Returns
        -------
        bool
            False if there were no files.
        """
        removed = self._files.remove()
        if verbose:
            text = "Its remote files were removed" if removed else "It has no remote files"
            sys.stdout.write(f"Task {self.id}: {text}.\n")
        return removed

    # Files of the running task

    def tail_files(
        self,
        tail_files: Iterable[str] = ("stdout.txt", "stderr.txt"),
        lines: int = 10,
        follow: bool = False,
        fout: TextIO | None = None,
        wait: bool = False,
    ) -> None:
        """Print the last lines of files, while the task runs or once it has ended.

        An interrupt ends it at once, and a later call works again. With ``follow`` and several
        files, whole lines are printed under the name of their file. Costs a few requests a file;
        with ``follow`` one or two a second on the embedded server, on the cloud three for the
        connection and one every few seconds.

        Parameters
        ----------
        tail_files
            Names of the files.
        lines
            Number of lines of each; with ``follow`` on the cloud at most 1,000.
        follow
            If True, go on printing new lines until the task ends.
        fout
            File to print to; by default the standard output.
        wait
            If True, wait until the task is computing instead of raising an error.

        Raises
        ------
        TaskError
            Nothing can be read yet.
        InputError
            There is no such file, or ``lines`` is negative or no integer.
        ConfigurationError
            The task runs on the cloud, and the package for WebRTC is not installed.

        Examples
        --------
        >>> task.tail_files(["stdout.txt"], lines=1)
        Done in ... s
        """
        working_files.print_files(self, tail_files, lines, follow=follow, wait=wait, fout=fout)

    def list_files(self) -> WorkingFiles:
        """Return the files that the running task has in its folder.

        Costs two requests on the embedded server; on the cloud one, and three for the connection
        if there is none.

        Returns
        -------
        WorkingFiles
            A sequence of ``WorkingFile`` that prints as a tree. Sizes and times are known on the
            embedded server alone.

        Raises
        ------
        TaskError
            The task is not computing; the message says what to do instead.
        ConfigurationError
            The task runs on the cloud, and the package for WebRTC is not installed.

        Examples
        --------
        >>> storm = inductiva.simulators.SWMM().run("cases/swmm_long")
        >>> storm.wait_for_status("computation-started", silent_mode=True)
        True
        >>> "model.inp" in [file.name for file in storm.list_files()]
        True
        >>> storm.kill()
        """
        return working_files.list_files(self)

    def last_modified_file(self) -> ModifiedFile:
        """Return the file that the running task has written last, and the time.

        Costs requests as ``list_files`` does.

        Returns
        -------
        ModifiedFile
            Prints as a sentence.

        Raises
        ------
        TaskError
            The task is not computing, or has not written a file.
        ConfigurationError
            The task runs on the cloud, and the package for WebRTC is not installed.

        Examples
        --------
        >>> storm = inductiva.simulators.SWMM().run("cases/swmm_long")
        >>> storm.wait_for_status("computation-started", silent_mode=True)
        True
        >>> print("Last:", storm.last_modified_file())
        Last: ... was written ... ago (...).
        >>> storm.kill()
        """
        return working_files.last_modified_file(self)

    def top(self) -> RawText:
        """Return the output of ``top`` on the machine that computes the task.

        On the embedded server it lists only the processes of the task. Costs requests as
        ``list_files`` does.

        Returns
        -------
        RawText
            Prints as it is.

        Raises
        ------
        TaskError
            The task is not computing.
        ConfigurationError
            The task runs on the cloud, and the package for WebRTC is not installed.

        Examples
        --------
        >>> try:
        ...     task.top()
        ... except inductiva.errors.TaskError as error:
        ...     print(error)
        Task ... has ended (success). ...
        """
        return working_files.machine_load(self)

    # Numbers in the log, and changes of the status

    def watch(
        self,
        pattern: str | None = None,
        *,
        preset: str | None = None,
        file: str | None = None,
        end: Mapping[str, float] | None = None,
        stop_if: str | Callable[[dict[str, float]], Any] | Iterable[Any] | None = None,
        from_start: bool = False,
        then: Then = "kill",
        log: bool | None = None,
        notify: bool = False,
    ) -> LogWatch:
        r"""Read numbers from the task's log as it comes, until the task ends.

        The task's card shows them next to the presets it reads by itself. Costs one request a
        second on the embedded server, one connection on the cloud, and one request while the
        simulator is not known. With ``stop_if`` it costs one request more, two if the status has
        changed.

        Parameters
        ----------
        pattern
            A regular expression that is searched for in each line. Each named group is a series of
            that name, such as ``r"residual\s+(?P<residual>\S+)"``; one group without a name gives
            the series ``value``. A group ``end_step`` is the value of the series ``step`` at the
            end, and ``percent`` ends at 100. With the groups ``series`` and ``value`` the text
            itself names the series. ``\S+`` finds nan and inf too. Lines keep their spaces. By
            default the preset of the simulator, if there is one.
        preset
            Name of a preset, instead of a pattern: openfoam, reef3d, swmm, splishsplash,
            gromacs, xbeach, fds, dualsphysics, openfast, swan, sfincs, amrwind, wrf, coawst,
            schism, quantumespresso, nwchem. ``inductiva_widgets.tasks.add_preset`` adds your
            own.
        file
            Name of the file; by default ``stdout.txt``, or the file of the preset.
        end
            Final value of a series, such as ``{"time": 10}``, for the progress and the expected
            end.
        stop_if
            A condition such as ``"residual > 1e3 for 20 samples"`` or ``"residual is nan"``, a
            function of the last values that returns whether to stop, or a list of those, any of
            which is enough. Conditions may be on several series: ``"any residual > 1"``,
            ``"all residuals < 1e-5 for 5 samples"``; on growth: ``"residual grows 10x in 50
            samples"``; joined: ``"CFL > 1 and time > 5 or CFL is nan"``; and judged later: ``"p > 1
            after 100 samples"`` or ``"after 10 min"`` of reading. Only rows that are printed after
            this call are judged.
        from_start
            If True, rows that were printed before this call are judged, too.
        then
            Action once it is met: ``"kill"`` kills the task, so that the simulator does not write
            its present state, since the service cannot stop it in another way; ``"notify"`` shows
            a note in the card; a function is called with the watch.
        log
            If True, draw the series on a logarithmic scale; None for what suits each.
        notify
            If True, the card asks to show a notification of the browser when the task ends.

        Returns
        -------
        LogWatch
            It runs until the task ends or ``stop()``, also after the cell has finished.

        Raises
        ------
        InputError
            The expression is invalid or has no group, there is no preset, or a condition is
            invalid.

        Examples
        --------
        >>> watch = task.watch(r"(?P<percent>[\d.]+)%\s+wall\s+(?P<wall>\S+)")
        >>> watch.wait(30)
        True
        >>> watch.series_names, watch.progress
        (('wall',), 1.0)
        """
        return log_watch.start_watch(
            self,
            pattern,
            preset=preset,
            file=file,
            end=end,
            stop_if=stop_if,
            from_start=from_start,
            then=then,
            log=log,
            notify=notify,
        )

    @explain_interrupt("The reading was interrupted; task {0.id} is left as it is.")
    def metrics(
        self,
        pattern: str | None = None,
        *,
        preset: str | None = None,
        file: str | None = None,
        rows: int = 100_000,
    ) -> pd.DataFrame:
        r"""Return the numbers in the task's log as a DataFrame.

        While the task runs, these are the rows that its watch has read; without a watch, one is
        started and costs requests as ``watch`` does. After the end, the whole file is read each
        time: that costs two or three requests, and one for each MiB.

        Parameters
        ----------
        pattern, preset, file
            As for ``watch``.
        rows
            Maximum number of rows, 100 or more; of more, the extremes are kept, see ``LogWatch``.

        Returns
        -------
        pandas.DataFrame
            As ``LogWatch.to_frame`` returns it.

        Raises
        ------
        TaskError
            There is no output; the message says why.
        InputError
            As for ``watch``, or there is no such file.

        Examples
        --------
        >>> df = task.metrics(r"\s(?P<percent>[\d.]+)%\s+wall\s+(?P<wall>\S+)")
        >>> df[["wall", "percent"]].tail(1)
                wall  percent
        sample
        ...           100.0
        """
        return log_watch.read_metrics(self, pattern, preset=preset, file=file, rows=rows)

    def on_status(self, callback: Callable[[Task, Status], Any]) -> StatusListener[Task]:
        """Call a function with the task's status now and at each change, until the task has ended.

        What the function prints appears in the cell that called ``on_status``, whichever cell is
        running. Costs one request, then one a second while the task is alive, or none if a live
        card is polling.

        Parameters
        ----------
        callback
            Gets the task and a status: each status once and in order, including those between two
            requests and the last one. It is called on its own thread. An exception is shown as a
            warning, and the next change is delivered all the same.

        Returns
        -------
        StatusListener
            Its ``cancel()`` ends it.

        Examples
        --------
        >>> seen = []
        >>> listener = task.on_status(lambda task, status: seen.append(status))
        >>> listener.cancel()
        """
        return StatusListener(self, callback)

    # Display

    def widget(self) -> Any:
        """Return a new live card of the task; costs requests as ``TaskWidget`` does.

        Returns
        -------
        TaskWidget
            It can be placed in a layout of ipywidgets.

        Examples
        --------
        >>> card = task.widget()
        >>> card
        TaskWidget(Task('...', simulator='swmm', status='success'))
        """
        return _display.task_widget(self)

    def _ipython_display_(self) -> None:
        _display.display_task(self)

    def _repr_mimebundle_(self, **_: Any) -> _display.Bundle:
        return _display.task_mimebundle(self)
