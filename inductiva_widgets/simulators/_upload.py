"""Submission of a task and upload of its inputs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from inductiva_widgets.errors import AuthenticationError, InductivaError
from inductiva_widgets.models.tasks import SubmissionResult, TaskSubmission
from inductiva_widgets.simulators._packing import InputFolder
from inductiva_widgets.simulators._submission import submit_once
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

_MIN_BAR_BYTES = 10_000_000
"""Smaller uploads are too short for a progress bar."""


def submit_and_upload(
    client: Client, submission: TaskSubmission, folder: InputFolder | None
) -> Task:
    """Submit a task and upload its inputs. If the upload fails, kill the task.

    Parameters
    ----------
    client
        Client of the service.
    submission
        Task to submit.
    folder
        Folder to upload, or None if all inputs are in the remote storage.

    Returns
    -------
    Task
        The submitted task.

    Raises
    ------
    InputError
        A file cannot be read any more, or has changed.
    InductivaError
        The task cannot be submitted, or its inputs cannot be uploaded.
    """
    submitted = submit_once(client, submission)
    task = Task(submitted.id, client=client)
    if submitted.status != "pending-input":
        return task
    try:
        path = f"{submission.storage_path_prefix}/{submitted.id}/input.zip"
        # The service also needs an archive if all inputs are in the remote storage.
        _upload(client, path, submitted, folder or InputFolder(Path()))
        _confirm(client, submitted.id)
    except BaseException as error:
        # After an interrupt, too: a task without inputs would wait forever, and may cost money.
        killed, outcome = _kill(client, submitted.id)
        if isinstance(error, InductivaError):
            error.add_hint(outcome)
        elif not killed:
            raise InductivaError(outcome) from error
        raise
    return task


def _kill(client: Client, task_id: str) -> tuple[bool, str]:
    """Kill a task without inputs; return whether it was killed, and a sentence about it."""
    try:
        client.kill_task(task_id)
    except InductivaError as error:
        return False, (
            f"Task {task_id} has no inputs, and it could not be killed: {error} "
            f"Kill it with inductiva.tasks.Task({task_id!r}).kill()."
        )
    return True, f"Task {task_id} was killed."


def _upload(client: Client, path: str, submitted: SubmissionResult, folder: InputFolder) -> None:
    with _progress(folder.size) as draw:
        for is_last in (False, True):
            link = client.signed_url("upload", path, submitted.storage_region)
            try:
                client.upload(link, lambda: folder.stream(draw))
            except AuthenticationError:
                # The link may have expired during the tries.
                if is_last:
                    raise
            else:
                return


def _confirm(client: Client, task_id: str) -> None:
    try:
        client.confirm_input_upload(task_id)
    except InductivaError:
        # If only the response was lost, the service may refuse the second confirmation.
        if not _is_confirmed(client, task_id):
            raise


def _is_confirmed(client: Client, task_id: str) -> bool:
    try:
        return client.get_task(task_id).input_submit_time is not None
    except InductivaError:
        return False


@contextmanager
def _progress(size: int) -> Iterator[Callable[[int], None] | None]:
    """Show a progress bar on standard error if it is a terminal."""
    if size < _MIN_BAR_BYTES or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("Uploading inputs"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        line = bar.add_task("", total=size)
        # If the upload is retried, the bar restarts with the stream.
        yield lambda done: bar.update(line, completed=done)
