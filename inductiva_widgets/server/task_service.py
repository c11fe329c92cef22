"""Service for tasks: submission, status, kill, metadata, files."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from inductiva_widgets.models.tasks import (
    Fee,
    QueuePosition,
    SubmissionResult,
    TaskInfo,
    TaskMetrics,
    TaskStatus,
    TaskSubmission,
)
from inductiva_widgets.server import clock, job_setup, state_machine
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.errors import BadRequestError, ConflictingStateError, MissingError
from inductiva_widgets.server.executor import Executor
from inductiva_widgets.server.schemas.storage import REGION
from inductiva_widgets.server.schemas.tasks import WorkingFileEntry
from inductiva_widgets.server.storage_service import INPUT, OUTPUT, StorageService
from inductiva_widgets.server.store.records import Change, GroupRecord, TaskRecord
from inductiva_widgets.server.store.tables import DEFAULT_PROJECT
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.server.task_query import TaskFilter
from inductiva_widgets.server.work_dir import FileContent, WorkDir, read_part
from inductiva_widgets.status import Status

_ID_LETTERS = string.ascii_lowercase + string.digits
_ID_LENGTH = 25
_LONGEST_LIFE = 10**9
_NO_FEE = Fee(amount=0.0, charged=False)


class TaskService:
    """Implements the task API for a data folder.

    Parameters
    ----------
    data
        The data folder.
    store
        Its store.
    storage
        The files of the tasks.
    executor
        The executor that runs the tasks.
    on_change
        Called when a task is to be started or stopped.
    """

    def __init__(
        self,
        data: DataDir,
        store: TaskStore,
        storage: StorageService,
        executor: Executor,
        on_change: Callable[[], None],
    ) -> None:
        self._data = data
        self._store = store
        self._storage = storage
        self._executor = executor
        self._on_change = on_change

    def submit(self, submission: TaskSubmission) -> SubmissionResult:
        """Add a task, which waits for its input archive."""
        job_setup.read_run_spec(submission)
        if submission.compress_with not in (None, "AUTO", "SEVEN_Z"):
            raise BadRequestError("compress_with has to be AUTO, SEVEN_Z or null.")
        limit = submission.time_to_live_seconds
        if limit is not None and not 0 < limit <= _LONGEST_LIFE:
            raise BadRequestError(
                f"time_to_live_seconds has to be more than 0 and at most {_LONGEST_LIFE}."
            )
        for asset in submission.input_resources:
            # Check the project now rather than after the upload of the input.
            self._storage.require_path(asset)
        project = submission.project or DEFAULT_PROJECT
        if not self._store.projects.list(project):
            raise MissingError(f"There is no project {project!r}: create it first.")

        # In one transaction, since the group may be terminated at any time.
        with self._store.transaction():
            created = clock.current_moment()
            info = self._new_task(
                submission, project, self._started_group(submission), created.time
            )

            def create(new: TaskRecord) -> TaskRecord:
                new = replace(new, supervision=replace(new.supervision, created=created))
                return state_machine.transition(new, info.status, created.time)

            self._store.add_task(info, submission)
            self._store.update(info.task_id, create)
        return SubmissionResult(
            id=info.task_id,
            status=info.status,
            is_terminated=False,
            storage_region=REGION,
            time_to_live_seconds=submission.time_to_live_seconds,
            orchestration_fee=_NO_FEE,
        )

    def input_uploaded(self, task_id: str) -> TaskStatus:
        """Queue a task whose input archive is there; idempotent."""
        record = self._record(task_id)
        if record.info.status != Status.PENDING_INPUT:
            if record.info.input_submit_time is None:
                raise ConflictingStateError(
                    f"Task {task_id} takes no input: it is {record.info.status}."
                )
            return self._status_of(record)
        path = record.info.storage_input_path or ""
        if not self._storage.resolve_path(path)[1].is_file():
            raise ConflictingStateError(f"The input archive of task {task_id} was not uploaded.")
        submission = record.submission
        archive = self._storage.accept_input(
            path, job_setup.read_run_spec(submission).sim_dir, submission.input_resources
        )
        size = archive.stat().st_size

        def queue(present: TaskRecord) -> TaskRecord:
            if present.info.input_submit_time is not None:
                # A repeated request was faster.
                return present
            now = state_machine.task_time(present, clock.current_moment())
            created = present.info.create_time or now
            metrics = replace(
                present.info.metrics or TaskMetrics(),
                input_zipped_size_bytes=size,
                input_upload_seconds=(now - created).total_seconds(),
            )
            return state_machine.transition(
                present, Status.SUBMITTED, now, input_submit_time=now, metrics=metrics
            )

        return self._change(task_id, queue)

    def kill(self, task_id: str) -> TaskStatus:
        """Kill a task: immediately while it waits, through its executor while it runs."""

        def stop(present: TaskRecord) -> TaskRecord:
            now = state_machine.task_time(present, clock.current_moment())
            return state_machine.kill(present, now)

        return self._change(task_id, stop)

    def status(self, task_id: str) -> TaskStatus:
        """Return the status of a task and, while it is queued, its position."""
        return self._status_of(self._record(task_id))

    def get_task(self, task_id: str) -> TaskInfo:
        """Return a task with its history."""
        record = self._record(task_id)
        return replace(
            record.info, status_history=list(record.history), machine_operations=[], steps=[]
        )

    def list_tasks(
        self, task_filter: TaskFilter, order: list[tuple[str, bool]], page: int, per_page: int
    ) -> bytes:
        """Return one page of the listing as JSON."""
        rows, total = self._store.list_tasks(task_filter, order, per_page, (page - 1) * per_page)
        # Each row is stored as JSON already.
        return b'{"total_size":%d,"tasks":[%b]}' % (total, b",".join(rows))

    def metadata(self, task_id: str) -> dict[str, str]:
        """Return the metadata of a task."""
        return dict(self._record(task_id).info.task_metadata or {})

    def set_metadata(self, task_id: str, metadata: dict[str, str], *, merge: bool) -> None:
        """Replace the metadata of a task, or merge new entries into it."""

        def attach(present: TaskRecord) -> TaskRecord:
            kept = (present.info.task_metadata or {}) if merge else {}
            return replace(present, info=replace(present.info, task_metadata={**kept, **metadata}))

        self._change(task_id, attach)

    def read_file(self, task_id: str, name: str, after: int | None, max_bytes: int) -> FileContent:
        """Read a part of a file of a running or finished task; see ``work_dir.read_part``."""
        record = self._record(task_id)
        try:
            with self.work_dir(task_id).open(name) as file:
                return read_part(file, after, max_bytes)
        except MissingError:
            # The task is not running: read its output archive.
            return self._storage.read_zip_entry(
                record.info.storage_output_path or "", name, after, max_bytes
            )

    def work_dir(self, task_id: str) -> WorkDir:
        """Return the working folder of an existing task."""
        return WorkDir(self._data.task(task_id).work)

    def list_files(self, task_id: str) -> list[WorkingFileEntry]:
        """Return the files that a running task has written, newest first."""
        self.ensure_exists(task_id)
        return self.work_dir(task_id).files()

    def top(self, task_id: str) -> str:
        """Return the threads of an existing task in the format of ``top``."""
        self.ensure_exists(task_id)
        return self._executor.top(self._data.task(task_id))

    def is_idle(self) -> bool:
        """Return whether no task is queued or running."""
        return not self._store.tasks_by_status([Status.SUBMITTED, *state_machine.ON_MACHINE])

    def ensure_exists(self, task_id: str) -> None:
        """Raise if there is no such task."""
        self._record(task_id)

    def _record(self, task_id: str) -> TaskRecord:
        record = self._store.task(task_id)
        if record is None:
            raise MissingError(f"There is no task {task_id!r}.")
        return record

    def _change(self, task_id: str, change: Change) -> TaskStatus:
        try:
            record = self._store.update(task_id, change)
        except state_machine.IllegalTransitionError as error:
            # The status has changed since the check.
            raise ConflictingStateError(str(error)) from None
        if record is None:
            raise MissingError(f"There is no task {task_id!r}.")
        self._on_change()
        return self._status_of(record)

    def _status_of(self, record: TaskRecord) -> TaskStatus:
        info = record.info
        position = None
        if info.status == Status.SUBMITTED:
            position = QueuePosition(
                tasks_ahead=self._store.tasks_ahead(record),
                reason=state_machine.waiting_reason(record),
            )
        return TaskStatus(
            id=info.task_id,
            status=info.status,
            is_terminated=info.is_terminated,
            position_in_queue=position,
        )

    def _started_group(self, submission: TaskSubmission) -> GroupRecord:
        name = submission.resource_pool
        group = self._store.groups.find(name)
        if group is None:
            raise MissingError(f"There is no machine group {name!r} here.")
        if not group.is_started:
            raise BadRequestError(
                f"The machine group {group.name!r} is {group.status.value}, not started: "
                "only started groups take tasks."
            )
        return group

    def _new_task(
        self, submission: TaskSubmission, project: str, group: GroupRecord, created: datetime
    ) -> TaskInfo:
        task_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
        prefix = submission.storage_path_prefix.strip("/")
        folder, _ = self._storage.resolve_path(f"{prefix}/{task_id}")
        return TaskInfo(
            task_id=task_id,
            status=Status.PENDING_INPUT,
            status_alias=Status.PENDING_INPUT.alias,
            simulator=submission.simulator_name_alias or submission.simulator,
            project=project,
            is_terminated=False,
            num_retries=0,
            storage_path=folder,
            storage_input_path=f"{folder}/{INPUT}",
            storage_output_path=f"{folder}/{OUTPUT}",
            storage_region=REGION,
            container_image=submission.container_image,
            create_time=created,
            estimated_computation_cost=0.0,
            metrics=TaskMetrics(),
            machine_group_name=group.name,
            machine_group_id=group.id,
            input_resources=list(submission.input_resources),
            stream_zip=submission.stream_zip,
            compress_with=submission.compress_with,
            task_metadata={},
            extra_params=msgspec.to_builtins(submission.extra_params),
            resubmit_on_preemption=submission.resubmit_on_preemption,
            orchestration_fee=_NO_FEE,
        )
