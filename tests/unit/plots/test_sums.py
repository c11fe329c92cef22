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
    assert first.startswith("$94.00 for 47 tasks")
    assert second == "1 without a cost, 2 without a time ($4.00) left out"


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
        timed = [rows for rows in found if "seconds" in rows]
        sums = [rows.groupby("group")["seconds"].sum().to_dict() for rows in timed]
        assert any(one == pytest.approx(each.sum().to_dict()) for one in sums)
        levels = [rows.set_index("group") for rows in found if "middle" in rows]
        medians = [rows["middle"].to_dict() for rows in levels]
        assert any(one == pytest.approx(each.median().to_dict()) for one in medians)


@pytest.mark.parametrize("count", COUNTS)
def test_machines_keep_time_and_cost(frames, count):
    frame = frames[count]
    found = rows_of(plots.machines(frame))
    each = frame.groupby("machine_type", observed=True)
    times = each["computation_time"].sum().dt.total_seconds()
    for field, expected in (("seconds", times), ("usd", each["cost_usd"].sum())):
        (rows,) = [rows for rows in found if field in rows]
        group = "machine" if "machine" in rows else "group"
        assert rows.groupby(group)[field].sum().to_dict() == pytest.approx(expected.to_dict())


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
    assert points["words"].to_list()[:2] == ["0.0 s", "0.2 s"]


def test_statuses_are_chronological_with_unknown_last():
    codes = ["brand-new", "failed", "success", "submitted", "started"]
    spec = plots.statuses(frame_of(*map(wire_task, "abcde", codes))).to_dict()
    domain = spec["layer"][0]["encoding"]["color"]["scale"]["domain"]
    assert domain == ["In Queue", "Preparing to Compute", "Success", "Failed", "brand-new"]


def test_many_unknown_statuses_are_one():
    tasks = [wire_task(f"t{n}", f"new-{n}") for n in range(9)] + [wire_task("s")]
    rows = rows_of(plots.statuses(frame_of(*tasks)))[0]
    assert dict(zip(rows["status"], rows["tasks"], strict=True)) == {"Success": 1, "Other": 9}


def subtitle(chart):
    return " ".join(chart.to_dict()["title"]["subtitle"])


@pytest.mark.parametrize("name", ["timeline", "durations", "costs", "statuses", "machines"])
@pytest.mark.parametrize("index", ["task_id", None])
def test_task_in_two_rows_is_counted_once(frames, name, index):
    frame = frames[50]
    doubled = pd.concat([frame, frame[:7]])
    if index is None:
        doubled = doubled.reset_index()
    once, twice = getattr(plots, name)(frame), getattr(doubled.inductiva, name)()
    for own, other in zip(rows_of(once), rows_of(twice), strict=True):
        kinds = [column for column in own if column != "aside"]
        pd.testing.assert_frame_equal(
            own.sort_values(kinds, ignore_index=True)[kinds],
            other.sort_values(kinds, ignore_index=True)[kinds],
        )
    assert "7 older rows of the same tasks left out" in subtitle(twice)
    assert "older row" not in subtitle(once)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_newest_row_of_a_task_is_counted(is_reversed):
    old = frame_of(live("a", "computation-started"), live("b", "submitted"))
    new = frame_of(wire_task("a", "failed", end_time=at(900)), live("b", "computation-started"))
    frame = pd.concat([new, old] if is_reversed else [old, new])
    rows = rows_of(plots.statuses(frame))[0]
    assert rows.set_index("status")["tasks"].to_dict() == {
        "Failed": 1,
        Status("computation-started").alias: 1,
    }


@pytest.mark.parametrize("count", [61, 400])
def test_last_bin_of_the_timeline_has_all_running_tasks(count):
    frame = frame_of(*(live(f"t{n}", "computation-started") for n in range(count)))
    frame.attrs["inductiva"] = {"as_of": at(20_000)}
    chart = plots.timeline(frame)
    rows, overlay = rows_of(chart)
    computing = rows[rows["phase"] == "Computing"]["tasks"]
    # The last step has no width.
    assert computing.iloc[-2] == pytest.approx(count)
    assert computing.max() == pytest.approx(count)
    assert rows["at"].max() == overlay["to"].iloc[0] == pd.Timestamp(at(20_000)).timestamp() * 1000
    assert "unfinished bin" in subtitle(chart)
    assert f"{count} unfinished, shown until" in subtitle(chart)


def test_timeline_of_a_period_that_is_over_has_no_unfinished_bin(frames):
    chart = plots.timeline(frames[500])
    assert len(rows_of(chart)) == 1
    assert "unfinished" not in subtitle(chart)


def test_costs_of_a_day_that_is_not_over_are_marked():
    days = [f"2026-03-{day:02}T12:00:00Z" for day in range(1, 11)]
    frame = frame_of(
        *(
            wire_task(f"t{n}", create_time=day, estimated_computation_cost=1)
            for n, day in enumerate(days)
        )
    )
    for as_of, expected in (("2026-03-10T13:00:00+00:00", 1), ("2026-03-11T00:30:00+00:00", 0)):
        frame.attrs["inductiva"] = {"as_of": as_of}
        chart = plots.costs(frame)
        (rows,) = rows_of(chart)
        assert rows["is_unfinished"].sum() == expected
        assert ("unfinished day" in subtitle(chart)) == bool(expected)


