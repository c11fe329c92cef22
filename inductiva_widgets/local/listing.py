"""What a listing of tasks may be filtered and sorted by."""

from __future__ import annotations

from typing import Any, NamedTuple

# What a listing may be sorted by, as the wire names it.
SORT_COLUMNS = {
    "create_time": "created",
    "input_submit_time": "queued",
    "start_time": "started",
    "end_time": "ended",
    "status": "status",
    "simulator": "simulator",
    "project": "project",
    "task_id": "id",
}


class TaskFilter(NamedTuple):
    """Which tasks to list; None does not filter."""

    status: str | None = None
    project: str | None = None
    active: bool | None = None
    id_part: str | None = None

    def clause(self) -> tuple[str, list[Any]]:
        """Return the condition and its parameters."""
        conditions = {
            "status = ?": self.status,
            "project = ?": self.project,
            "active = ?": self.active,
            "instr(id, ?) > 0": self.id_part,
        }
        used = {text: value for text, value in conditions.items() if value is not None}
        return " AND ".join(used) or "1", list(used.values())
