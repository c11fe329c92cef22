"""Wire values of tasks that only the server uses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from inductiva_widgets.models.tasks import Command, TaskSubmission
from inductiva_widgets.server.schemas.base import ServerModel


class ExtraParams(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a submission's ``extra_params`` that says what to run."""

    commands: Annotated[list[Command], Meta(min_length=1)]
    sim_dir: str = "sim_dir"
    run_subprocess_dir: str | None = None


class NewTask(TaskSubmission, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of ``POST /tasks/submit``: what clients send, and nothing else."""


class WorkingFileEntry(ServerModel, frozen=True, kw_only=True):
    """A file that a running task has written; the name is relative to its working folder."""

    name: str
    size: int
    modified: datetime
