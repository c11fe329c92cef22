"""Values that several tests of the embedded server start from."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from inductiva_widgets.models.tasks import Executer, TaskInfo, TaskMetrics, TaskSubmission
from inductiva_widgets.server import state_machine
from inductiva_widgets.server.store.records import TaskRecord
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.status import Status

START = datetime(2024, 2, 1, 17, 16, 16, tzinfo=timezone.utc)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def submission(**fields) -> TaskSubmission:
    extra = {"commands": [{"cmd": "runswmm a b c", "prompts": []}]}
    given = {"simulator": "x", "resource_pool": "local", "container_image": "x"}
    return TaskSubmission(**{**given, "extra_params": extra, **fields})


def info(task_id: str = "task1", **fields) -> TaskInfo:
    given = {
        "task_id": task_id,
        "status": Status.PENDING_INPUT,
        "simulator": "swmm",
        "project": "default",
        "is_terminated": False,
        "create_time": at(0),
        "metrics": TaskMetrics(),
        "storage_path": task_id,
    }
    return TaskInfo(**{**given, **fields})


def record_in(*statuses: Status, **fields) -> TaskRecord:
    """Return a task that has gone through some statuses, a second each."""
    record = TaskRecord(seq=1, info=info(**fields), submission=submission())
    record = state_machine.transition(record, Status.PENDING_INPUT, at(0))
    facts = {
        Status.STARTED: {"start_time": at(2), "executer": Executer(uuid="machine")},
        Status.COMPUTATION_STARTED: {"computation_start_time": at(3)},
    }
    for second, status in enumerate(statuses, start=1):
        record = state_machine.transition(record, status, at(second), **facts.get(status, {}))
    return record


RUNNING = (Status.SUBMITTED, Status.STARTED, Status.COMPUTATION_STARTED)


@pytest.fixture
def store(tmp_path):
    opened = TaskStore(tmp_path / "store.sqlite3")
    yield opened
    opened.close()
