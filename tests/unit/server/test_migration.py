"""Stores of earlier versions become ones of this version, whole; later ones are left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from inductiva_widgets.server.schemas.machine_groups import NewGroup
from inductiva_widgets.server.store.migrations import STEPS, NewerDatabaseError, bring_up_to_date
from inductiva_widgets.server.store.records import Supervision
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.status import Status
from tests.unit.server.conftest import info, submission
from tests.unit.server.old_stores import OLD_VERSIONS, make_store


@pytest.fixture
def connection(tmp_path):
    opened = sqlite3.connect(tmp_path / "db", isolation_level=None)
    yield opened
    opened.close()


def version_of(connection):
    return connection.execute("PRAGMA user_version").fetchone()[0]


def shape_of(connection):
    """Return the columns of every table and index, in their order."""
    names = connection.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
    return {
        name: connection.execute(f"PRAGMA table_xinfo('{name}')").fetchall()
        or connection.execute(f"PRAGMA index_xinfo('{name}')").fetchall()
        for (name,) in names
    }


def test_there_is_a_store_of_every_earlier_version():
    assert list(OLD_VERSIONS) == list(range(1, len(STEPS)))


@pytest.mark.parametrize("version", OLD_VERSIONS)
def test_migrations_create_the_released_schema(tmp_path, connection, version):
    make_store(tmp_path / "released", OLD_VERSIONS[version])
    bring_up_to_date(connection, STEPS[:version])
    with closing(sqlite3.connect(tmp_path / "released")) as released:
        assert shape_of(connection) == shape_of(released)
        assert version_of(connection) == version_of(released) == version


@pytest.mark.parametrize("version", OLD_VERSIONS)
def test_old_store_opens_without_loss_and_works(tmp_path, connection, version):
    path = tmp_path / "store"
    make_store(path, OLD_VERSIONS[version])
    store = TaskStore(path)
    [done] = store.tasks_by_status([Status.SUCCESS])
    assert (done.info.task_id, done.info.project, done.info.duration_seconds) == (
        "done",
        "storms",
        5.0,
    )
    assert done.info.task_metadata == {"river": "Tejo"}
    assert done.supervision == Supervision(offset=99, attempts=1)
    assert [entry.status for entry in done.history] == ["pending-input", "success"]
    [waiting] = store.tasks_by_status([Status.PENDING_INPUT])
    assert waiting.submission.extra_params["commands"] == [{"cmd": "runswmm a b c"}]
    counts = {project.name: project.overview for project in store.projects.list()}
    assert counts == {"default": {"pending-input": 1}, "storms": {"success": 1}}

    here = store.groups.default_group()
    assert (here.machine_id, here.created, here.machine_type) == ("cafe", 7.0, "local")
    assert here.is_started
    assert here.spec is None
    if version >= 2:
        other = store.groups.find("api-one")
        assert (other.status.value, other.spec.num_vms) == ("terminated", 2)
    # And it is a store like any other from now on.
    assert store.add_task(info("new"), submission()).seq == 3
    added = store.groups.add(NewGroup(machine_type="c2-standard-4"))
    store.close()
    again = TaskStore(path)
    assert [one.id for one in again.groups.active()] == ["local", added.id]
    again.close()
    with closing(sqlite3.connect(path)) as migrated:
        bring_up_to_date(connection)
        assert shape_of(migrated) == shape_of(connection)
        assert version_of(migrated) == len(STEPS)
        assert migrated.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert migrated.execute("PRAGMA foreign_key_check").fetchall() == []


def test_old_database_takes_only_the_steps_it_lacks(connection):
    steps = ("CREATE TABLE a (x);", "INSERT INTO a VALUES (1);", "INSERT INTO a VALUES (2);")
    bring_up_to_date(connection, steps[:2])
    bring_up_to_date(connection, steps)
    bring_up_to_date(connection, steps)
    assert connection.execute("SELECT x FROM a").fetchall() == [(1,), (2,)]
    assert version_of(connection) == 3


def test_failed_migration_rolls_back_all_steps(connection):
    with pytest.raises(sqlite3.OperationalError):
        bring_up_to_date(connection, ("CREATE TABLE a (x);", "CREATE TABLE a (x);"))
    assert version_of(connection) == 0
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    assert not connection.in_transaction


def test_database_of_a_later_version_is_refused_untouched(tmp_path):
    path = tmp_path / "store"
    TaskStore(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    before = path.read_bytes()
    with pytest.raises(NewerDatabaseError, match=f"version {len(STEPS) + 1}.*or another data"):
        TaskStore(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["store"]
