"""SQL table of the metadata of projects and machine groups."""

from __future__ import annotations

from typing import Literal

import msgspec

from inductiva_widgets.server.store.tasks import TaskStore

Kind = Literal["project", "group-sharing"]


def read_metadata(store: TaskStore, kind: Kind) -> dict[str, dict[str, str]]:
    """Return the metadata of all objects of a kind, by name."""
    with store.read_connection() as connection:
        rows = connection.execute("SELECT name, note FROM notes WHERE kind = ?", [kind]).fetchall()
    return {name: msgspec.json.decode(note, type=dict[str, str]) for name, note in rows}


def write_metadata(
    store: TaskStore, kind: Kind, name: str, note: dict[str, str], *, merge: bool
) -> None:
    """Replace the metadata of an object, or merge new entries into it."""
    with store.transaction() as connection:
        known = read_metadata(store, kind).get(name, {}) if merge else {}
        connection.execute(
            "INSERT OR REPLACE INTO notes VALUES (?, ?, ?)",
            [kind, name, msgspec.json.encode({**known, **note})],
        )


def delete_metadata(store: TaskStore, kind: Kind, name: str) -> None:
    """Remove the metadata of an object, if there are any."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM notes WHERE kind = ? AND name = ?", [kind, name])
