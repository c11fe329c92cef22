"""Open the store of a data folder, and keep a damaged one aside."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.server import state_machine
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.store.database import describe_error, is_damage
from inductiva_widgets.server.store.migrations import NewerDatabaseError
from inductiva_widgets.server.store.tasks import TaskStore


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
        # The server needs these at once: read them while an error is still reported well.
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
