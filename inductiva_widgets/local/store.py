"""The store: an SQLite file with everything the server must not forget.

All SQL is in here, but for the machine groups' in :mod:`inductiva_widgets.local.grouptable`.

One connection and one lock serve all threads. Statements take well under a millisecond, and one
user's requests are few, so queueing them is both simplest and fast. What a method has written is
on the disk when it returns.
"""

# ruff: noqa: S608 - statements are put together from texts of ours only, all values are bound

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from inductiva_widgets.local.grouptable import GroupTable
from inductiva_widgets.local.listing import SORT_COLUMNS, TaskFilter
from inductiva_widgets.local.records import Change, ProjectRecord, Supervision, TaskRecord
from inductiva_widgets.local.schema import bring_up_to_date
from inductiva_widgets.local.wire import encode
from inductiva_widgets.models import StatusEvent, Submission, TaskInfo
from inductiva_widgets.status import Status

DEFAULT_PROJECT = "default"

_SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    # In KiB: the pages of some 30,000 tasks, which a client that lists them all runs through once
    # for each page of the listing.
    "cache_size = -65536",
)


class Store:
    """The tasks, projects and machine groups of one data folder.

    Parameters
    ----------
    path
        The database file; made at first use.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=30
        )
        try:
            for setting in _SETTINGS:
                self._connection.execute(f"PRAGMA {setting}")
            bring_up_to_date(self._connection)
            self.add_project(DEFAULT_PROJECT, "project")
            self.groups = GroupTable(self.transaction)
            """The machine groups."""
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; the store is of no use afterwards."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside happens as a whole or not at all, and alone."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    # Tasks ---------------------------------------------------------------------------------------

    def add_task(self, info: TaskInfo, submission: Submission) -> TaskRecord:
        """Add a task without history and return it."""
        with self.transaction() as connection:
            record = TaskRecord(seq=0, info=info, submission=submission)
            names, values = zip(*_columns(record).items(), strict=True)
            marks = ", ".join("?" * len(values))
            statement = f"INSERT INTO tasks ({', '.join(names)}) VALUES ({marks})"
            seq = connection.execute(statement, values).lastrowid
            return msgspec.structs.replace(record, seq=seq)

    def task(self, task_id: str) -> TaskRecord | None:
        """Return a task with its history."""
        found = self._records("id = ?", [task_id])
        return found[0] if found else None

    def tasks_with(self, statuses: Sequence[Status]) -> list[TaskRecord]:
        """Return the tasks in any of some statuses, the longest queued first."""
        marks = ", ".join("?" * len(statuses))
        return self._records(
            f"status IN ({marks})", [str(status) for status in statuses], "queued, seq"
        )

    def update(self, task_id: str, change: Change) -> TaskRecord | None:
        """Replace a task by what a function makes of it, with nothing in between.

        Parameters
        ----------
        task_id
            Id of the task.
        change
            Receives the present record. What it raises leaves the task as it was.

        Returns
        -------
        TaskRecord or None
            The new record; None where there is no such task.
        """
        with self.transaction() as connection:
            before = self.task(task_id)
            if before is None:
                return None
            after = change(before)
            if after == before:
                return after
            columns = _columns(after)
            settings = ", ".join(f"{name} = ?" for name in columns)
            connection.execute(
                f"UPDATE tasks SET {settings} WHERE seq = ?",
                [*columns.values(), after.seq],
            )
            if after.history != before.history:
                connection.executemany(
                    "INSERT OR REPLACE INTO status_history VALUES (?, ?, ?, ?)",
                    [
                        (after.seq, position, str(entry.status), encode(entry))
                        for position, entry in enumerate(after.history)
                    ],
                )
            return after

    def list_tasks(
        self,
        wanted: TaskFilter,
        order: Sequence[tuple[str, bool]] = (),
        limit: int = 20,
        offset: int = 0,
    ) -> tuple[list[bytes], int]:
        """Return tasks as JSON, newest first unless ordered otherwise, and how many there are.

        Parameters
        ----------
        wanted
            Which tasks.
        order
            Names of ``SORT_COLUMNS``, each with whether it descends.
        limit, offset
            Which part of them.
        """
        clause, parameters = wanted.clause()
        by = [f"{SORT_COLUMNS[name]} {'DESC' if down else 'ASC'}" for name, down in order]
        ordering = ", ".join([*by, "seq DESC"])
        with self.transaction() as connection:
            total = connection.execute(
                f"SELECT count(*) FROM tasks WHERE {clause}",
                parameters,
            ).fetchone()[0]
            rows = connection.execute(
                f"SELECT info FROM tasks WHERE {clause} ORDER BY {ordering} LIMIT ? OFFSET ?",
                [*parameters, limit, offset],
            ).fetchall()
        return [row[0] for row in rows], total

    def tasks_ahead(self, record: TaskRecord) -> int:
        """Return how many queued tasks come before one."""
        with self.transaction() as connection:
            row = connection.execute(
                "SELECT count(*) FROM tasks AS other JOIN tasks AS mine ON mine.seq = ?"
                " WHERE other.status = ? AND (other.queued, other.seq) < (mine.queued, mine.seq)",
                [record.seq, str(Status.SUBMITTED)],
            ).fetchone()
        return int(row[0])

    # Projects -----------------------------------------------------------------------------------

    def projects(self, name: str | None = None) -> list[ProjectRecord]:
        """Return all projects, or the one of a name, oldest first."""
        with self.transaction() as connection:
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

    def add_project(self, name: str, kind: str) -> bool:
        """Add a project and return whether it is new."""
        with self.transaction() as connection:
            return bool(
                connection.execute(
                    "INSERT OR IGNORE INTO projects VALUES (?, ?, ?, ?)",
                    [name, str(uuid.uuid4()), kind, time.time()],
                ).rowcount
            )

    def remove_project(self, name: str) -> None:
        """Remove a project; one that has tasks cannot be removed."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM projects WHERE name = ?", [name])

    # Inside --------------------------------------------------------------------------------------

    def _records(
        self, clause: str, parameters: Sequence[Any], order: str = "seq"
    ) -> list[TaskRecord]:
        with self.transaction() as connection:
            rows = connection.execute(
                "SELECT seq, info, submission, supervision FROM tasks"
                f" WHERE {clause} ORDER BY {order}",
                parameters,
            ).fetchall()
            return [
                TaskRecord(
                    seq=seq,
                    info=msgspec.json.decode(info, type=TaskInfo),
                    submission=msgspec.json.decode(submission, type=Submission),
                    supervision=msgspec.json.decode(supervision, type=Supervision),
                    history=self._history(connection, seq),
                )
                for seq, info, submission, supervision in rows
            ]

    @staticmethod
    def _history(connection: sqlite3.Connection, seq: int) -> tuple[StatusEvent, ...]:
        rows = connection.execute(
            "SELECT entry FROM status_history WHERE task = ? ORDER BY position", [seq]
        )
        return tuple(msgspec.json.decode(row[0], type=StatusEvent) for row in rows)


def _columns(record: TaskRecord) -> dict[str, Any]:
    info = record.info
    return {
        "id": info.task_id,
        "status": str(info.status),
        "active": not info.is_terminated,
        "project": info.project,
        "simulator": info.simulator,
        "created": _seconds(info.create_time),
        "queued": _seconds(info.input_submit_time),
        "started": _seconds(info.start_time),
        "ended": _seconds(info.end_time),
        "info": encode(info),
        "submission": encode(record.submission),
        "supervision": encode(record.supervision),
    }


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
