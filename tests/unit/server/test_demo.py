"""The made-up tasks of the demo, and the rules that they keep to."""

from __future__ import annotations

import itertools
import zipfile
from collections import Counter
from datetime import datetime, timedelta, timezone

import msgspec
import pytest

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.server import state_machine
from inductiva_widgets.server.clock import Moment
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.demo import events, history
from inductiva_widgets.server.demo import plan as replay_plan
from inductiva_widgets.server.demo.executor import DemoExecutor, DemoSubmitter
from inductiva_widgets.server.demo.options import DEMO_KEY, DemoOptions
from inductiva_widgets.server.scheduler import Scheduler
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.server.task_query import TaskFilter
from inductiva_widgets.status import KNOWN_STATUSES, Status

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=timezone.utc)
FIRST = DemoOptions(seed=7, speed=100)
LIVE = {"submitted", "started", "computation-started", "computation-ended", "pending-kill"}


@pytest.fixture
def make_demo(tmp_path):
    opened = []

    def make(name="demo", options=FIRST, now=NOON, fill=True):
        data = DataDir(tmp_path / name)
        data.ensure_demo_flag(replay=True)
        data.prepare()
        history.prepare(data, options, now)
        store = TaskStore(data.database)
        opened.append(store)
        if fill:
            history.populate(data, store, options.seed, now)
        return data, store

    def close(store):
        opened.remove(store)
        store.close()

    make.close = close
    yield make
    for store in opened:
        store.close()


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Return a filled folder, for tests that only look at it."""
    data = DataDir(tmp_path_factory.mktemp("demo"))
    data.prepare()
    history.prepare(data, FIRST, NOON)
    store = TaskStore(data.database)
    history.populate(data, store, FIRST.seed, NOON)
    yield data, store
    store.close()


def rows(store):
    found, total = store.list_tasks(TaskFilter(), limit=5000)
    assert total == len(found)
    return found


def infos(store):
    return [msgspec.json.decode(row, type=TaskInfo) for row in rows(store)]


def histories(store):
    return {info.task_id: store.task(info.task_id).history for info in infos(store)}


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# The history ------------------------------------------------------------------------------------


def test_same_seed_and_day_give_the_same_tasks_histories_and_bytes(make_demo, full):
    data, store = make_demo(now=NOON + timedelta(hours=9))
    assert rows(store) == rows(full[1])
    assert histories(store) == histories(full[1])
    assert contents(data.storage) == contents(full[0].storage)


def test_next_day_moves_the_same_history_by_one_day(make_demo, full):
    _, store = make_demo(now=NOON + timedelta(days=1))
    before, after = infos(full[1]), infos(store)
    assert [one.task_id for one in before] == [one.task_id for one in after]
    for old, new in zip(before, after, strict=True):
        assert new.create_time - old.create_time == timedelta(days=1)
        assert new.metrics == old.metrics
        if old.end_time:
            assert new.end_time - old.end_time == timedelta(days=1)


def test_another_seed_gives_other_tasks(make_demo, full):
    _, store = make_demo(options=DemoOptions(seed=8))
    assert not {one.task_id for one in infos(store)} & {one.task_id for one in infos(full[1])}


def test_history_is_long_varied_and_over(full):
    tasks = infos(full[1])
    assert len(tasks) >= 500
    assert NOON - min(one.create_time for one in tasks) > timedelta(days=120)
    statuses = Counter(one.status.value for one in tasks)
    assert set(statuses) == set(KNOWN_STATUSES) - LIVE
    assert 0.7 < statuses["success"] / len(tasks) < 0.9
    assert len({one.simulator for one in tasks}) >= 8
    assert len({one.machine_type for one in tasks}) >= 8
    assert sum(one.estimated_computation_cost for one in tasks) > 50
    ended = [one.end_time for one in tasks if one.status != Status.PENDING_INPUT]
    # Of today there are only live tasks.
    assert max(ended) < NOON.replace(hour=0)


def test_times_are_in_order_and_agree_with_the_measures(full):
    for info in infos(full[1]):
        record = full[1].task(info.task_id)
        entered = [entry.timestamp for entry in record.history]
        assert entered == sorted(entered)
        known = [
            info.create_time,
            info.input_submit_time,
            info.start_time,
            info.computation_start_time,
            info.computation_end_time,
            info.end_time,
        ]
        present = [moment for moment in known if moment is not None]
        assert present == sorted(present)
        assert all(entry.operations is not None for entry in record.history)
        assert [entry.end_timestamp for entry in record.history[:-1]] == entered[1:]
        if info.computation_end_time:
            took = info.computation_end_time - info.computation_start_time
            assert info.metrics.computation_seconds == pytest.approx(took.total_seconds())


def test_statuses_follow_each_other_as_those_of_real_tasks(full):
    for task_id, entries in histories(full[1]).items():
        for before, after in itertools.pairwise(entries):
            if after.status in events.ONLY_IN_THE_CLOUD:
                assert before.status == Status.COMPUTATION_STARTED
            else:
                assert state_machine.can_move(before.status, after.status), task_id


def test_every_task_says_that_it_is_a_demo(full):
    for info in infos(full[1]):
        assert len(info.task_id) == 25
        assert info.task_id.startswith("demo")
        assert info.project.startswith("demo-")
        assert info.machine_group_name.startswith("demo-")
        assert info.task_metadata[DEMO_KEY] == "DEMO"


def test_varied_value_is_metadata_and_affects_the_time(full):
    seconds = {}
    for info in infos(full[1]):
        if info.simulator == "reef3d" and info.status == "success":
            size = info.task_metadata["cell_size_m"]
            cores = info.executer.cpu_count_logical
            seconds.setdefault(size, []).append(info.metrics.computation_seconds * cores**0.4)
    means = {size: sum(found) / len(found) for size, found in seconds.items()}
    assert sorted(means, key=means.get) == ["0.4", "0.2", "0.1", "0.05"]


def test_demo_outputs_are_zip_archives_with_listed_sizes(full):
    data, store = full
    with_output = [info for info in infos(store) if info.has_outputs]
    assert len(with_output) > 400
    for info in with_output[:60]:
        path = data.storage / info.storage_output_path
        assert path.stat().st_size == info.metrics.output_zipped_size_bytes
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            files = [entry for entry in archive.infolist() if not entry.is_dir()]
            assert len(files) == info.metrics.output_total_files
            assert sum(entry.file_size for entry in files) == info.metrics.output_size_bytes
            assert archive.read("artifacts/stdout.txt").startswith(b"DEMO data")
            assert b"," in archive.read("artifacts/results/series.csv")


def test_failed_task_has_the_reason_in_stderr(full):
    data, store = full
    failed = [info for info in infos(store) if info.status == Status.FAILED]
    said = set()
    for info in failed:
        assert "exit code 1" in info.error_detail
        with zipfile.ZipFile(data.storage / info.storage_output_path) as archive:
            said.add(archive.read("artifacts/stderr.txt").decode())
        commands = store.task(info.task_id).history[-3].operations
        assert commands[-1].status == "FAILED"
        assert commands[-1].attributes["exit_code"] == 1
    assert len(said) >= 5
    assert all(len(text) > 60 for text in said)


def test_reclaimed_spot_machine_is_the_reason(full):
    reclaimed = [info for info in infos(full[1]) if info.status == "spot-instance-preempted"]
    assert reclaimed
    for info in reclaimed:
        assert info.is_terminated
        assert info.machine_group_name.endswith("-spot")
        assert "reclaimed the spot machine after" in info.error_detail
        assert not info.has_outputs


# The folder -------------------------------------------------------------------------------------


def test_demo_folder_of_the_same_day_is_kept(make_demo):
    data, store = make_demo()
    task_id = infos(store)[0].task_id
    store.update(task_id, lambda one: msgspec.structs.replace(one, supervision=one.supervision))
    store.projects.remove("default")
    make_demo.close(store)
    history.prepare(data, FIRST, NOON + timedelta(hours=3))
    again = TaskStore(data.database)
    try:
        assert len(rows(again)) == replay_plan.HISTORY_SIZE
    finally:
        again.close()


@pytest.mark.parametrize("change", [{"now": NOON + timedelta(days=1)}, {"options": DemoOptions(9)}])
def test_demo_folder_of_another_day_or_seed_is_refilled(make_demo, change):
    data, store = make_demo()
    make_demo.close(store)
    (data.storage / "left").mkdir()
    _, again = make_demo(**change)
    assert len(rows(again)) == replay_plan.HISTORY_SIZE
    assert not (data.storage / "left").exists()


def test_another_history_has_another_key_so_that_no_client_mixes_the_two_up(make_demo):
    data, store = make_demo()
    make_demo.close(store)
    key = data.api_key()
    make_demo.close(make_demo()[1])
    assert data.api_key() == key
    make_demo.close(make_demo(now=NOON + timedelta(days=1))[1])
    assert data.api_key() != key


def test_filling_that_was_interrupted_is_done_again(make_demo, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(history, "add_record", stop)
        with pytest.raises(KeyboardInterrupt):
            make_demo()
    _, store = make_demo()
    assert len(rows(store)) == replay_plan.HISTORY_SIZE


def test_folder_of_real_tasks_is_refused(tmp_path):
    data = DataDir(tmp_path)
    data.prepare()
    TaskStore(data.database).close()
    with pytest.raises(LocalServerError, match="holds real tasks"):
        data.ensure_demo_flag(replay=True)


@pytest.mark.parametrize("name", ["thesis.tex", "storage/mine", "tasks/mine", "replay"])
def test_folder_with_files_of_somebody_is_refused(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(LocalServerError, match="is not empty"):
        DataDir(tmp_path).ensure_demo_flag(replay=True)
    assert (tmp_path / name).exists()


def test_folder_of_the_demo_is_refused_for_real_tasks(make_demo):
    data, _ = make_demo()
    data.ensure_demo_flag(replay=True)
    with pytest.raises(LocalServerError, match="DEMO"):
        data.ensure_demo_flag(replay=False)


@pytest.mark.parametrize("speed", [0, 0.5, 101, float("nan")])
def test_speed_out_of_bounds_is_refused(speed):
    with pytest.raises(LocalServerError, match="from 1 to 100"):
        DemoOptions(speed=speed).check()


# The live tasks, on a clock of the test ---------------------------------------------------------


class Clock:
    """Turns the demo, which sees only the times that it is given."""

    def __init__(self, data, store, speed):
        self.options = DemoOptions(FIRST.seed, speed)
        self.data, self.store = data, store
        self.now = NOON
        self.serve()

    def serve(self):
        """Start as a new server does, but without threads."""
        executor = DemoExecutor(self.data, self.options, lambda: self.now)
        self.scheduler = Scheduler(self.data, self.store, executor, lambda: Moment(self.now))
        self.scheduler.resume()
        self.submitter = DemoSubmitter(self.data, self.store, self.options, self.scheduler.wake)

    def turn(self, seconds, tick=0.25):
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.now += timedelta(seconds=tick)
            self.submitter.run_once(self.now)
            assert self.scheduler.run_once()

    def live(self):
        found, _ = self.store.list_tasks(TaskFilter(project=replay_plan.LIVE_PROJECT), limit=500)
        return [msgspec.json.decode(row, type=TaskInfo) for row in found]


@pytest.fixture
def clock(make_demo):
    def make(speed):
        data, store = make_demo(fill=False)
        store.projects.add(replay_plan.LIVE_PROJECT, "project")
        return Clock(data, store, speed)

    return make


def test_live_tasks_go_from_the_queue_to_their_end(clock):
    demo = clock(100)
    seen = set()
    for _ in range(120):
        demo.turn(0.5)
        seen |= {info.status.value for info in demo.live()}
    assert seen >= LIVE - {"pending-kill"} | {"success", "failed"}
    for info in demo.live():
        for before, after in zip(
            (history := demo.store.task(info.task_id).history), history[1:], strict=False
        ):
            assert state_machine.can_move(before.status, after.status)
        if info.status == Status.SUCCESS:
            size = (demo.data.storage / info.storage_output_path).stat().st_size
            assert info.metrics.output_zipped_size_bytes == size
            assert not demo.data.task(info.task_id).root.exists()


def test_there_is_always_a_queue_and_two_machines_at_work(clock):
    demo = clock(50)
    demo.turn(10)
    for _ in range(100):
        demo.turn(0.5)
        statuses = [info.status for info in demo.live()]
        assert sum(status in state_machine.ON_MACHINE for status in statuses) <= 2
        assert 1 <= sum(status in state_machine.WAITING for status in statuses) <= 4


@pytest.mark.parametrize("speed", [1, 20, 100])
def test_demo_speed_shortens_durations(clock, speed):
    demo = clock(speed)
    demo.turn(600 / speed, tick=min(0.5, 10 / speed))
    ended = [info for info in demo.live() if info.is_terminal]
    assert ended
    for info in ended:
        planned = replay_plan.LivePlans(FIRST.seed).find(info.task_id).computes
        assert info.metrics.computation_seconds == pytest.approx(planned / speed, abs=1.5)


def test_running_task_prints_more_and_more_and_the_archive_has_it_all(clock):
    demo = clock(10)
    while not (running := [one for one in demo.live() if one.status == "computation-started"]):
        demo.turn(1)
    task_id = running[0].task_id
    demo.turn(5)
    path = demo.data.task(task_id).work / "stdout.txt"
    first = path.read_bytes()
    demo.turn(5)
    second = path.read_bytes()
    assert second.startswith(first)
    assert len(second) > len(first)
    while not demo.store.task(task_id).info.is_terminal:
        demo.turn(1)
    with zipfile.ZipFile(demo.data.storage / task_id / "output.zip") as archive:
        assert archive.read("artifacts/stdout.txt").startswith(second)


def test_kill_of_running_demo_task_keeps_partial_output(clock):
    demo = clock(10)
    while not (running := [one for one in demo.live() if one.status == "computation-started"]):
        demo.turn(1)
    task_id = running[0].task_id
    demo.store.update(
        task_id, lambda one: state_machine.transition(one, Status.PENDING_KILL, demo.now)
    )
    demo.turn(0.25)
    assert demo.store.task(task_id).info.status == Status.PENDING_KILL
    demo.turn(1)
    info = demo.store.task(task_id).info
    assert info.status == Status.KILLED
    assert info.has_outputs
    with zipfile.ZipFile(demo.data.storage / task_id / "output.zip") as archive:
        assert b"Normal end" not in archive.read("artifacts/stdout.txt")


def test_live_demo_tasks_continue_after_restart(clock):
    demo = clock(100)
    demo.turn(8)
    before = {info.task_id for info in demo.live()}
    demo.serve()
    demo.turn(30)
    after = {info.task_id: info for info in demo.live()}
    assert before < set(after)
    assert all(after[task_id].is_terminal for task_id in before)


def test_live_tasks_are_the_same_for_the_same_seed():
    first, second = ([replay_plan.live(3, n) for n in range(10)] for _ in range(2))
    assert first == second
    assert len({plan.task_id for plan in first}) == 10
    assert {plan.end for plan in first} == {Status.SUCCESS, Status.FAILED}
