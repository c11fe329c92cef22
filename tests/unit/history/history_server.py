"""A service whose tasks live: they are submitted, end, cost something later, and may vanish."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pandas as pd

from inductiva_widgets import tasks
from inductiva_widgets.http.client import Client
from tests.unit.conftest import FakeTransport, wire_task

PER_PAGE = 5
ROTATION = 1
"""Number of pages of older tasks that a call reads again."""

_BEGIN = datetime(2024, 2, 1, tzinfo=timezone.utc)


class World(FakeTransport):
    """The service and what happens to it."""

    def __init__(self, *, honours_active: bool = True) -> None:
        super().__init__([])
        self.honours_active = honours_active
        self.count_certain = 0
        self.just_ended: set[str] = set()
        self.client = Client(self)

    # What happens

    def submit(self, count: int = 1, status: str = "computation-started") -> None:
        for _ in range(count):
            self.count_certain += 1
            created = (_BEGIN + timedelta(hours=self.count_certain)).isoformat()
            task = wire_task(
                f"t{self.count_certain}",
                status,
                create_time=created,
                project="odd" if self.count_certain % 2 else "even",
                estimated_computation_cost=1.0,
            )
            self.tasks = {task["task_id"]: task, **self.tasks}

    def submit_ended(self, count: int) -> None:
        """Submit tasks that ended long ago."""
        self.submit(count, "success")

    @property
    def alive(self) -> list[dict[str, Any]]:
        return [task for task in self.tasks.values() if not task["is_terminated"]]

    def end(self, task: dict[str, Any], status: str = "success", *, ago: float = 0.0) -> None:
        """Let a task end some seconds ago."""
        moment = (datetime.now(timezone.utc) - timedelta(seconds=ago)).isoformat()
        task.update(status=status, is_terminated=True, end_time=moment)
        if ago < 60:
            self.just_ended.add(task["task_id"])

    def bill(self, cost: float) -> None:
        """Let the tasks that have just ended have their cost, which comes a little later."""
        for task_id in self.just_ended & self.tasks.keys():
            self.tasks[task_id]["estimated_computation_cost"] = cost

    def remove(self, task_id: str) -> None:
        self.tasks = {name: task for name, task in self.tasks.items() if name != task_id}

    # What is seen of it

    def truth(self, **wanted: Any) -> list[tuple[Any, ...]]:
        """Return what a history should have, from the tasks themselves."""
        found = [
            task
            for task in self.tasks.values()
            if wanted.get("status") in (None, task["status"])
            and wanted.get("project") in (None, task["project"])
            and (wanted.get("since") is None or task["create_time"] >= wanted["since"])
        ]
        return [_row(task) for task in found[: wanted.get("last_n")]]

    def history(self, **options: Any) -> pd.DataFrame:
        return tasks.history(client=self.client, **options)

    def costs(self, **options: Any) -> int:
        """Return how many requests a history makes."""
        before = len(self.calls)
        told = self.history(**options).attrs["inductiva"]["requests"]
        assert told == len(self.calls) - before
        return told

    def _page(self, params):
        if not self.honours_active:
            params = {**params, "active": None}
        return super()._page(params)

    def _about_a_task(self, method, path, parts):
        if method == "DELETE":
            return {}
        if method == "PUT":
            self.tasks[parts[1]]["task_metadata"] = self.calls[-1][3]
        return super()._about_a_task(method, path, parts)


def rows(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return a frame as :meth:`World.truth` has it."""
    assert frame.index.is_unique
    metadata = [name for name in frame.columns if name.startswith("metadata.")]
    ended = frame["ended"].astype(object).where(frame["ended"].notna(), None)
    noted = [
        {name[9:]: text for name, text in row.items() if not pd.isna(text)}
        for row in frame[metadata].to_dict("records")
    ] or [{} for _ in range(len(frame))]
    return list(
        zip(frame.index, frame["status"].astype(str), frame["cost_usd"], ended, noted, strict=True)
    )


def _row(task: dict[str, Any]) -> tuple[Any, ...]:
    end = task["end_time"]
    ended = None if end is None else pd.Timestamp(end)
    noted = task.get("task_metadata") or {}
    return task["task_id"], task["status"], task["estimated_computation_cost"], ended, noted
