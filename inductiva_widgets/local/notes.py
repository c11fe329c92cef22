"""What users note of projects and machine groups, in a table of its own; its SQL is in here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import msgspec

from inductiva_widgets.local.store import Store

Kind = Literal["project", "group-sharing"]

# Made when first needed: no step of the schema depends on it.
_TABLE = """
    CREATE TABLE IF NOT EXISTS notes (
        kind  TEXT NOT NULL,
        name  TEXT NOT NULL,
        note  BLOB NOT NULL,
        PRIMARY KEY (kind, name)
    ) WITHOUT ROWID
"""


def read(store: Store, kind: Kind) -> dict[str, dict[str, str]]:
    """Return all notes of a kind, by the name of what they are about."""
    with _table(store) as connection:
        rows = connection.execute("SELECT name, note FROM notes WHERE kind = ?", [kind]).fetchall()
    return {name: msgspec.json.decode(note, type=dict[str, str]) for name, note in rows}


def write(store: Store, kind: Kind, name: str, note: dict[str, str], *, merge: bool) -> None:
    """Replace the note about something, or merge new entries into it."""
    with _table(store) as connection:
        known = read(store, kind).get(name, {}) if merge else {}
        connection.execute(
            "INSERT OR REPLACE INTO notes VALUES (?, ?, ?)",
            [kind, name, msgspec.json.encode({**known, **note})],
        )


def forget(store: Store, kind: Kind, name: str) -> None:
    """Remove the note about something, where there is one."""
    with _table(store) as connection:
        connection.execute("DELETE FROM notes WHERE kind = ? AND name = ?", [kind, name])


@contextmanager
def _table(store: Store) -> Iterator[sqlite3.Connection]:
    with store.transaction() as connection:
        connection.execute(_TABLE)
        yield connection
