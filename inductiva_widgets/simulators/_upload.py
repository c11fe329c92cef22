"""Submit a task and upload its inputs. Kill the task if this fails."""

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

_WORTH_A_BAR = 10_000_000
"""Bytes of input below which an upload is over before a bar would be read."""


def submit_and_upload(
    client: Client, submission: TaskSubmission, folder: InputFolder | None
) -> Task:
    """Submit a task and upload its inputs.

    Parameters
    ----------
    client
        The service.
    submission
        What to run.
    folder
        What to upload; None where all inputs are in the remote storage.

    Returns
    -------
    Task
        The task, with its inputs there. After an error or an interrupt there is no half-made one.
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
        # Also on an interrupt: a task without its input would wait, and maybe cost, for ever.
        try:
            client.kill_task(submitted.id)
        except InductivaError as second:
            note = f"Task {submitted.id} was left without input, and killing it failed: {second}"
            raise InductivaError(note) from error
        raise
    return task


@contextmanager
def _progress(size: int) -> Iterator[Callable[[int], None] | None]:
    """Draw the upload of so many bytes on standard error, if that is a terminal."""
    if size < _WORTH_A_BAR or not sys.stderr.isatty():
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
        # A second try starts the stream anew, and the bar goes back with it.
        yield lambda done: bar.update(line, completed=done)
