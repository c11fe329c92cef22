"""Schema migrations of the store.

Released steps are never changed, new ones are added. The version of a database is the number of
applied steps, stored as ``user_version``.
"""

from __future__ import annotations

import sqlite3

STEPS: tuple[str, ...] = (
    """
    CREATE TABLE projects (
        name         TEXT PRIMARY KEY,
        id           TEXT NOT NULL UNIQUE,
        kind         TEXT NOT NULL,
        created      REAL NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE machine_groups (
        id           TEXT PRIMARY KEY,
        name         TEXT NOT NULL UNIQUE,
        machine_id   TEXT NOT NULL,
        created      REAL NOT NULL
    ) WITHOUT ROWID;

    -- The columns are what listings filter and sort by; `info` is the task as the wire shows it.
    CREATE TABLE tasks (
        seq          INTEGER PRIMARY KEY AUTOINCREMENT,
        id           TEXT NOT NULL UNIQUE,
        status       TEXT NOT NULL,
        active       INTEGER NOT NULL,
        project      TEXT NOT NULL REFERENCES projects (name),
        simulator    TEXT NOT NULL,
        created      REAL NOT NULL,
        queued       REAL,
        started      REAL,
        ended        REAL,
        info         BLOB NOT NULL,
        submission   BLOB NOT NULL,
        supervision  BLOB NOT NULL
    );
    CREATE INDEX tasks_by_status ON tasks (status, queued);
    CREATE INDEX tasks_by_project ON tasks (project);
    CREATE INDEX tasks_active ON tasks (active) WHERE active;

    CREATE TABLE status_history (
        task         INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
        position     INTEGER NOT NULL,
        status       TEXT NOT NULL,
        entry        BLOB NOT NULL,
        PRIMARY KEY (task, position)
    ) WITHOUT ROWID;
    """,
    """
    -- Until here there was one group, this machine, which is always started. `spec` is what a group
    -- was registered with as JSON; this machine's own group was not registered, it has none.
    ALTER TABLE machine_groups ADD COLUMN status TEXT NOT NULL DEFAULT 'started';
    ALTER TABLE machine_groups ADD COLUMN spec BLOB;
    """,
    """
    -- With these, what a listing filters by status comes newest first without sorting: every index
    -- ends with `seq`.
    CREATE INDEX tasks_of_status ON tasks (status);
    CREATE INDEX tasks_of_project_and_status ON tasks (project, status);

    -- What users note of projects and machine groups.
    CREATE TABLE notes (
        kind         TEXT NOT NULL,
        name         TEXT NOT NULL,
        note         BLOB NOT NULL,
        PRIMARY KEY (kind, name)
    ) WITHOUT ROWID;
    """,
)


class NewerDatabaseError(Exception):
    """The database was written by a later version of this package."""


def check_version(connection: sqlite3.Connection, steps: tuple[str, ...] = STEPS) -> int:
    """Return the number of applied steps, without changing the database.

    Raises
    ------
    NewerDatabaseError
        The database has more steps than this version of the package.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(steps):
        raise NewerDatabaseError(
            f"The store has version {version}, this package knows versions up to {len(steps)}. "
            "Use the version of inductiva-widgets that wrote it, or another data folder."
        )
    return version


def bring_up_to_date(connection: sqlite3.Connection, steps: tuple[str, ...] = STEPS) -> None:
    """Apply the missing steps in one transaction.

    Parameters
    ----------
    connection
        Connection in autocommit mode.
    steps
        All steps, oldest first.

    Raises
    ------
    NewerDatabaseError
        The database has more steps than this version of the package.
    """
    version = check_version(connection, steps)
    if version == len(steps):
        return
    script = "\n".join(steps[version:])
    try:
        # PRAGMA statements have no parameters; the value is an integer.
        connection.executescript(
            f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {len(steps)}; COMMIT;"
        )
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