def test_costs_of_unfinished_tasks_are_said_to_grow():
    tasks = [wire_task("a", estimated_computation_cost=1), live("b", "computation-started")]
    tasks[1] |= {"estimated_computation_cost": 2}
    assert "1 unfinished, whose costs may grow" in subtitle(plots.costs(frame_of(*tasks)))


def test_times_that_still_grow_are_left_out_and_counted():
    done = [wire_task(f"d{n}", estimated_computation_cost=1) for n in range(3)]
    running = [live(f"r{n}", "computation-started") for n in range(4)]
    running = [task | {"estimated_computation_cost": 1} for task in running]
    frame = frame_of(*done, *running, live("q", "submitted"))
    frame.attrs["inductiva"] = {"as_of": at(100_000)}
    chart = plots.durations(frame, what=["queue_time", "computation_time", "total_time"])
    shown = [set(rows["task"]) for rows in rows_of(chart) if "task" in rows]
    finished = {"d0", "d1", "d2"}
    assert shown == [finished | {"r0", "r1", "r2", "r3"}, finished, finished]
    assert "1 whose queue time still grows" in subtitle(chart)
    assert "4 whose computation time still grows" in subtitle(chart)
    assert "5 whose total time still grows" in subtitle(chart)
    machines = plots.machines(frame)
    assert set(rows_of(machines)[0]["task"]) == finished
    assert "4 that still compute left out" in subtitle(machines)


def test_boxes_leave_out_times_that_still_grow(frames):
    frame = frames[500].copy()
    expected = frame["computation_time"][100:].dt.total_seconds().sum()
    frame.loc[frame.index[:100], "status"] = "computation-started"
    frame.loc[frame.index[:100], ["computation_ended", "ended"]] = pd.NaT
    for chart in (plots.durations(frame, what="computation_time"), plots.machines(frame)):
        sums = [rows["seconds"].sum() for rows in rows_of(chart) if "seconds" in rows]
        assert sums == [pytest.approx(expected)]


def test_day_that_costs_a_thousand_times_more_does_not_hide_the_rest():
    tasks = [
        wire_task(
            f"t{n}",
            create_time=f"2026-03-{n + 1:02}T12:00:00Z",
            estimated_computation_cost=5000 if n == 4 else 2,
        )
        for n in range(12)
    ]
    chart = plots.costs(frame_of(*tasks))
    rows, words = rows_of(chart)
    assert rows["usd"].sum() == 5022
    assert rows["top"].max() == 2.5
    assert words["words"].to_list() == ["\N{UPWARDS ARROW} $5,000"]
    assert "1 day beyond the axis" in subtitle(chart)


def test_task_that_lasts_a_thousand_times_longer_does_not_hide_the_rest():
    def task(n):
        start = pd.Timestamp("2026-03-01T00:00:00Z") + pd.Timedelta(days=n)
        end = start + pd.Timedelta(minutes=1000 if n == 3 else 1)
        return {
            "input_submit_time": start,
            "start_time": start,
            "computation_start_time": start,
            "computation_end_time": end,
            "end_time": end,
        }

    frame = frame_of(
        *(
            wire_task(f"t{n}", **{name: time.isoformat() for name, time in task(n).items()})
            for n in range(10)
        )
    )
    chart = plots.timeline(frame)
    high = chart.to_dict()["layer"][0]["encoding"]["x"]["scale"]["domain"][1]
    assert 60 < high < 100
    assert rows_of(chart)[1]["words"].to_list() == ["\N{RIGHTWARDS ARROW} 16 h 40 min"]
    assert "1 beyond the axis" in subtitle(chart)
    # The tooltip has the true length.
    assert rows_of(chart)[0]["seconds"].max() == 60_000


def test_burst_of_tasks_does_not_hide_the_rest(frames):
    frame = frames[500]
    noon = frame["submitted"].min().ceil("D") + pd.Timedelta(hours=12)
    burst = pd.concat([frame] * 20).set_axis(
        pd.Index([f"burst{n}" for n in range(10_000)], name="task_id")
    )
    for minutes, name in enumerate(("submitted", "started", "computation_started")):
        burst[name] = noon + pd.Timedelta(minutes=minutes)
    burst["computation_ended"] = burst["ended"] = noon + pd.Timedelta(minutes=30)
    chart = plots.timeline(pd.concat([frame, burst]))
    rows, words = rows_of(chart)
    spec = chart.to_dict()["layer"][0]["encoding"]["y"]["scale"]
    usual = rows.groupby("at")["tasks"].sum().sort_values()
    assert spec["domain"][1] < 0.1 * usual.iloc[-1]
    assert words["words"].str.startswith("\N{UPWARDS ARROW}").all()
    assert "beyond the axis" in subtitle(chart)
