"""The input and output archives of one task."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from inductiva_widgets import config
from inductiva_widgets.errors import InputError, NotFoundError, TaskError
from inductiva_widgets.history.invalidation import mark_stale
from inductiva_widgets.tasks.outputs import OutputsInfo

if TYPE_CHECKING:
    from inductiva_widgets.downloads import ArchiveRequest, Limits, RemoteArchive
    from inductiva_widgets.tasks._state import RemoteTask, TaskState

# The folders inside the archives, according to the wire protocol.
ARTIFACTS = "artifacts/"
INPUTS = "sim_dir/"


class StoredFiles:
    """The files of a task in the remote storage.

    Parameters
    ----------
    state
        The task's state.
    """

    def __init__(self, state: TaskState) -> None:
        self._state = state
        # The outputs of a finished task do not change, so their directory is read once.
        self._archive: RemoteArchive | None = None

    def output_info(self, task: RemoteTask) -> OutputsInfo:
        """Return the listing of the output archive."""
        if self._archive is not None:
            return OutputsInfo.from_members(
                self._archive.size, self._archive.entries_by_name(), task
            )
        listing = self._state.client.archive_listing(self._output_path(), ARTIFACTS)
        return OutputsInfo.from_listing(listing, task)

    def open_output(self, name: str) -> BinaryIO:
        """Open one output file inside the remote archive."""
        from inductiva_widgets.downloads import RemoteArchive

        if self._archive is None:
            self._archive = RemoteArchive(
                self.output_url(), renew=self.output_url, strip_prefix=ARTIFACTS
            )
        return self._archive.open(name)

    def input_url(self) -> str:
        """Return a signed link to the input archive."""
        path = self._state.stored_info().storage_input_path
        if not path:
            raise TaskError(f"Task {self._state.id} has no input archive.")
        return self._signed_url(path)

    def output_url(self) -> str:
        """Return a signed link to the output archive."""
        return self._signed_url(self._output_path())

    def output_request(
        self,
        filenames: Iterable[str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        uncompress: bool = True,
        limits: Limits | None = None,
    ) -> ArchiveRequest:
        """Return the download of outputs; its link is requested once the download begins."""
        archive = self._folder(output_dir, "outputs") / "output.zip"
        return _archive_request(
            self._state.id, archive, ARTIFACTS, self.output_url, filenames, uncompress, limits
        )

    def input_request(
        self,
        filenames: Iterable[str] | None,
        output_dir: str | os.PathLike[str] | None,
        uncompress: bool,
    ) -> ArchiveRequest:
        """Return the download of inputs; its link is requested once the download begins."""
        archive = self._folder(output_dir, "inputs") / "input.zip"
        return _archive_request(
            self._state.id, archive, INPUTS, self.input_url, filenames, uncompress, None
        )

    def remove(self) -> bool:
        """Delete inputs and outputs in the remote storage; return whether there were any."""
        path = self._state.stored_info().storage_path
        self._archive = None
        if not path:
            return False
        try:
            self._state.client.delete_path(path)
        except NotFoundError:
            return False
        mark_stale(self._state.client.settings, self._state.id)
        return True

    def _folder(self, output_dir: str | os.PathLike[str] | None, kind: str) -> Path:
        default = config.output_dir() / self._state.id / kind
        return default if output_dir is None else Path(output_dir)

    def _signed_url(self, path: str) -> str:
        client, info = self._state.client, self._state.info
        return client.signed_url("download", path, info.storage_region)

    def _output_path(self) -> str:
        last_info = self._state.last_info
        has_finished = last_info is not None and last_info.is_terminal
        info = self._state.stored_info() if has_finished else self._state.get_info()
        if not info.is_terminal:
            raise TaskError(
                f"Task {info.task_id} has no output yet: it is {info.alias.lower()}.",
                hint="Wait for its end with task.wait().",
                shell_hint="Wait for its end with "
                f"`inductiva-widgets logs {info.task_id} --follow`.",
            )
        if not info.has_outputs or info.storage_output_path is None:
            raise TaskError(
                f"Task {info.task_id} has no output: it ended as {info.alias.lower()}. "
                f"{info.status.info.description}"
            )
        return info.storage_output_path


def _archive_request(  # noqa: PLR0917 - two calls
    name: str,
    archive: Path,
    prefix: str,
    link: Callable[[], str],
    filenames: Iterable[str] | None,
    uncompress: bool,
    limits: Limits | None,
) -> ArchiveRequest:
    """Return the download of an archive, or of entries in it, to `archive` or its folder."""
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
