"""The store of the server, and its table of tasks.

The tables of projects, machine groups and metadata are in ``tables``.

When a method returns, its changes are on the disk. Any method may raise ``UnavailableError`` if the
store is locked or its disk is full; then nothing has changed.
"""

# ruff: noqa: S608 - statements contain only constant texts, all values are bound

from __future__ import annotations

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.models.tasks import StatusEvent, TaskInfo, TaskSubmission
from inductiva_widgets.server import state_machine
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.errors import UnavailableError
from inductiva_widgets.server.schemas.base import encode
from inductiva_widgets.server.store.database import Database, describe_error, is_damage
from inductiva_widgets.server.store.migrations import NewerDatabaseError
from inductiva_widgets.server.store.records import Change, Supervision, TaskRecord
from inductiva_widgets.server.store.tables import GroupTable, MetadataTable, ProjectTable
from inductiva_widgets.server.task_query import SORT_COLUMNS, TaskFilter
from inductiva_widgets.status import Status


class TaskStore:
    """The tasks, projects and machine groups of one data folder.

    Parameters
    ----------
    path
        The database file, created on first use.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        try:
            self.projects = ProjectTable(self._database)
            """The projects."""
            self.groups = GroupTable(self._database)
            """The machine groups."""
            self.metadata = MetadataTable(self._database)
            """The metadata of projects and machine groups."""
        except UnavailableError as error:
            self._database.close()
            # Callers handle an unreadable file and a full disk in the same way.
            raise sqlite3.OperationalError(str(error)) from error
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Close the file; the store cannot be used after that."""
        self._database.close()

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Return a context manager for one exclusive transaction."""
        return self._database.transaction()

    def read_connection(self) -> AbstractContextManager[sqlite3.Connection]:
        """Return a context manager for a read-only connection, which does not wait for writers."""
        return self._database.read_connection()

    # Tasks ---------------------------------------------------------------------------------------

    def add_task(self, info: TaskInfo, submission: TaskSubmission) -> TaskRecord:
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

    def tasks_by_status(self, statuses: Sequence[Status]) -> list[TaskRecord]:
        """Return the tasks in any of some statuses, the longest queued first."""
        marks = ", ".join("?" * len(statuses))
        return self._records(
            f"status IN ({marks})", [str(status) for status in statuses], "queued, seq"
        )

    def ids_by_status(self, status: Status) -> list[str]:
        """Return the ids of the tasks in a status, the longest queued first."""
        with self._database.read_connection() as connection:
            rows = connection.execute(
                "SELECT id FROM tasks WHERE status = ? ORDER BY queued, seq", [str(status)]
            ).fetchall()
        return [row[0] for row in rows]

    def update(self, task_id: str, change: Change) -> TaskRecord | None:
        """Change a task with a function, in one transaction.

        Parameters
        ----------
        task_id
            Id of the task.
        change
            Called with the present record; returns the new one. If it raises, nothing changes.

        Returns
        -------
        TaskRecord or None
            The new record, or None if there is no such task.
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
            known = dict(enumerate(before.history))
            connection.executemany(
                "INSERT OR REPLACE INTO status_history VALUES (?, ?, ?, ?)",
                [
                    (after.seq, position, str(entry.status), encode(entry))
                    for position, entry in enumerate(after.history)
                    if known.get(position) != entry
                ],
            )
            return after

    def list_tasks(
        self,
        task_filter: TaskFilter,
        order: Sequence[tuple[str, bool]] = (),
        limit: int = 20,
        offset: int = 0,
    ) -> tuple[list[bytes], int]:
        """Return a page of tasks as JSON, newest first by default, and the number of all.

        Parameters
        ----------
        task_filter
            Filter of the tasks.
        order
            Names of ``SORT_COLUMNS``, each with True if it descends.
        limit, offset
            Size and start of the page.
        """
        clause, parameters = task_filter.clause()
        by = [f"{SORT_COLUMNS[name]} {'DESC' if down else 'ASC'}" for name, down in order]
        ordering = ", ".join([*by, "seq DESC"])
        with self._database.read_connection() as connection:
            total = connection.execute(
                f"SELECT count(*) FROM tasks WHERE {clause}",
                parameters,
            ).fetchone()[0]
            rows = connection.execute(
                # Sorted without the column of the info, which has most of the bytes.
                f"SELECT task.info FROM (SELECT seq FROM tasks WHERE {clause} ORDER BY {ordering}"
                " LIMIT ? OFFSET ?) AS page CROSS JOIN tasks AS task ON task.seq = page.seq",
                [*parameters, limit, offset],
            ).fetchall()
        return [row[0] for row in rows], total

    def tasks_ahead(self, record: TaskRecord) -> int:
        """Return the number of tasks that are queued before a task."""
        with self._database.read_connection() as connection:
            row = connection.execute(
                "SELECT count(*) FROM tasks AS other JOIN tasks AS mine ON mine.seq = ?"
                " WHERE other.status = ? AND (other.queued, other.seq) < (mine.queued, mine.seq)",
                [record.seq, str(Status.SUBMITTED)],
            ).fetchone()
        return int(row[0])

    # Inside --------------------------------------------------------------------------------------

    def _records(
        self, clause: str, parameters: Sequence[Any], order: str = "seq"
    ) -> list[TaskRecord]:
        with self._database.read_connection() as connection:
            rows = connection.execute(
                "SELECT seq, info, submission, supervision FROM tasks"
                f" WHERE {clause} ORDER BY {order}",
                parameters,
            ).fetchall()
            entries = connection.execute(
                "SELECT task, entry FROM status_history"
                f" WHERE task IN (SELECT seq FROM tasks WHERE {clause}) ORDER BY task, position",
                parameters,
            ).fetchall()
        histories = defaultdict[int, list[StatusEvent]](list)
        for seq, entry in entries:
            histories[seq].append(msgspec.json.decode(entry, type=StatusEvent))
        return [
            TaskRecord(
                seq=seq,
                info=msgspec.json.decode(info, type=TaskInfo),
                submission=msgspec.json.decode(submission, type=TaskSubmission),
                supervision=msgspec.json.decode(supervision, type=Supervision),
                history=tuple(histories[seq]),
            )
            for seq, info, submission, supervision in rows
        ]


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


