"""SQL tables of projects and machine groups, and of the metadata of both."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from inductiva_widgets.server.schemas.base import encode
from inductiva_widgets.server.schemas.machine_groups import NewGroup
from inductiva_widgets.server.store.database import Database
from inductiva_widgets.server.store.records import GroupRecord, GroupStatus, ProjectRecord

DEFAULT_PROJECT = "default"

Kind = Literal["project", "group-sharing"]

LOCAL_GROUP = "local"
_SELECT = "SELECT id, name, machine_id, created, status, spec FROM machine_groups"
_NAME_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_NAME_LENGTH = 8


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


class MetadataTable:
    """Table of the metadata of projects and machine groups.

    Parameters
    ----------
    database
        The database of the data folder.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, kind: Kind) -> dict[str, dict[str, str]]:
        """Return the metadata of all objects of a kind, by name."""
        with self._database.read_connection() as connection:
            rows = connection.execute(
                "SELECT name, note FROM notes WHERE kind = ?", [kind]
            ).fetchall()
        return {name: msgspec.json.decode(note, type=dict[str, str]) for name, note in rows}

    def write(self, kind: Kind, name: str, note: dict[str, str], *, merge: bool) -> None:
        """Replace the metadata of an object, or merge new entries into it."""
        with self._database.transaction() as connection:
            known = self.read(kind).get(name, {}) if merge else {}
            connection.execute(
                "INSERT OR REPLACE INTO notes VALUES (?, ?, ?)",
                [kind, name, msgspec.json.encode({**known, **note})],
            )

    def delete(self, kind: Kind, name: str) -> None:
        """Remove the metadata of an object, if there are any."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM notes WHERE kind = ? AND name = ?", [kind, name])


class GroupTable:
    """Table of the machine groups, including the built-in one.

    Parameters
    ----------
    database
        The database of the data folder.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert(LOCAL_GROUP, LOCAL_GROUP, GroupStatus.STARTED, None)

    def default_group(self) -> GroupRecord:
        """Return the built-in group, which is always started."""
        with self._database.read_connection() as connection:
            row = connection.execute(f"{_SELECT} WHERE id = ?", [LOCAL_GROUP]).fetchone()
        return _record(row)

    def find(self, key: str | None) -> GroupRecord | None:
        """Return the group of an id or a name, whatever its status."""
        with self._database.read_connection() as connection:
            row = connection.execute(f"{_SELECT} WHERE id = ?1 OR name = ?1", [key]).fetchone()
        return None if row is None else _record(row)

    def active(self) -> list[GroupRecord]:
        """Return the groups that have not been terminated, the built-in one first."""
        with self._database.read_connection() as connection:
            rows = connection.execute(
                f"{_SELECT} WHERE status != ? ORDER BY created, id", [GroupStatus.TERMINATED.value]
            ).fetchall()
        return [_record(row) for row in rows]

    def history(self, limit: int, offset: int, *, ended_only: bool = False) -> list[GroupRecord]:
        """Return a page of all groups, including terminated ones, newest first."""
        with self._database.read_connection() as connection:
            rows = connection.execute(
                f"{_SELECT} WHERE NOT ? OR status = ? ORDER BY created DESC, id LIMIT ? OFFSET ?",
                [ended_only, GroupStatus.TERMINATED.value, limit, offset],
            ).fetchall()
        return [_record(row) for row in rows]

    def add(self, spec: NewGroup) -> GroupRecord:
        """Register a group under a new name and return it."""
        name = "".join(secrets.choice(_NAME_LETTERS) for _ in range(_NAME_LENGTH))
        group_id = str(uuid.uuid4())
        with self._database.transaction() as connection:
            self._insert(group_id, f"api-{name}", GroupStatus.REGISTERED, encode(spec))
            row = connection.execute(f"{_SELECT} WHERE id = ?", [group_id]).fetchone()
        return _record(row)

    def ensure(self, group_id: str, name: str, spec: NewGroup) -> None:
        """Add a started group with an id and a name, unless there is one with either."""
        if self.find(group_id) is None and self.find(name) is None:
            self._insert(group_id, name, GroupStatus.STARTED, encode(spec))

    def set_status(self, group_id: str, status: GroupStatus) -> None:
        """Change the status of a group."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE machine_groups SET status = ? WHERE id = ?", [status.value, group_id]
            )

    def _insert(self, group_id: str, name: str, status: GroupStatus, spec: bytes | None) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO machine_groups (id, name, machine_id, created, status, spec)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                [group_id, name, secrets.token_hex(16), time.time(), status.value, spec],
            )


def _record(row: Any) -> GroupRecord:
    group_id, name, machine_id, created, status, spec = row
    return GroupRecord(
        id=group_id,
        name=name,
        machine_id=machine_id,
        created=created,
        status=GroupStatus(status),
        spec=None if spec is None else msgspec.json.decode(spec, type=NewGroup),
    )
