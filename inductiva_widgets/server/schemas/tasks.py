"""Wire values of tasks that only the server uses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from inductiva_widgets.models.tasks import CommandSpec, TaskSubmission
from inductiva_widgets.server.schemas.base import ServerModel


class ExtraParams(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a submission's ``extra_params`` with the commands to run."""

    commands: Annotated[list[CommandSpec], Meta(min_length=1)]
    sim_dir: str = "sim_dir"
    run_subprocess_dir: str | None = None


class NewTask(TaskSubmission, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of ``POST /tasks/submit``, which rejects unknown fields."""


class WorkingFileEntry(ServerModel, frozen=True, kw_only=True):
    """File of a running task; the name is relative to its working folder."""

    name: str
    size: int
    modified: datetime
