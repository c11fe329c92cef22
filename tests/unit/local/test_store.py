"""The store: nothing is lost, nothing half done, nothing counted twice."""

from __future__ import annotations

import sqlite3
import threading

import msgspec
import pytest
from msgspec.structs import replace

from inductiva_widgets.local import lifecycle
from inductiva_widgets.local.listing import TaskFilter
from inductiva_widgets.local.records import GroupStatus, Supervision
from inductiva_widgets.local.schema import STEPS, NewerDatabaseError, bring_up_to_date
from inductiva_widgets.local.store import Store
from inductiva_widgets.local.wire import NewGroup, ResizeConfig, encode
from inductiva_widgets.status import Status
from tests.unit.local.conftest import at, info, submission


def add(store, task_id="task1", status=Status.PENDING_INPUT, **fields):
    store.add_task(info(task_id, **fields), submission())
    store.update(task_id, lambda new: lifecycle.enter(new, Status.PENDING_INPUT, at(0)))
    if status == Status.SUBMITTED:
        store.update(
            task_id,
            lambda new: lifecycle.enter(new, status, at(1), input_submit_time=at(1)),
        )


def test_task_comes_back_as_it_was_put_in(tmp_path):
    store = Store(tmp_path / "store")
    add(store, task_metadata={"a": "2024-01-01T00:00:00Z"})
    before = store.task("task1")
    store.close()
    again = Store(tmp_path / "store")
    assert again.task("task1") == before
    assert before.info.create_time == at(0)
    assert before.history[0].status == Status.PENDING_INPUT
    again.close()


def test_unknown_task_is_none(store):
    assert store.task("none") is None
    assert store.update("none", lambda record: record) is None


def _change_and_fail(store):
    with store.transaction():
        store.update("task1", lambda r: replace(r, info=replace(r.info, simulator="other")))
        raise ZeroDivisionError


def test_failed_change_leaves_everything_as_it_was(store):
    add(store)
    before = store.task("task1")

    def fail(record):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.update("task1", fail)
    with pytest.raises(ZeroDivisionError):
        _change_and_fail(store)
    assert store.task("task1") == before
    # And the store is still of use.
    add(store, "task2")
    assert store.task("task2").seq == 2


