"""Stores as earlier versions of the package wrote them, as SQL text that never changes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

_FIRST_SCHEMA = """
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
"""
_SUBMISSION = (
    '{"simulator":"arbitrary_commands","resource_pool":"local","container_image":"x",'
    '"simulator_name_alias":"swmm","extra_params":{"commands":[{"cmd":"runswmm a b c"}]},'
    '"storage_path_prefix":"","project":null}'
)
_TASKS = f"""
INSERT INTO projects VALUES ('default', 'project-1', 'project', 1.0);
INSERT INTO projects VALUES ('storms', 'project-2', 'project', 2.0);
INSERT INTO tasks VALUES (1, 'done', 'success', 0, 'storms', 'swmm', 1706807776.0, 1706807777.0,
    1706807778.0, 1706807781.0,
    CAST('{{"task_id":"done","status":"success","status_alias":"Success","simulator":"swmm",
    "project":"storms","is_terminated":true,"num_retries":0,"duration_seconds":5.0,
    "storage_path":"done","storage_output_path":"done/output.zip",
    "create_time":"2024-02-01T17:16:16+00:00","input_submit_time":"2024-02-01T17:16:17+00:00",
    "start_time":"2024-02-01T17:16:18+00:00","end_time":"2024-02-01T17:16:21+00:00",
    "metrics":{{"total_seconds":5.0,"computation_seconds":2.0}},"machine_group_id":"local",
    "task_metadata":{{"river":"Tejo"}}}}' AS BLOB),
    CAST('{_SUBMISSION}' AS BLOB),
    CAST('{{"pid":42,"offset":99,"ready":true,"attempts":1}}' AS BLOB));
INSERT INTO tasks VALUES (2, 'waiting', 'pending-input', 1, 'default', 'swmm', 1706807780.0, NULL,
    NULL, NULL,
    CAST('{{"task_id":"waiting","status":"pending-input","status_alias":"Waiting for Input",
    "simulator":"swmm","project":"default","is_terminated":false,"num_retries":0,
    "duration_seconds":null,"storage_path":"waiting","storage_input_path":"waiting/input.zip",
    "create_time":"2024-02-01T17:16:20+00:00","machine_group_id":"local"}}' AS BLOB),
    CAST('{_SUBMISSION}' AS BLOB), CAST('{{}}' AS BLOB));
INSERT INTO status_history VALUES (1, 0, 'pending-input',
    CAST('{{"status":"pending-input","alias":"Waiting for Input","description":"of old",
    "timestamp":"2024-02-01T17:16:16+00:00","end_timestamp":"2024-02-01T17:16:21+00:00",
    "machine_id":null,"operations":[]}}' AS BLOB));
INSERT INTO status_history VALUES (1, 1, 'success',
    CAST('{{"status":"success","alias":"Success","description":"of old",
    "timestamp":"2024-02-01T17:16:21+00:00","end_timestamp":"2024-02-01T17:16:21+00:00",
    "machine_id":"cafe","operations":[]}}' AS BLOB));
INSERT INTO status_history VALUES (2, 0, 'pending-input',
    CAST('{{"status":"pending-input","alias":"Waiting for Input","description":"of old",
    "timestamp":"2024-02-01T17:16:20+00:00","end_timestamp":null,"machine_id":null,
    "operations":[]}}' AS BLOB));
"""

FIRST_VERSION = f"""
{_FIRST_SCHEMA}
INSERT INTO machine_groups VALUES ('local', 'local', 'cafe', 7.0);
{_TASKS}
PRAGMA user_version = 1;
"""

SECOND_VERSION = f"""
{_FIRST_SCHEMA}
ALTER TABLE machine_groups ADD COLUMN status TEXT NOT NULL DEFAULT 'started';
ALTER TABLE machine_groups ADD COLUMN spec BLOB;
INSERT INTO machine_groups VALUES ('local', 'local', 'cafe', 7.0, 'started', NULL);
INSERT INTO machine_groups VALUES ('group-1', 'api-one', 'beef', 8.0, 'terminated',
    CAST('{{"machine_type":"c2-standard-4","num_vms":2}}' AS BLOB));
{_TASKS}
PRAGMA user_version = 2;
"""

OLD_VERSIONS = {1: FIRST_VERSION, 2: SECOND_VERSION}


def make_store(path: Path, script: str) -> None:
    """Make a store as an earlier version left it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(script)
    connection.close()
