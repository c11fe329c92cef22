"""The files of one task: listed, read where they lie, downloaded, removed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from inductiva_widgets import config
from inductiva_widgets._interrupts import DOWNLOAD_INTERRUPTED, explain_interrupt
from inductiva_widgets.errors import InputError, TaskError
from inductiva_widgets.history.invalidation import mark_stale
from inductiva_widgets.tasks import _display
from inductiva_widgets.tasks._state import TaskState
from inductiva_widgets.tasks.outputs import OutputsInfo

if TYPE_CHECKING:
    from inductiva_widgets.downloads import ArchiveRequest, Download, Limits, RemoteArchive
    from inductiva_widgets.tasks.task import Task

# The folders inside the archives; source: the wire protocol.
ARTIFACTS = "artifacts/"
INPUTS = "sim_dir/"


class TaskFiles(TaskState):
    """A task's stored files; base of ``inductiva_widgets.tasks.Task``."""

    # The outputs of a task that has ended stay as they are, so their directory is read once.
    _archive: RemoteArchive | None = None

    def get_output_info(self) -> OutputsInfo:
        """Return the listing of the output archive; prints as a table, in a notebook it shows it.

        Costs one request, one more while it is not known that the task has ended, and none where
        ``open_output`` was called before.

        Returns
        -------
        OutputsInfo
            Names and sizes; nothing is downloaded.

        Raises
        ------
        TaskError
            There is no output, the reason given.

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
        task = cast("Task", self)
        if self._archive is not None:
            return OutputsInfo.from_members(
                self._archive.size, self._archive.entries_by_name(), task
            )
        listing = self.client.archive_listing(self._output_path(), ARTIFACTS)
        return OutputsInfo.from_listing(listing, task)

    get_output_files_info = get_output_info

    def open_output(self, name: str) -> BinaryIO:
        """Open one output file where it lies; only the bytes that are read travel.

        Parameters
        ----------
        name
            Name of the file in the output archive, such as ``"stdout.txt"``.

        Returns
        -------
        BinaryIO
            A seekable binary file, good for ``pandas.read_csv``, ``numpy.load``, ``PIL.Image.open``
            and the like. The first call costs two or three requests, later ones none; each
            stretch that is read costs one. ``file.raw.fetched`` tells how many bytes have
            travelled for it. Files are mostly compressed, so that what lies far back in one takes
            the bytes before it too.

        Raises
        ------
        TaskError
            There is no output, the reason given.
        InputError
            The archive has no such file; close matches are named.

        Examples
        --------
        >>> with task.open_output("model.rpt") as file:
        ...     print(file.read(200).decode().strip())
        EPA STORM WATER MANAGEMENT MODEL - VERSION 5.2 ...
        """
        from inductiva_widgets.downloads import RemoteArchive

        if self._archive is None:
            self._archive = RemoteArchive(
                self.get_output_url(), renew=self.get_output_url, strip_prefix=ARTIFACTS
            )
        return self._archive.open(name)

    def get_input_url(self) -> str:
        """Return a signed link to the input archive, valid for a while; costs one request.

        Raises
        ------
        TaskError
            The task has none.
        """
        path = self._stored_info().storage_input_path
        if not path:
            raise TaskError(f"Task {self.id} has no input archive.")
        return self.client.signed_url("download", path, self.info.storage_region)

    def get_output_url(self) -> str:
        """Return a signed link to the output archive, valid for a while.

        Costs one request, one more while it is not known that the task has ended.

        Raises
        ------
        TaskError
            There is no output, the reason given.

        Examples
        --------
        >>> archive = inductiva.downloads.RemoteArchive(task.get_output_url())
        >>> "artifacts/model.rpt" in archive.namelist()
        True
        """
        return self.client.signed_url("download", self._output_path(), self.info.storage_region)

    @explain_interrupt(DOWNLOAD_INTERRUPTED)
    def download_outputs(
        self,
        filenames: Iterable[str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        uncompress: bool = True,
        *,
        limits: Limits | None = None,
        _quiet: bool = False,
    ) -> Path:
        """Download output files; calling again after an interruption finishes the job.

        Whole files are not fetched again, be it after a restart of the kernel. While another
        process fills the same folder, this one waits. Costs one request for the link, two for the
        archive's directory, and a few for the files, fewer than there are.

        Parameters
        ----------
        filenames
            Names, globs (``"*.csv"``) or folders (``"vtk/"``); None for all. Of the archive only
            the bytes of these files are fetched. Names that it lacks are warned of, with those
            that look alike, unless it lacks all of them.
        output_dir
            Folder for the files; by default ``inductiva_output/<id>/outputs``.
        uncompress
            False to keep the archive as it is, as ``output.zip`` in the folder.
        limits
            How much content the archive may hold, see ``inductiva_widgets.downloads.Limits``; by
            default an archive made to fill a disk is refused.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        TaskError
            There is no output, the reason given.
        InputError
            None of the names is in the archive; close ones are named.
        DownloadError
            The download did not become whole; what is whole is kept.
        DownloadCancelled
            It was cancelled, such as with the button; what is whole is kept.

        Examples
        --------
        >>> folder = task.download_outputs(["stdout.txt", "*.rpt"])
        >>> sorted(path.name for path in folder.iterdir())
        ['model.rpt', 'stdout.txt']
        """
        download = self.start_download(filenames, output_dir, uncompress, limits=limits)
        path = _display.wait_with_progress(download, f"Outputs of task {self.id}", quiet=_quiet)
        return path if uncompress else path.parent

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
            iterate over it for the files as they become whole, or ``await`` it.

        Raises
        ------
        TaskError
            There is no output, the reason given.

        Examples
        --------
        >>> download = task.start_download(["model.rpt", "stdout.txt"], "results")
        >>> sorted(path.name for path in download)
        ['model.rpt', 'stdout.txt']
        >>> download.progress.phase
        'done'
        """
        from inductiva_widgets import downloads

        return downloads.start(self.output_request(filenames, output_dir, uncompress, limits))

    def output_request(
        self,
        filenames: Iterable[str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        uncompress: bool = True,
        limits: Limits | None = None,
    ) -> ArchiveRequest:
        """Return what ``download_outputs`` fetches, for ``downloads.start_many``.

        Costs no request: the link is asked for when the download begins.

        Parameters
        ----------
        filenames, output_dir, uncompress, limits
            As for ``download_outputs``.
        """
        archive = self._folder(output_dir, "outputs") / "output.zip"
        return _source(
            self.id, archive, ARTIFACTS, self.get_output_url, filenames, uncompress, limits
        )

    @explain_interrupt(DOWNLOAD_INTERRUPTED)
    def download_inputs(
        self,
        filenames: Iterable[str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        uncompress: bool = True,
    ) -> Path:
        """Download the input files of the task; costs requests as ``download_outputs`` does.

        Parameters
        ----------
        filenames
            As for ``download_outputs``.
        output_dir
            Folder for the files; by default ``inductiva_output/<id>/inputs``.
        uncompress
            False to keep the archive as it is, as ``input.zip`` in the folder.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        TaskError
            The task has no input archive.
        DownloadError
            The download did not become whole; what is whole is kept.

        Examples
        --------
        >>> folder = task.download_inputs()
        >>> [path.name for path in folder.iterdir()]
        ['model.inp']
        """
        from inductiva_widgets import downloads

        archive = self._folder(output_dir, "inputs") / "input.zip"
        source = _source(self.id, archive, INPUTS, self.get_input_url, filenames, uncompress, None)
        path = _display.wait_with_progress(downloads.start(source), f"Inputs of task {self.id}")
        return path if uncompress else path.parent

    def remove_remote_files(self) -> None:
        """Delete the task's files, inputs and outputs, in the remote storage; costs one request."""
        path = self._stored_info().storage_path
        self._archive = None
        if path:
            self.client.delete_path(path)
            mark_stale(self.client.settings, self.id)

    def _folder(self, output_dir: str | os.PathLike[str] | None, kind: str) -> Path:
        return config.output_dir() / self.id / kind if output_dir is None else Path(output_dir)

    def _output_path(self) -> str:
        known = self._info
        has_ended = known is not None and known.is_terminal
        info = self._stored_info() if has_ended else self.get_info()
        if not info.is_terminal:
            raise TaskError(
                f"Task {self.id} has no output yet: it is {info.alias.lower()}. "
                "Wait for its end with task.wait()."
            )
        if not info.has_outputs or info.storage_output_path is None:
            raise TaskError(
                f"Task {self.id} has no output: it ended as {info.alias.lower()}. "
                f"{info.status.info.description}"
            )
        return info.storage_output_path


def _source(  # noqa: PLR0917 - one line at each of its two calls
    name: str,
    archive: Path,
    prefix: str,
    link: Callable[[], str],
    filenames: Iterable[str] | None,
    uncompress: bool,
    limits: Limits | None,
) -> ArchiveRequest:
    """Return where an archive comes from, and where it or what is in it goes."""
    from inductiva_widgets import downloads

    if isinstance(filenames, str):
        raise InputError("filenames must be a list of names, such as ['stdout.txt'].")
    names = None if filenames is None else list(filenames)
    if names is not None and not uncompress:
        raise InputError("uncompress=False keeps the whole archive: leave filenames out.")
    selection = downloads.ArchiveSelection(
        archive.parent, names, lambda _: prefix, limits or downloads.Limits()
    )
    return downloads.ArchiveRequest(name, link, selection, None if uncompress else archive)
