"""A service made of plain data, behind the same transport that the real one has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest

from inductiva_widgets import errors
from inductiva_widgets._secret import Secret
from inductiva_widgets.config import Settings
from inductiva_widgets.http.client import Client

CANARY = "canary-key-7f3a"
START = datetime(2024, 2, 1, 17, 16, 16, tzinfo=timezone.utc)


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def wire_task(task_id: str = "n7pbtxunxqzuca6nwe9v0gn75", status: str = "success", **fields: Any):
    """Return a task as the service sends it, its times fitting its status."""
    order = ["submitted", "started", "computation-started", "computation-ended"]
    reached = order.index(status) if status in order else len(order)
    ended = status not in order and status != "pending-input"
    task = {
        "task_id": task_id,
        "status": status,
        "status_alias": None,
        "simulator": "splishsplash",
        "project": "default",
        "is_terminated": ended,
        "num_retries": 0,
        "create_time": at(0),
        "input_submit_time": None if status == "pending-input" else at(1),
        "start_time": at(14) if reached >= 1 else None,
        "computation_start_time": at(16) if reached >= 2 else None,
        "computation_end_time": at(26) if reached >= 3 else None,
        "end_time": at(28) if ended else None,
        "storage_output_path": f"{task_id}/output.zip",
        "executer": {"vm_type": "c2-standard-16", "host_type": "GCP", "n_mpi_hosts": 1}
        if reached >= 1
        else None,
    }
    return {**task, **fields}


class FakeTransport:
    """Answers from ``tasks``; every call is recorded as ``(method, path, params, body)``."""

    def __init__(self, tasks: list[dict[str, Any]]) -> None:
        self.settings = Settings("http://fake", Secret(CANARY), "http://fake")
        self.clock_skew = 0.0
        self.is_embedded = False
        self.calls: list[tuple[str, str, dict[str, Any], Any]] = []
        self.tasks = {task["task_id"]: task for task in tasks}
        self.ahead: dict[str, int] = {}
        self.images = {"production": {"swmm": ["5.2.3", "5.2.4"]}, "development": {}}
        self.groups = [{"id": "g1", "name": "api-one", "status": "started"}]
        self.fail_with: Exception | None = None
        self.hooks: dict[str, Callable[[], None]] = {}
        self.uploads: list[bytes] = []

    @property
    def requests(self) -> list[str]:
        return [f"{method} {path}" for method, path, _, _ in self.calls]

    def call(self, method, path, *, answer=None, params=None, body=None, **_):
        self.calls.append((method, path, dict(params or {}), msgspec.to_builtins(body)))
        hook = self.hooks.get(f"{method} {path}")
        if hook is not None:
            hook()
        if self.fail_with is not None:
            raise self.fail_with
        result = self._answer(method, path, dict(params or {}))
        if answer is None:
            return None
        # Through JSON, so that what the tests hand in is what the wire could carry.
        return msgspec.json.decode(msgspec.json.encode(result), type=answer)

    def upload(self, url, body):
        self.uploads.append(b"".join(body()))

    def _answer(self, method, path, params):
        parts = path.strip("/").split("/")
        fixed = {"/simulators/available-images": self.images, "/compute/groups": self.groups}
        if path in fixed or parts[0] == "projects":
            return fixed.get(path, {"name": unquote(parts[-1])})
        if path == "/storage/signed-urls":
            return [f"http://fake/signed/{item}" for item in params["paths"]]
        if path == "/tasks/submit":
            new = wire_task("new-task", "pending-input")
            self.tasks["new-task"] = new
            return {"id": "new-task", "status": "pending-input", "is_terminated": False}
        if path == "/tasks":
            return self._page(params)
        return self._about_a_task(method, path, parts)

    def _about_a_task(self, method, path, parts):
        task = self.tasks.get(unquote(parts[1])) if parts[0] == "tasks" else None
        if task is None:
            raise errors.NotFoundError("no such task", status=404, endpoint=f"{method} {path}")
        if len(parts) == 2:
            return {**task, "status_history": task.get("status_history", [])}
        if parts[2] == "kill":
            task.update(status="killed", is_terminated=True, end_time=at(20))
        if parts[2] == "input_uploaded":
            task["status"] = "submitted"
        ahead = self.ahead.get(task["task_id"])
        return {
            "id": task["task_id"],
            "status": task["status"],
            "is_terminated": task["is_terminated"],
            "position_in_queue": None if ahead is None else {"tasks_ahead": ahead},
        }

    def _page(self, params):
        found = [
            task
            for task in self.tasks.values()
            if params.get("status") in (None, task["status"])
            and params.get("project") in (None, task["project"])
            and (not params.get("active") or not task["is_terminated"])
        ]
        start = (params["page"] - 1) * params["per_page"]
        return {"tasks": found[start : start + params["per_page"]], "total_size": len(found)}


@pytest.fixture
def service():
    """Return a maker of services: ``service(task, task)`` gives a client with those tasks."""

    def make(*tasks: dict[str, Any]) -> Client:
        return Client(FakeTransport(list(tasks) or [wire_task()]))

    return make


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    """Keep the developer's own key and settings out of the tests."""
    for name in ("INDUCTIVA_API_URL", "INDUCTIVA_API_KEY", "INDUCTIVA_OUTPUT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", None)