def test_changes_of_many_threads_all_count(store):
    add(store, task_metadata={})

    def count(record):
        old = record.info.task_metadata
        new = {"n": str(int(old.get("n", "0")) + 1)}
        return replace(record, info=replace(record.info, task_metadata=new))

    threads = [
        threading.Thread(target=lambda: [store.update("task1", count) for _ in range(25)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.task("task1").info.task_metadata == {"n": "100"}


def test_listing_is_json_of_the_wire_newest_first(store):
    for n in range(3):
        add(store, f"task{n}")
    rows, total = store.list_tasks(TaskFilter(), limit=2)
    decoded = [msgspec.json.decode(row) for row in rows]
    assert total == 3
    assert [row["task_id"] for row in decoded] == ["task2", "task1"]
    assert decoded[0]["create_time"] == "2024-02-01T17:16:16+00:00"


def test_filter_values_are_values(store):
    add(store)
    for hostile in ("' OR 1=1 --", "%", "_", "task1'; DROP TABLE tasks"):
        for field in ("status", "project", "id_part"):
            assert store.list_tasks(TaskFilter(**{field: hostile})) == ([], 0)
    assert store.list_tasks(TaskFilter(id_part="ask"))[1] == 1


def test_queue_is_first_come_first_served(store):
    for name in ("b", "a", "c"):
        add(store, name, Status.SUBMITTED)
    queue = store.tasks_with([Status.SUBMITTED])
    # Queued at the very same moment: the order of creation decides.
    assert [record.info.task_id for record in queue] == ["b", "a", "c"]
    assert [store.tasks_ahead(record) for record in queue] == [0, 1, 2]


def test_projects_count_their_tasks(store):
    assert store.add_project("storms", "project")
    assert not store.add_project("storms", "project")
    add(store, "task1", project="storms")
    add(store, "task2", Status.SUBMITTED, project="storms")
    [found] = store.projects("storms")
    assert found.overview == {"pending-input": 1, "submitted": 1}
    assert [one.name for one in store.projects()] == ["default", "storms"]
    with pytest.raises(sqlite3.IntegrityError):
        store.remove_project("storms")
    with pytest.raises(sqlite3.IntegrityError):
        add(store, "task3", project="none")


def test_machine_keeps_its_id(tmp_path):
    ids = set()
    for _ in range(2):
        store = Store(tmp_path / "store")
        ids.add(store.groups.built_in().machine_id)
        store.close()
    assert len(ids) == 1


@pytest.fixture
def connection(tmp_path):
    opened = sqlite3.connect(tmp_path / "db", isolation_level=None)
    yield opened
    opened.close()


def version_of(connection):
    return connection.execute("PRAGMA user_version").fetchone()[0]


def test_old_database_takes_only_the_steps_it_lacks(connection):
    steps = ("CREATE TABLE a (x);", "INSERT INTO a VALUES (1);", "INSERT INTO a VALUES (2);")
    bring_up_to_date(connection, steps[:2])
    bring_up_to_date(connection, steps)
    bring_up_to_date(connection, steps)
    assert connection.execute("SELECT x FROM a").fetchall() == [(1,), (2,)]
    assert version_of(connection) == 3


def test_step_that_fails_takes_the_others_back(connection):
    with pytest.raises(sqlite3.OperationalError):
        bring_up_to_date(connection, ("CREATE TABLE a (x);", "CREATE TABLE a (x);"))
    assert version_of(connection) == 0
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    assert not connection.in_transaction


def test_database_of_a_later_version_is_refused_untouched(tmp_path):
    path = tmp_path / "store"
    Store(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    connection.close()
    with pytest.raises(NewerDatabaseError, match=f"version {len(STEPS) + 1}"):
        Store(path)


def test_store_of_the_first_version_keeps_machine_and_tasks(tmp_path):
    """As the first released version wrote it: one machine group, and tasks that were sent to it."""
    path = tmp_path / "store"
    connection = sqlite3.connect(path, isolation_level=None)
    bring_up_to_date(connection, STEPS[:1])
    connection.execute("INSERT INTO projects VALUES ('default', 'p', 'project', 1.0)")
    connection.execute("INSERT INTO machine_groups VALUES ('local', 'local', 'cafe', 7.0)")
    connection.execute(
        "INSERT INTO tasks VALUES (1, 'task1', 'computation-started', 1, 'default', 'swmm',"
        " 1.0, 2.0, 3.0, NULL, ?, ?, ?)",
        [
            encode(info(status=Status.COMPUTATION_STARTED, machine_group_id="local")),
            encode(submission()),
            b'{"pid": 42, "offset": 99, "ready": true, "attempts": 1}',
        ],
    )
    connection.close()

    store = Store(path)
    assert version_of(store._connection) == len(STEPS)
    [group] = store.groups.active()
    assert group == store.groups.built_in() == store.groups.find("local")
    assert (group.machine_id, group.created, group.machine_type) == ("cafe", 7.0, "local")
    assert group.is_started
    assert group.spec is None
    [task] = store.tasks_with([Status.COMPUTATION_STARTED])
    assert task.supervision == Supervision(pid=42, offset=99, ready=True, attempts=1)
    store.groups.add(NewGroup(machine_type="c2-standard-4"))
    store.close()
    again = Store(path)
    assert [one.machine_type for one in again.groups.active()] == ["local", "c2-standard-4"]
    again.close()


def test_groups_come_back_as_they_were_registered(tmp_path):
    store = Store(tmp_path / "store")
    end = at(3600)
    spec = NewGroup(
        machine_type="c2-standard-4",
        is_elastic=True,
        min_vms=1,
        max_vms=4,
        auto_terminate_ts=end,
        dynamic_disk_resize_config=ResizeConfig(free_space_threshold_gb=5, max_disk_size_gb=50),
    )
    added = store.groups.add(spec)
    assert added.status == GroupStatus.REGISTERED
    assert not added.is_started
    store.groups.set_status(added.id, GroupStatus.STARTED)
    store.close()
    again = Store(tmp_path / "store")
    found = again.groups.find(added.name)
    assert found == replace(added, status=GroupStatus.STARTED)
    assert (found.spec, found.spec.kind) == (spec, "elastic")
    again.close()


def test_history_of_groups_has_the_terminated_newest_first(store):
    first, second, third = (store.groups.add(NewGroup(machine_type=f"m{n}")) for n in range(3))
    store.groups.set_status(second.id, GroupStatus.TERMINATED)
    assert [one.id for one in store.groups.active()] == ["local", first.id, third.id]
    ids = [one.id for one in store.groups.history(10, 0)]
    assert ids == [third.id, second.id, first.id, "local"]
    assert [one.id for one in store.groups.history(2, 2)] == ids[2:]
    assert [one.id for one in store.groups.history(10, 0, ended_only=True)] == [second.id]
    assert store.groups.find("none") is None
    assert store.groups.find(None) is None
