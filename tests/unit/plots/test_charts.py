"""What holds for every picture, whatever the frame."""

import json
import subprocess
import sys

import altair as alt
import numpy as np
import pandas as pd
import pytest

from inductiva_widgets import plots
from inductiva_widgets.errors import InputError
from tests.unit.conftest import wire_task
from tests.unit.plots.conftest import frame_of, rows_of, values_in

PICTURES = sorted(set(plots.__all__) - {"Chart"})
every_picture = pytest.mark.parametrize("name", PICTURES)
HOSTILE = (
    "<script>alert(1)</script>",
    "datum.x",
    "a.b['c']",
    'say "no"',
    "back\\slash",
    "[0]",
    '{"signal": "1"}',
    "12 others",
    "(none)",
    "constructor",
    "",
    "\x1b[31mred\x00\ud800",
    "雨水 ☔",
)


AGGREGATED = {
    "timeline": "in bins of 1 day",
    "durations": "aggregated",
    "costs": "Cost per week",
    "statuses": "50,000 tasks",
    "machines": "aggregated",
}


@every_picture
@pytest.mark.parametrize("count", [0, 1, 50, 500, 50_000])
def test_chart_is_valid_small_and_described_for_any_number_of_tasks(frames, name, count):
    chart = getattr(plots, name)(frames[count])
    assert isinstance(chart, alt.TopLevelMixin)
    spec = chart.to_dict()
    json.dumps(spec, allow_nan=False)
    assert values_in(spec) <= 2000
    assert spec["description"].startswith(spec["title"]["text"])
    told = " ".join(spec["title"]["subtitle"])
    if count == 0:
        assert [list(rows["words"]) for rows in rows_of(chart)] == [["No tasks"]]
    elif name != "costs":
        assert told.startswith(f"{count:,} task{'s' if count > 1 else ''}")
    if count == 50_000:
        assert AGGREGATED[name] in spec["description"]


@every_picture
def test_frame_is_left_as_it_was(frames, name):
    before = frames[50].copy(deep=True)
    getattr(plots, name)(frames[50])
    pd.testing.assert_frame_equal(frames[50], before)


@every_picture
def test_charts_of_tasks_without_values_do_not_raise(name):
    bare = frame_of(*({"task_id": f"bare{n}", "status": "submitted"} for n in range(3)))
    spec = getattr(plots, name)(bare).to_dict()
    assert spec["description"]


@every_picture
@pytest.mark.parametrize("missing", [pd.NA, None, np.nan, pd.NaT])
def test_missing_values_of_any_kind_are_read_as_missing(frames, name, missing):
    frame = frames[50].astype(object)
    frame.iloc[::2] = missing
    spec = getattr(plots, name)(frame).to_dict()
    json.dumps(spec, allow_nan=False)


NEEDS = {
    "timeline": ["status", "submitted", "started", "computation_ended", "ended"],
    "durations": ["queue_time", "computation_time"],
    "costs": ["cost_usd", "created"],
    "statuses": ["status"],
    "machines": ["machine_type", "computation_time", "cost_usd"],
}


@every_picture
def test_missing_columns_are_named_with_the_way_to_get_them(frames, name):
    frame = frames[50].drop(columns=NEEDS[name])
    with pytest.raises(InputError) as raised:
        getattr(plots, name)(frame)
    for column in NEEDS[name]:
        assert column in str(raised.value)
    assert "to_frame(columns=[" in str(raised.value)


@every_picture
def test_charts_reject_non_frames(name):
    with pytest.raises(InputError, match="takes a DataFrame of tasks"):
        getattr(plots, name)([1, 2])


@pytest.mark.parametrize("name", ["durations", "costs", "statuses"])
def test_unknown_column_to_group_by_is_refused_with_those_there_are(frames, name):
    with pytest.raises(InputError, match=r"no column 'colour'.*simulator, project, machine_type"):
        getattr(plots, name)(frames[50], by="colour")


@pytest.mark.parametrize("name", ["durations", "costs"])
def test_column_of_another_kind_is_refused(frames, name):
    column = {"durations": "computation_time", "costs": "created"}[name]
    with pytest.raises(InputError, match=f"column '{column}' does not hold"):
        getattr(plots, name)(frames[50].assign(**{column: "soon"}))


@pytest.mark.parametrize("by", ["project", "metadata.<b>['x'].y"])
@pytest.mark.parametrize("name", ["durations", "costs", "statuses"])
def test_hostile_texts_are_values_and_never_names_of_fields(name, by):
    texts = HOSTILE[:7]
    frame = frame_of(*(wire_task(text, estimated_computation_cost=1) for text in texts))
    frame[by] = list(texts)
    chart = getattr(plots, name)(frame, by=by)
    assert {group for rows in rows_of(chart) for group in rows["group"]} == set(texts)
    expressions = {"field", "labelExpr", "shorthand", "calculate", "expr", "signal", "test"}
    for said in _all(chart.to_dict(), expressions):
        assert not any(text in str(said) for text in [*texts, "metadata"]), said


