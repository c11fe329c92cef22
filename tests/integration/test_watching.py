"""Numbers from the log of a real simulation, and what follows from them."""

import shutil
import threading

from tests.integration.conftest import CASES

WALL = r"(?P<percent>[\d.]+)%\s+wall\s+(?P<wall>\S+)"


def test_running_task_is_killed_when_its_condition_is_met(swmm, tmp_path):
    case = tmp_path / "long"
    shutil.copytree(CASES / "swmm_long", case)
    task = swmm.run(case)
    statuses, has_ended = [], threading.Event()

    def note(_, status):
        statuses.append(str(status))
        if status == "killed":
            has_ended.set()

    task.on_status(note)
    watch = task.watch(stop_if="percent >= 0")
    assert watch.wait(60)
    assert watch.pattern == "SWMM progress"
    assert watch.note == "Asked to kill: percent >= 0 (row 1)"
    assert watch.error is None
    assert task.wait(silent_mode=True, download_std_on_completion=False) == "killed"
    assert has_ended.wait(20)
    assert statuses == sorted(set(statuses), key=statuses.index)


def test_metrics_of_the_running_and_of_the_ended_task_are_the_same(swmm, short_storm):
    task = swmm.run(short_storm)
    watch = task.watch(WALL)
    while task.metrics(WALL).empty and not watch.is_finished:
        watch._has_polled.wait(0.1)
    assert watch.wait(60)
    ended = task.metrics(WALL)
    # The times of reading are not known after the end.
    assert ended.drop(columns="read_at").equals(watch.to_frame().drop(columns="read_at"))
    assert watch.to_frame()["read_at"].iloc[-1] == watch.to_frame()["read_at"].max()
    assert ended["percent"].iloc[-1] == 100
    assert ended["wall"].is_monotonic_increasing
    assert ended.attrs["inductiva"] == watch.to_frame().attrs["inductiva"]
    assert watch.progress == 1.0


def test_preset_reads_the_output_of_the_driver(swmm, short_storm):
    task = swmm.run(short_storm)
    task.wait(silent_mode=True, download_std_on_completion=False)
    df = task.metrics()
    assert df.columns.tolist() == ["percent", "read_at"]
    assert len(df) > 40
    assert df.attrs["inductiva"]["file"] == "stdout.txt"
