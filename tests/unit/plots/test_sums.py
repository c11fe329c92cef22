"""What a picture shows adds up to what the frame holds."""

import numpy as np
import pandas as pd
import pytest

from inductiva_widgets import plots
from inductiva_widgets.status import Status
from tests.unit.conftest import START, at, wire_task
from tests.unit.plots.conftest import frame_of, rows_of

COUNTS = [1, 50, 500, 50_000]
PHASES = {
    "Queue": ("submitted", "started"),
    "Preparing": ("started", "computation_started"),
    "Computing": ("computation_started", "computation_ended"),
    "Finalizing": ("computation_ended", "ended"),
}


def close(one, other):
    return other == pytest.approx(one, rel=1e-6)


def shuffled(frame, names):
    return frame.assign(project=[names[n % len(names)] for n in range(len(frame))])


@pytest.mark.parametrize("count", COUNTS)
def test_timeline_phases_match_frame(frames, count):
    (rows,) = rows_of(plots.timeline(frames[count]))
    if "seconds" in rows:
        shown = rows.groupby("phase")["seconds"].sum()
    else:
        width = rows["at"].drop_duplicates().diff().iloc[1] / 1000
        shown = rows.groupby("phase")["tasks"].sum() * width
    for phase, (start, end) in PHASES.items():
        length = (frames[count][end] - frames[count][start]).sum().total_seconds()
        assert close(shown[phase], length), phase


@pytest.mark.parametrize("count", COUNTS)
def test_costs_chart_matches_frame_by_project(frames, count):
    frame = frames[count]
    (rows,) = rows_of(plots.costs(frame))
    expected = frame.groupby("project", observed=True)["cost_usd"].sum()
    assert rows.groupby("group")["usd"].sum().to_dict() == pytest.approx(expected.to_dict())
    assert rows["tasks"].sum() == count
    assert (rows["top"] - rows["base"]).to_list() == pytest.approx(rows["usd"].to_list())


def test_cost_of_a_task_made_at_midnight_is_that_of_the_day_it_begins():
    days = ["2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z", "2026-03-09T23:59:59.9Z"]
    tasks = [
        wire_task(f"t{n}", create_time=day, estimated_computation_cost=n + 1)
        for n, day in enumerate(days)
    ]
    (rows,) = rows_of(plots.costs(frame_of(*tasks)))
    assert dict(zip(rows["when"], rows["usd"], strict=True)) == {
        "1 Mar 2026, 00:00": 1,
        "9 Mar 2026, 00:00": 5,
    }


def test_small_projects_are_one_group_that_keeps_the_sum(frames):
    frame = shuffled(frames[500], [f"project {n}" for n in range(23)])
    (rows,) = rows_of(plots.costs(frame))
    groups = rows.groupby("group")["usd"].sum()
    assert len(groups) == 8
    assert "16 others" in groups
    assert close(groups.sum(), frame["cost_usd"].sum())
    largest = frame.groupby("project")["cost_usd"].sum().nlargest(7)
    assert groups[largest.index].to_dict() == pytest.approx(largest.to_dict())


def test_project_named_others_or_none_is_a_separate_group(frames):
    names = ["16 others", "(none)", None, *(f"project {n}" for n in range(20))]
    frame = shuffled(frames[500], names).assign(cost_usd=1.0)
    frame.loc[frame["project"].isin(names[:2]) | frame["project"].isna(), "cost_usd"] = 99.0
    (rows,) = rows_of(plots.costs(frame))
    groups = rows.groupby("group")["usd"].sum()
    assert groups["16 others"] == 99.0 * (frame["project"] == "16 others").sum()
    assert groups["(none)"] == 99.0 * (frame["project"] == "(none)").sum()
    assert close(groups.sum(), frame["cost_usd"].sum())


def test_costs_without_a_time_are_in_the_subtitle(frames):
    frame = frames[50].copy()
    frame.loc[frame.index[:2], "created"] = pd.NaT
    frame["cost_usd"] = 2.0
    frame.loc[frame.index[10], "cost_usd"] = np.nan
    chart = plots.costs(frame)
    (rows,) = rows_of(chart)
    assert rows["usd"].sum() == 94
    first, second = chart.to_dict()["title"]["subtitle"]
    assert first.startswith("94.00 US$ for 47 tasks")
    assert second == "1 without a cost, 2 without a time (4.00 US$) left out"


@pytest.mark.parametrize("count", COUNTS)
def test_statuses_are_counted_for_every_group(frames, count):
    frame = frames[count]
    rows = rows_of(plots.statuses(frame))[0]
    expected = frame.groupby(["simulator", "status"], observed=True).size()
    named = {(group, Status(code).alias): n for (group, code), n in expected.items()}
    assert rows.set_index(["group", "status"])["tasks"].to_dict() == named
    assert (rows["to"] - rows["from"]).sum() == pytest.approx(frame["simulator"].nunique())