@every_picture
def test_texts_that_xml_cannot_hold_still_give_an_image(name):
    frame = frame_of(
        *(wire_task(f"t{n}", estimated_computation_cost=n) for n in range(len(HOSTILE)))
    )
    for column in ("machine_type", "project", "simulator", "status"):
        frame[column] = pd.Series(HOSTILE, index=frame.index, dtype=object)
    frame.index = pd.Index(HOSTILE, dtype=object)
    data, _ = getattr(plots, name)(frame)._repr_mimebundle_()
    assert data["image/png"]


def _all(spec, keys):
    """Return every value under some keys, wherever it stands outside of the data."""
    if isinstance(spec, dict):
        for key, value in spec.items():
            if key in keys:
                yield value
            if key != "values":
                yield from _all(value, keys)
    elif isinstance(spec, list):
        for value in spec:
            yield from _all(value, keys)


def test_altair_is_loaded_only_when_a_picture_is_made():
    code = "import sys, inductiva_widgets.plots; print('altair' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_missing_altair_raises_with_install_command(frames, monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    monkeypatch.delitem(sys.modules, "inductiva_widgets.plots._mime", raising=False)
    monkeypatch.delattr(plots, "_mime", raising=False)
    with pytest.raises(InputError, match=r'pip install "inductiva-widgets\[plots\]"'):
        plots.statuses(frames[1])


@pytest.mark.parametrize(
    ("name", "count", "title"),
    [
        ("timeline", 50, "Phases of each task"),
        ("timeline", 500, "Number of tasks in each phase"),
        ("durations", 50, "Median queue time and computation time by machine type"),
        ("durations", 500, "Median queue time and computation time by machine type"),
        ("costs", 50, "Cost per hour by project"),
        ("costs", 500, "Cost per day by project"),
        ("statuses", 50, "Share of each status by simulator"),
        ("machines", 50, "Computation time and cost of each task by machine type"),
        ("machines", 500, "Median computation time and cost of a task by machine type"),
    ],
)
def test_title_says_what_is_seen(frames, name, count, title):
    assert getattr(plots, name)(frames[count]).to_dict()["title"]["text"] == title


def test_title_names_the_key_of_metadata(frames):
    frame = frames[50].assign(**{"metadata.mesh_size": "3"})
    chart = plots.durations(frame, by="metadata.mesh_size", what="queue_time")
    assert chart.to_dict()["title"]["text"] == "Median queue time by mesh_size"


@every_picture
@pytest.mark.parametrize("count", [0, 1, 50, 500])
def test_synthetic_tasks_are_marked_in_the_title(frames, name, count):
    frame = frames[count].copy()
    for is_demo in (True, False):
        frame.attrs["inductiva"] = {"demo": is_demo}
        title = getattr(plots, name)(frame).to_dict()["title"]["text"]
        assert title.endswith(" (DEMO data)") == is_demo


def test_joined_frames_of_the_demo_are_marked(frames):
    joined = frames[50].assign(service="replay")
    joined.attrs = {}
    title = plots.statuses(joined).to_dict()["title"]["text"]
    assert title == "Share of each status by simulator (DEMO data)"


def test_logarithmic_axes_say_so(frames):
    frame = frames[50].copy()
    frame["cost_usd"] = np.geomspace(0.01, 1000, 50)
    frame["computation_time"] = pd.to_timedelta(np.geomspace(1, 100_000, 50), unit="s")
    encoding = plots.machines(frame).to_dict()["encoding"]
    assert encoding["x"]["axis"]["title"] == "Computation time, log scale"
    assert encoding["y"]["axis"]["title"] == "Cost (US$), log scale"
    frame["computation_time"] = pd.to_timedelta(np.linspace(100, 200, 50), unit="s")
    assert plots.machines(frame).to_dict()["encoding"]["x"]["axis"]["title"] == "Computation time"


def test_long_names_keep_both_ends_and_tooltips_have_them_whole(frames):
    names = [f"a-long-prefix-of-all-projects-v{n}-of-the-same-mesh" for n in range(3)]
    frame = frames[50].assign(project=[names[n % 3] for n in range(50)])
    for chart in (plots.costs(frame), plots.statuses(frame, by="project")):
        rows = rows_of(chart)[0]
        assert set(rows["group"]) == set(names)
        assert rows["label"].nunique() == 3
        assert rows["label"].str.startswith("a-long-").all()
        assert rows["label"].str.strip().str.endswith("same-mesh").all()
        assert rows["label"].str.len().max() <= 24 + 2
        tooltips = [tooltip["field"] for tooltip in _all_tooltips(chart.to_dict())]
        assert "group" in tooltips


def _all_tooltips(spec):
    for found in _all(spec, {"tooltip"}):
        yield from (found if isinstance(found, list) else [found])


def test_many_machines_are_rows_that_do_not_overlap(frames):
    frame = frames[500]
    frame = frame.assign(machine_type=[f"machine {n % 8}" for n in range(500)])
    found = rows_of(plots.machines(frame))
    counts = next(rows for rows in found if "words" in rows)
    assert counts["words"].to_list() == ["63 tasks"] * 4 + ["62 tasks"] * 4
    assert counts["label"].to_list() == [f"machine {n}" for n in range(8)]
