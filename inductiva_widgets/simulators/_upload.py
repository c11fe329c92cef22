"""Submission of a task and upload of its inputs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from inductiva_widgets.errors import InductivaError
from inductiva_widgets.models.tasks import TaskSubmission
from inductiva_widgets.simulators._packing import InputFolder
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
    """
    submitted = client.submit(submission)
    task = Task(submitted.id, client=client)
    if submitted.status != "pending-input":
        return task
    try:
        if folder is not None:
            path = f"{submission.storage_path_prefix}/{submitted.id}/input.zip"
            link = client.signed_url("upload", path, submitted.storage_region)
            with _progress(folder.size) as draw:
                client.upload(link, lambda: folder.stream(draw))
        client.confirm_input_upload(submitted.id)
    except BaseException as error:
        # After an interrupt, too: a task without inputs would wait forever, and may cost money.
        try:
            client.kill_task(submitted.id)
        except InductivaError as second:
            message = f"Task {submitted.id} has no inputs, and it could not be killed: {second}"
            raise InductivaError(message) from error
        raise
    return task


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
