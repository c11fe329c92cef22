"""Frames of made-up tasks, few and many."""

import random

import msgspec
import numpy as np
import pandas as pd
import pytest

from inductiva_widgets.frames import to_frame
from inductiva_widgets.models.tasks import TaskInfo
from tests.benchmarks.page_server import make_task

TIMES = ("created", "submitted", "started", "computation_started", "computation_ended", "ended")


def frame_of(*tasks):
    return to_frame([msgspec.convert(task, TaskInfo, strict=False) for task in tasks])


def make_frame(count):
    """Return finished tasks; many are the same ones at other times."""
    chance = random.Random(7)
    frame = frame_of(*(make_task(number, chance) for number in range(min(count, 500))))
    if count <= len(frame):
        return frame
    many = pd.concat([frame] * (count // len(frame)))
    shift = pd.to_timedelta(np.arange(count) // len(frame), unit="D")
    for name in TIMES:
        many[name] = many[name] + shift
    return many.set_axis(pd.Index([f"task{number}" for number in range(count)], name="task_id"))


@pytest.fixture(scope="session")
def frames():
    """Return frames by their number of tasks; none may change them."""
    return {count: make_frame(count) for count in (0, 1, 50, 500, 50_000)}


def rows_of(chart):
    """Return the rows of data of a chart, those of all its parts once each."""
    found = []

    def visit(part):
        values = part.get("data", {}).get("values")
        if values is not None and values not in found:
            found.append(values)
        for key in ("hconcat", "vconcat", "layer"):
            for inner in part.get(key, ()):
                visit(inner)

    visit(chart.to_dict())
    return [pd.DataFrame(values) for values in found]


def values_in(spec):
    """Return how many rows a specification holds, those said twice counted twice."""
    if isinstance(spec, dict):
        own = len(spec["values"]) if isinstance(spec.get("values"), list) else 0
        return own + sum(values_in(value) for key, value in spec.items() if key != "values")
    return sum(map(values_in, spec)) if isinstance(spec, list) else 0
