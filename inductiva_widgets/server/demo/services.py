"""Services of the demo, which refuse submissions and uploads."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from inductiva_widgets.models.tasks import SubmissionResult, TaskStatus, TaskSubmission
from inductiva_widgets.server.demo.options import DEMO_KEY, DEMO_VALUE
from inductiva_widgets.server.errors import BadRequestError
from inductiva_widgets.server.machine_groups import GroupService
from inductiva_widgets.server.schemas.machine_groups import LocalGroup, NewGroup
from inductiva_widgets.server.storage_service import StorageService
from inductiva_widgets.server.task_service import TaskService


def _refuse(what: str) -> NoReturn:
    raise BadRequestError(
        f"This server shows DEMO data, where all tasks are made up: {what}. "
        'Real simulations run after inductiva.connect("local").'
    )


class DemoTaskService(TaskService):
    """The tasks of the demo, which can be read, downloaded and killed."""

    def submit(self, submission: TaskSubmission) -> SubmissionResult:  # noqa: ARG002
        """Reject a task, which would be a real one among synthetic ones."""
        _refuse("it runs none")

    def input_uploaded(self, task_id: str) -> TaskStatus:
        """Reject the input of a waiting task."""
        self.ensure_exists(task_id)
        _refuse("it takes no input")

    def set_metadata(self, task_id: str, metadata: dict[str, str], *, merge: bool) -> None:
        """Set metadata, but keep the mark of the demo."""
        super().set_metadata(task_id, {**metadata, DEMO_KEY: DEMO_VALUE}, merge=merge)

    def is_idle(self) -> bool:
        """Return True, since no user waits for a task of the demo."""
        return True


class DemoGroupService(GroupService):
    """The machine groups of the demo, which cannot be changed."""

    def register(self, spec: NewGroup) -> LocalGroup:  # noqa: ARG002
        """Refuse a group."""
        _refuse("it has no machines")

    def start(self, key: str) -> LocalGroup:  # noqa: ARG002
        """Refuse to start a group."""
        _refuse("it has no machines")

    def terminate(self, key: str) -> LocalGroup:  # noqa: ARG002
        """Refuse to terminate a group."""
        _refuse("it has no machines")


class DemoStorageService(StorageService):
    """The files of the demo; they can be read and removed."""

    def upload_target(self, path: str) -> tuple[str, Path]:  # noqa: ARG002
        """Refuse an upload."""
        _refuse("it takes no files")

    def copy(self, source: str, target: str) -> None:  # noqa: ARG002
        """Refuse a copy."""
        _refuse("it takes no files")

    def fetch(self, url: str, path: str) -> None:  # noqa: ARG002
        """Refuse to fetch a file."""
        _refuse("it takes no files")