def open_store(data: DataDir) -> TaskStore:
    """Open the store, which is created on first use.

    A damaged store is renamed, and nothing of it is changed.

    Parameters
    ----------
    data
        The data folder, which must be locked.

    Raises
    ------
    LocalServerError
        The store is damaged, locked or cannot be written, or was written by a later version.
    """
    path = data.database
    if path.exists() and not path.stat().st_size and data.has_task_files():
        raise _damaged(path, "the file is empty, but there are files of tasks")
    try:
        return _open(path)
    except NewerDatabaseError as error:
        raise LocalServerError(f"The store {path} cannot be used: {error}") from None
    except msgspec.ValidationError as error:
        raise LocalServerError(
            f"The store {path} has a task that this version cannot read ({error}). Use the version "
            "of inductiva-widgets that wrote it, or set INDUCTIVA_LOCAL_DIR to another folder."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error
    except sqlite3.Error as error:
        if is_damage(error):
            raise _damaged(path, str(error)) from error
        raise LocalServerError(
            f"The store {path} cannot be used: {describe_error(error)}"
        ) from error


def _open(path: Path) -> TaskStore:
    with contextlib.ExitStack() as undo:
        store = undo.enter_context(contextlib.closing(TaskStore(path)))
        # The server reads these first, and an error here is reported as damage of the store.
        store.groups.active()
        store.tasks_by_status(list(state_machine.TRANSITIONS))
        undo.pop_all()
        return store


def _damaged(path: Path, damage: str) -> LocalServerError:
    """Rename the files of a damaged store, and return the error that says so."""
    now = datetime.now(timezone.utc)
    aside = path.with_name(f"{path.name}.damaged-{now:%Y%m%d-%H%M%S-%f}")
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return LocalServerError(
        f"The store {path} is damaged: {damage}. It is kept as {aside.name}, and the files of "
        "tasks are unchanged. Restore a backup of the file, or start again with an empty store."
    )
