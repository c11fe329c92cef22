"""SQL table of projects."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

from inductiva_widgets.server.store.database import Database
from inductiva_widgets.server.store.records import ProjectRecord

DEFAULT_PROJECT = "default"


class ProjectTable:
    """Table of the projects, including the default one.

    Parameters
    ----------
    database
        The database of the data folder.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.add(DEFAULT_PROJECT, "project")

    def list(self, name: str | None = None) -> Sequence[ProjectRecord]:
        """Return all projects, oldest first, or the one with a name."""
        with self._database.read_connection() as connection:
            rows = connection.execute(
                "SELECT name, id, kind, created FROM projects WHERE ?1 IS NULL OR name = ?1"
                " ORDER BY created",
                [name],
            ).fetchall()
            counts = connection.execute(
                "SELECT project, status, count(*) FROM tasks GROUP BY project, status"
            ).fetchall()
        overviews: dict[str, dict[str, int]] = {row[0]: {} for row in rows}
        for project, status, count in counts:
            overviews.setdefault(project, {})[status] = count
        return [
            ProjectRecord(
                name=row[0], id=row[1], kind=row[2], created=row[3], overview=overviews[row[0]]
            )
            for row in rows
        ]

    def add(self, name: str, kind: str) -> bool:
        """Add a project and return whether it is new."""
        with self._database.transaction() as connection:
            return bool(
                connection.execute(
                    "INSERT OR IGNORE INTO projects VALUES (?, ?, ?, ?)",
                    [name, str(uuid.uuid4()), kind, time.time()],
                ).rowcount
            )

    def remove(self, name: str) -> None:
        """Remove a project; one that has tasks cannot be removed."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM projects WHERE name = ?", [name])
