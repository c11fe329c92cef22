"""Filters and sort columns of task listings."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from msgspec import Meta

from inductiva_widgets.server.errors import MalformedRequestError
from inductiva_widgets.status import KNOWN_STATUSES

# Sort columns of a listing, by their names in the API.
SORT_COLUMNS = {
    # The order of creation, which needs no sorting and does not depend on the clock.
    "create_time": "seq",
    "input_submit_time": "queued",
    "start_time": "started",
    "end_time": "ended",
    "status": "status",
    "simulator": "simulator",
    "project": "project",
    "task_id": "id",
}

_ORDER_PATTERN = f"^({'|'.join(SORT_COLUMNS)})(:(asc|desc))?$"

StatusCode = Annotated[str, Meta(extra_json_schema={"enum": list(KNOWN_STATUSES)})]
"""Status in a query; checked by ``check_status``, whose message is clearer than a pattern's."""

Order = Annotated[str, Meta(extra_json_schema={"pattern": _ORDER_PATTERN})]
"""Sort field in a query; parsed by ``parse_order``."""


def check_status(status: str | None) -> None:
    """Raise if a status is unknown."""
    if status is not None and status not in KNOWN_STATUSES:
        known = ", ".join(KNOWN_STATUSES)
        message = f"Unknown status {status!r}, expected one of {known} - at `$.status`"
        raise MalformedRequestError("query", message)


def parse_order(text: str) -> tuple[str, bool]:
    """Return the sort field, and True if it descends."""
    field, _, order = text.partition(":")
    if field not in SORT_COLUMNS or text not in (field, f"{field}:asc", f"{field}:desc"):
        known = ", ".join(SORT_COLUMNS)
        message = f"Expected field:asc or field:desc with one of {known}, got {text!r}"
        raise MalformedRequestError("query", f"{message} - at `$.sort`")
    return field, order == "desc"


class TaskFilter(NamedTuple):
    """Filter of a task listing; None does not filter."""

    status: str | None = None
    project: str | None = None
    active: bool | None = None
    id_part: str | None = None

    def clause(self) -> tuple[str, list[Any]]:
        """Return the SQL condition and its parameters."""
        conditions = {
            "status = ?": self.status,
            "project = ?": self.project,
            "instr(id, ?) > 0": self.id_part,
        }
        used = {text: value for text, value in conditions.items() if value is not None}
        texts = list(used)
        if self.active is not None:
            # Written out, since SQLite uses a partial index only for the same condition.
            texts.append("active" if self.active else "NOT active")
        return " AND ".join(texts) or "1", list(used.values())
