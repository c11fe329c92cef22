"""SQL table of machine groups."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import Any

import msgspec

from inductiva_widgets.server.schemas.base import encode
from inductiva_widgets.server.schemas.machine_groups import NewGroup
from inductiva_widgets.server.store.database import Database
from inductiva_widgets.server.store.records import GroupRecord, GroupStatus

LOCAL_GROUP = "local"

_SELECT = "SELECT id, name, machine_id, created, status, spec FROM machine_groups"
_NAME_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_NAME_LENGTH = 8


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
