"""The store: nothing is lost, nothing half done, nothing counted twice."""

from __future__ import annotations

import contextlib
import sqlite3
import threading

import msgspec
import pytest
from msgspec.structs import replace

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.server import state_machine
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.errors import UnavailableError
from inductiva_widgets.server.schemas.machine_groups import NewGroup, ResizeConfig
from inductiva_widgets.server.store.database import Database
from inductiva_widgets.server.store.records import GroupStatus
from inductiva_widgets.server.store.tasks import TaskStore, open_store
from inductiva_widgets.server.task_query import TaskFilter
from inductiva_widgets.status import Status
from tests.unit.server.conftest import at, info, submission


def add(store, task_id="task1", status=Status.PENDING_INPUT, **fields):
    store.add_task(info(task_id, **fields), submission())
    store.update(task_id, lambda new: state_machine.transition(new, Status.PENDING_INPUT, at(0)))
    if status == Status.SUBMITTED:
        store.update(
            task_id,
            lambda new: state_machine.transition(new, status, at(1), input_submit_time=at(1)),
        )


def test_task_comes_back_as_it_was_put_in(tmp_path):
    store = TaskStore(tmp_path / "store")
    add(store, task_metadata={"a": "2024-01-01T00:00:00Z"})
    before = store.task("task1")
    store.close()
    again = TaskStore(tmp_path / "store")
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
    queue = store.tasks_by_status([Status.SUBMITTED])
    # Queued at the very same moment: the order of creation decides.
    assert [record.info.task_id for record in queue] == ["b", "a", "c"]
    assert [store.tasks_ahead(record) for record in queue] == [0, 1, 2]


def test_projects_count_their_tasks(store):
    assert store.projects.add("storms", "project")
    assert not store.projects.add("storms", "project")
    add(store, "task1", project="storms")
    add(store, "task2", Status.SUBMITTED, project="storms")
    [found] = store.projects.list("storms")
    assert found.overview == {"pending-input": 1, "submitted": 1}
    assert [one.name for one in store.projects.list()] == ["default", "storms"]
    with pytest.raises(sqlite3.IntegrityError):
        store.projects.remove("storms")
    with pytest.raises(sqlite3.IntegrityError):
        add(store, "task3", project="none")


def test_machine_keeps_its_id(tmp_path):
    ids = set()
    for _ in range(2):
        store = TaskStore(tmp_path / "store")
        ids.add(store.groups.default_group().machine_id)
        store.close()
    assert len(ids) == 1


def test_groups_come_back_as_they_were_registered(tmp_path):
    store = TaskStore(tmp_path / "store")
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
    again = TaskStore(tmp_path / "store")
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


# Trouble -----------------------------------------------------------------------------------------


def _break_a_rule_that_is_looked_at_in_the_end(store):
    with store.transaction() as connection:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute("UPDATE tasks SET project = 'none'")


def test_failed_commit_rolls_back_and_releases_the_lock(store):
    add(store)
    with pytest.raises(sqlite3.IntegrityError):
        _break_a_rule_that_is_looked_at_in_the_end(store)
    # Were the transaction still open this would be part of it, and never be written.
    store.update("task1", lambda r: replace(r, info=replace(r.info, simulator="other")))
    assert store.task("task1").info.simulator == "other"
    assert store.list_tasks(TaskFilter(project="default"))[1] == 1


def _add_project_and_update(store, change):
    with store.transaction():
        store.projects.add("lost", "project")
        store.update("task1", change)


def test_full_disk_raises_and_recovers(store):
    add(store)
    before = store.task("task1")
    connection = store._database._writing
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")

    def grow(record):
        return replace(record, info=replace(record.info, task_metadata={"x": "y" * 50_000}))

    with pytest.raises(UnavailableError, match="is full"):
        store.update("task1", grow)
    with pytest.raises(UnavailableError, match="is full"):
        _add_project_and_update(store, grow)
    assert store.task("task1") == before
    assert store.projects.list("lost") == []
    connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    store.update("task1", grow)
    assert len(store.task("task1").info.task_metadata["x"]) == 50_000


@pytest.fixture
def hasty(tmp_path):
    """Return a database whose users wait for each other no longer than a moment."""
    database = Database(tmp_path / "hasty", patience=0.05)
    yield database
    database.close()


def test_lock_of_another_process_holds_up_writing_and_not_reading(hasty, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "hasty")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="locked the store"), hasty.transaction():
            pass
        with hasty.read_connection() as connection:
            assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (0,)
        other.execute("ROLLBACK")
    with hasty.transaction():
        pass


def test_waiting_behind_long_transaction_raises(hasty):
    entered, leave = threading.Event(), threading.Event()

    def occupy():
        with hasty.transaction():
            entered.set()
            leave.wait(30)

    thread = threading.Thread(target=occupy)
    thread.start()
    entered.wait(30)
    with pytest.raises(UnavailableError), hasty.transaction():
        pass
    with hasty.read_connection():
        pass
    leave.set()
    thread.join()


def test_read_connection_sees_only_its_own_open_transaction(store):
    seen = []
    with store.transaction():
        store.projects.add("mine", "project")
        assert [one.name for one in store.projects.list("mine")] == ["mine"]
        thread = threading.Thread(target=lambda: seen.append(store.projects.list("mine")))
        thread.start()
        thread.join()
    assert seen == [[]]
    assert store.projects.list("mine")


def test_damage_inside_a_file_that_was_not_closed_is_found_when_it_is_opened(tmp_path):
    data = DataDir(tmp_path)
    whole, copy = tmp_path / "whole", data.database
    store = TaskStore(whole)
    with store.transaction():
        for n in range(200):
            add(store, f"task{n}")
    store._database._writing.execute("PRAGMA wal_checkpoint(RESTART)")
    store.update("task1", lambda r: replace(r, info=replace(r.info, simulator="other")))
    # As after a loss of power: the file as it is, and what was to go into it.
    content = bytearray(whole.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 40960] = bytes(40960)
    copy.write_bytes(content)
    (tmp_path / "store.sqlite3-wal").write_bytes((tmp_path / "whole-wal").read_bytes())
    store.close()
    with pytest.raises(LocalServerError, match=r"malformed\. It is kept as store\.sqlite3\."):
        open_store(data)
    assert not copy.exists()
    assert list(tmp_path.glob("store.sqlite3.damaged-*"))


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (TaskFilter(), None),
        (TaskFilter(status="success"), "tasks_of_status"),
        (TaskFilter(project="default"), "tasks_by_project"),
        (TaskFilter(status="success", project="default"), "tasks_of_project_and_status"),
        (TaskFilter(active=True), None),
    ],
)
def test_long_listing_is_neither_sorted_nor_searched_through(store, wanted, index):
    statements = []
    # The one that was used last is the one that is used next.
    with store._database.read_connection() as connection:
        connection.set_trace_callback(statements.append)
    for order in ([], [("create_time", True)], [("create_time", False)]):
        store.list_tasks(wanted, order)
    with store._database.read_connection() as connection:
        connection.set_trace_callback(None)
        told = [
            row[3]
            for statement in statements
            if statement.startswith("SELECT")
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
    assert "COVERING INDEX" in told[0]
    assert not any("TEMP B-TREE" in line for line in told)
    # Newest first is the order of the table itself; the few that are active stop it early.
    assert index is None or sum(index in line for line in told) >= 3


def test_queue_is_known_without_looking_at_the_tasks(store):
    for name in ("b", "a"):
        add(store, name, Status.SUBMITTED)
    assert store.ids_by_status(Status.SUBMITTED) == ["b", "a"]
    assert store.ids_by_status(Status.STARTED) == []
