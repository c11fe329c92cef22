from datetime import timezone

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from inductiva_widgets import timing
from inductiva_widgets.frames._columnar import (
    COUNTS,
    METADATA,
    NO_COUNT,
    NUMBERS,
    TEXTS,
    TIMES,
    TaskColumns,
    duration,
)
from inductiva_widgets.frames._to_frame import build_frame
from inductiva_widgets.models.tasks import TaskInfo
from tests.unit.conftest import wire_task
from tests.unit.frames.any_tasks import NOW, task_lists

DERIVED = {
    "queue_time": timing.queue_seconds,
    "computation_time": timing.computation_seconds,
    "total_time": timing.total_seconds,
}


def text(fields, name, place):
    code = fields.texts[name].codes[place]
    return None if code == -1 else fields.texts[name].values[code]


def moment(value):
    return None if np.isnat(value) else value.astype("datetime64[us]").item()


def plain(time):
    return None if time is None else time.astimezone(timezone.utc).replace(tzinfo=None)


@given(task_lists())
def test_fields_are_those_of_each_task(infos):
    fields = TaskColumns.read(infos)
    assert fields.ids == [info.task_id for info in infos]
    assert list(fields.is_finished) == [info.is_terminal for info in infos]
    for place, info in enumerate(infos):
        assert text(fields, "status", place) == info.status.value
        assert text(fields, "machine_type", place) == info.machine_type
        assert text(fields, "error", place) == info.reason
        assert moment(fields.times["started"][place]) == plain(info.start_time)
        assert moment(fields.times["ended"][place]) == plain(timing.end_time(info))
        size = info.metrics and info.metrics.output_size_bytes
        assert fields.counts["output_bytes"][place] == (NO_COUNT if size is None else size)


@given(task_lists())
def test_durations_are_those_of_one_task_alone(infos):
    fields = TaskColumns.read(infos)
    for name, of_one in DERIVED.items():
        found = duration(fields, name, NOW)
        for place, info in enumerate(infos):
            seconds = of_one(info, NOW)
            if seconds is None:
                assert np.isnat(found[place]), (name, info)
            else:
                assert found[place] == np.timedelta64(round(seconds * 1e6), "us"), (name, info)


def test_a_task_that_ended_in_the_queue_at_an_unknown_time_has_no_queue_time():
    told = wire_task("a", "killed", start_time=None, end_time=None)
    [info] = msgspec.json.decode(msgspec.json.encode([told]), type=list[TaskInfo])
    assert timing.queue_seconds(info, NOW) is None
    assert np.isnat(duration(TaskColumns.read([info]), "queue_time", NOW)).all()


@given(task_lists(max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_joined_parts_are_what_was_read_at_once(infos, one, other):
    first, second = sorted((one, other))
    parts = [infos[:first], infos[first:second], infos[second:]]
    joined = TaskColumns.join([TaskColumns.read(part) for part in parts])
    assert build_frame(joined, metadata=True, now=NOW).equals(
        build_frame(TaskColumns.read(infos), metadata=True, now=NOW)
    )


@given(task_lists(max_size=6), st.data())
def test_tasks_that_are_taken_are_what_was_read_of_them_alone(infos, data):
    places = data.draw(
        st.lists(st.sampled_from(range(len(infos))), unique=True) if infos else st.just([])
    )
    taken = TaskColumns.read(infos).select(np.array(places, dtype=np.intp))
    assert build_frame(taken, metadata=True, now=NOW).equals(
        build_frame(TaskColumns.read([infos[place] for place in places]), metadata=True, now=NOW)
    )


def test_more_tasks_than_are_read_at_a_time_keep_their_order():
    infos = _many(1203)
    fields = TaskColumns.read(infos)
    assert fields.ids == [info.task_id for info in infos]
    assert [text(fields, "simulator", place) for place in range(1203)] == [
        info.simulator for info in infos
    ]


def test_no_task_has_every_column():
    fields = TaskColumns.read([])
    assert (set(fields.texts), set(fields.times)) == (set(TEXTS), set(TIMES))
    assert (set(fields.numbers), set(fields.counts)) == (set(NUMBERS), set(COUNTS))
    assert METADATA in fields.texts


def _many(count):
    told = [wire_task(f"t{place}", simulator=f"s{place % 7}") for place in range(count)]
    return msgspec.json.decode(msgspec.json.encode(told), type=list[TaskInfo])