@pytest.mark.parametrize("count", COUNTS)
def test_machines_chart_matches_frame(frames, count):
    frame = frames[count]
    found = rows_of(plots.durations(frame, what=["computation_time", "total_time"]))
    for name in ("computation_time", "total_time"):
        each = frame[name].dt.total_seconds().groupby(frame["machine_type"], observed=True)
        sums = [rows.groupby("group")["seconds"].sum().to_dict() for rows in found]
        assert any(one == pytest.approx(each.sum().to_dict()) for one in sums)
        levels = [rows.set_index("group") for rows in found if "middle" in rows]
        medians = [rows["middle"].to_dict() for rows in levels]
        assert any(one == pytest.approx(each.median().to_dict()) for one in medians)


@pytest.mark.parametrize("count", COUNTS)
def test_machines_keep_time_and_cost(frames, count):
    frame = frames[count]
    (rows,) = rows_of(plots.machines(frame))
    sums = rows.groupby("machine")[["seconds", "usd"]].sum()
    each = frame.groupby("machine_type", observed=True)
    assert sums["usd"].to_dict() == pytest.approx(each["cost_usd"].sum().to_dict())
    times = each["computation_time"].sum().dt.total_seconds()
    assert sums["seconds"].to_dict() == pytest.approx(times.to_dict())


def live(task_id, status, **fields):
    return wire_task(task_id, status, **fields)


def test_phase_of_a_task_that_lives_lasts_until_the_frame_was_made():
    frame = frame_of(live("a", "computation-started"), live("b", "submitted"))
    frame.attrs["inductiva"] = {"as_of": at(116)}
    (rows,) = rows_of(plots.timeline(frame))
    shown = {(row["task"], row["phase"]): row["seconds"] for row in rows.to_dict("records")}
    assert shown == {
        ("a", "Queue"): 13,
        ("a", "Preparing"): 2,
        ("a", "Computing"): 100,
        ("b", "Queue"): 115,
    }


def test_as_of_that_is_lost_or_wrong_is_the_present(frames):
    for about in ({}, {"inductiva": {"as_of": "long ago"}}, {"inductiva": None}):
        frame = frame_of(live("a", "started"))
        frame.attrs = about
        (rows,) = rows_of(plots.timeline(frame))
        length = (pd.Timestamp.now("UTC") - START).total_seconds() - 14
        assert rows.set_index("phase")["seconds"]["Preparing"] == pytest.approx(length, abs=60)


def test_timeline_marks_the_failed_phase():
    killed = wire_task(
        "k", "killed", start_time=None, computation_start_time=None, computation_end_time=None
    )
    failed = wire_task("f", "failed")
    (rows,) = rows_of(plots.timeline(frame_of(killed, failed)))
    assert rows[rows["task"] == "k"]["phase"].to_list() == ["Queue"]
    assert rows[rows["colour"] == "Failed"][["task", "phase"]].values.tolist() == [
        ["f", "Computing"]
    ]


def test_timeline_failure_in_empty_phase_marks_previous_phase():
    lost = wire_task("a", "executer-terminated", computation_end_time=at(28))
    (rows,) = rows_of(plots.timeline(frame_of(lost)))
    assert rows.set_index("phase")["colour"]["Computing"] == "Failed"


def test_timeline_unknown_end_has_no_length():
    frame = frame_of(wire_task("a", "success"))
    frame["ended"] = pd.Series(pd.NaT, index=frame.index, dtype=frame["ended"].dtype)
    (rows,) = rows_of(plots.timeline(frame))
    assert rows.set_index("phase")["seconds"]["Finalizing"] == 0


def test_times_below_the_axis_are_drawn_at_its_start_with_true_tooltip():
    tasks = [
        wire_task(f"t{n}", metrics={"queue_time_seconds": seconds})
        for n, seconds in enumerate([0.0, 0.2, 30.0, 30.0, 9000.0, 90_000.0])
    ]
    points = rows_of(plots.durations(frame_of(*tasks), what="queue_time"))[0]
    assert points["seconds"].to_list() == [0.0, 0.2, 30.0, 30.0, 9000.0, 90_000.0]
    assert points["drawn"].min() == 1.0
    assert points["took"].to_list()[:2] == ["0.0 s", "0.2 s"]


def test_statuses_are_chronological_with_unknown_last():
    codes = ["brand-new", "failed", "success", "submitted", "started"]
    spec = plots.statuses(frame_of(*map(wire_task, "abcde", codes))).to_dict()
    domain = spec["layer"][0]["encoding"]["color"]["scale"]["domain"]
    assert domain == ["In Queue", "Preparing to Compute", "Success", "Failed", "brand-new"]


def test_many_unknown_statuses_are_one():
    tasks = [wire_task(f"t{n}", f"new-{n}") for n in range(9)] + [wire_task("s")]
    rows = rows_of(plots.statuses(frame_of(*tasks)))[0]
    assert dict(zip(rows["status"], rows["tasks"], strict=True)) == {"Success": 1, "Other": 9}
