"""The table over the whole set: order, groups, sums, selection, news; no page and no service."""

from datetime import timedelta

import pytest

from inductiva_widgets.columns import HEADERS
from inductiva_widgets.formatting import format_duration, format_hms
from inductiva_widgets.frames import to_frame
from inductiva_widgets.widgets.table import TableQuery, TaskTable
from inductiva_widgets.widgets.table.columns import ColumnStore, value_kind, value_name
from tests.unit.conftest import START, at
from tests.unit.widgets.table.builders import NOW, info, shown, table_of


def lines(table, start=0, stop=100):
    return [view.get("id") or view["group"] for view in table.row_window(start, stop)[1]]


def priced(*costs):
    return table_of(*(info(f"t{n}", estimated_computation_cost=c) for n, c in enumerate(costs)))


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("cost_usd", ["t1", "t4", "t0", "t2", "t3"]),
        ("-cost_usd", ["t0", "t1", "t4", "t2", "t3"]),
        (None, ["t0", "t1", "t2", "t3", "t4"]),
    ],
)
def test_sort_keeps_equal_ones_in_order_and_unknown_ones_last(sort, expected):
    assert shown(priced(2.0, 1.0, None, None, 1.0), sort=sort) == expected


def test_statuses_are_sorted_by_the_order_of_a_life():
    table = table_of(
        info("a", "success"), info("b", "teleported"), info("c", "submitted"), info("d", "failed")
    )
    assert shown(table, sort="status") == ["c", "a", "d", "b"]


@pytest.mark.parametrize(
    "text", ["T1", "SwMm", "my-pro", "n2-", "executer-f", "runtime err", "OUT OF MEM"]
)
def test_search_is_in_any_text_of_a_task(text):
    found = info(
        "t1",
        "executer-failed",
        simulator="swmm",
        project="my-project",
        executer={"vm_type": "n2-standard-2"},
        error_detail="Out of memory.",
    )
    assert shown(table_of(info("t0"), found), search=text) == ["t1"]


def test_search_ignores_but_keeps_outer_spaces():
    table = table_of(info("t0", simulator="swmm"), info("t1", simulator="reef3d"))
    assert shown(table, search=" swmm ") == ["t0"]
    assert shown(table, search="  ") == ["t0", "t1"]
    assert table.query_result()["query"]["search"] == "  "
    assert table.query_result()["code"] == "df = tasks.to_frame()"


def test_reason_of_the_machine_is_searched_too():
    broken = info("t1", "failed", executer={"vm_type": "c2", "error_detail": "disk full"})
    assert shown(table_of(info("t0"), broken), search="disk") == ["t1"]


def test_range_includes_its_ends_and_leaves_out_the_unknown():
    table = priced(1.0, 2.0, 3.0, None)
    assert shown(table, cost_usd=(1, 2)) == ["t0", "t1"]
    assert shown(table, cost_usd=(None, None)) == ["t0", "t1", "t2", "t3"]


@pytest.mark.parametrize("key", [name for name in HEADERS if value_kind(name) == "duration"])
@pytest.mark.parametrize("status", ["submitted", "computation-started", "success", "killed"])
def test_durations_chart_matches_frame(key, status):
    task = info(status=status, start_time=None) if status == "killed" else info(status=status)
    mine = ColumnStore([task], NOW).numbers(key)[0]
    theirs = to_frame([task], now=NOW)[value_name(key)].dt.total_seconds().iloc[0]
    assert mine == pytest.approx(theirs, rel=0, abs=0, nan_ok=True)


def test_groups_have_heads_and_fold():
    table = table_of(
        info("a", project="x", estimated_computation_cost=1.0),
        info("b", "failed", project=None),
        info("c", "failed", project="x", estimated_computation_cost=0.5),
        info("d", project="w"),
    )
    table.set_query(TableQuery.from_arguments(group="project", collapsed=["w"]))
    assert lines(table) == ["w", "x", "a", "c", "\0", "b"]
    head = table.row_window(1, 2)[1][0]
    assert head == {
        "group": "x",
        "label": "x",
        "is_open": True,
        "tasks": 2,
        "counts": {"ok": 1, "bad": 1},
        "cost": 1.5,
        "seconds": 20.0,
        "growth": None,
    }
    assert table.row_window(4, 5)[1][0]["label"] is None
    assert (table.query_result()["tasks"], table.query_result()["lines"]) == (4, 6)
    assert [table.infos[place].task_id for place in table.visible] == ["d", "a", "c", "b"]


def test_group_of_a_status_has_its_name_for_people():
    table = table_of(info("a", "submitted"))
    table.set_query(TableQuery.from_arguments(group="status"))
    head = table.row_window(0, 1)[1][0]
    assert (head["group"], head["label"]) == ("submitted", "In Queue")


def test_aggregates_count_all_status_groups_but_sum_what_matches():
    table = table_of(
        info("a", estimated_computation_cost=1.0),
        info("b", "failed", estimated_computation_cost=2.0),
        info("c", project="other", estimated_computation_cost=4.0),
    )
    table.set_query(TableQuery.from_arguments(status_group="ok", project="default"))
    assert table.aggregates() == {
        "counts": {"ok": 1, "bad": 1},
        "cost": 1.0,
        "seconds": 10.0,
        "growth": None,
    }


@pytest.mark.parametrize("seconds", [22.53, 22.47, 0.96, 61.5004])
def test_total_of_one_task_has_the_format_of_its_row(seconds):
    total = table_of(info("t", metrics={"computation_seconds": seconds})).aggregates()["seconds"]
    assert format_hms(total) == format_hms(seconds)
    assert format_duration(total) == format_duration(seconds)


def test_time_of_a_running_task_grows_in_the_totals():
    running = info("a", "computation-started")
    assert table_of(running).aggregates()["seconds"] == (NOW - START).total_seconds() - 16


def test_totals_say_how_time_and_cost_of_computing_tasks_grow():
    running = info("a", "computation-started", estimated_computation_cost=2.0)
    waiting = info("b", "submitted", start_time=None, computation_start_time=None)
    table = table_of(running, waiting, info("c", estimated_computation_cost=1.0))
    table.set_query(TableQuery.from_arguments(group="status"))
    rate = float(f"{2.0 / ((NOW - START).total_seconds() - 16):.3g}")
    growth = (1, rate, NOW.timestamp() * 1000)
    assert (table.aggregates()["cost"], table.aggregates()["growth"]) == (3.0, growth)
    heads = [line for line in table.row_window(0, 9)[1] if "group" in line]
    assert [head["growth"] for head in heads] == [None, growth, None]


def test_time_that_passes_is_in_the_next_totals():
    moments = iter([NOW, NOW, NOW + timedelta(seconds=5)])
    table = TaskTable([info("a", "computation-started"), info("b")], lambda: next(moments))
    before = table.aggregates()["seconds"]
    assert table.aggregates()["seconds"] == before + 5


@pytest.mark.parametrize("groups", [(), ("ok",)])
def test_query_result_has_time_range_of_matching_tasks(groups):
    table = table_of(info("a", end_time=at(50)), info("b", input_submit_time=at(-5)))
    table.set_query(TableQuery.from_arguments(status_group=groups))
    epoch = START.timestamp() * 1000
    assert table.query_result()["first"] == epoch - 5000
    assert table.query_result()["last"] == epoch + 50_000


def test_facet_lists_values_by_frequency_without_its_own_filter():
    table = table_of(
        info("a", project="x"),
        info("b", project="y"),
        info("c", project="y"),
        info("d", project=None),
        info("e", "failed", project="y"),
    )
    table.set_query(TableQuery.from_arguments(project="x", status="success"))
    facet = table.facet("project")
    assert facet["values"] == [
        {"value": "y", "count": 2},
        {"value": "x", "count": 1},
        {"value": None, "count": 1},
    ]
    assert facet["more"] == 0


def test_facet_of_statuses_adds_up_to_the_counts_by_tone():
    codes = ("failed", "failed", "ttl-exceeded", "success", "teleported")
    table = table_of(*(info(f"t{n}", code) for n, code in enumerate(codes)))
    sums = {}
    for value in table.facet("status")["values"]:
        sums[value["status_group"]] = sums.get(value["status_group"], 0) + value["count"]
    assert sums == table.aggregates()["counts"] == {"bad": 3, "ok": 1, "unknown": 1}


def test_facet_of_many_values_says_how_many_are_left_out():
    facet = table_of(*(info(f"t{n}") for n in range(230))).facet("task_id")
    assert (len(facet["values"]), facet["more"]) == (200, 30)


def test_facet_of_numbers_is_their_range():
    assert priced(2.0, None, 0.5).facet("cost_usd") == {
        "values": [],
        "more": 0,
        "min": 0.5,
        "max": 2.0,
    }
    assert priced(None).facet("cost_usd")["min"] is None


def test_range_of_times_that_a_facet_gives_leaves_no_task_out():
    table = table_of(info("a", start_time=at(0.0006)), info("b", start_time=at(1.0004)))
    facet = table.facet("started")
    assert shown(table, started=(facet["min"], facet["max"])) == ["a", "b"]


def test_empty_table_has_no_lines():
    table = table_of()
    for group in (None, "status"):
        table.set_query(TableQuery.from_arguments("x", sort="cost_usd", group=group))
        assert table.row_window(0, 10)[1:] == ([], [])
    assert table.aggregates() == {"counts": {}, "cost": None, "seconds": 0.0, "growth": None}


def chosen(table):
    return [table.infos[place].task_id for place in table.selected()]


def test_selection_survives_a_query_and_counts_hidden_tasks():
    table = table_of(info("a"), info("b", "computation-started"), info("c", "failed"))
    table.select([0, 1], on=True)
    table.set_query(TableQuery.from_arguments(status_group=["run", "bad"], sort="-task_id"))
    assert chosen(table) == ["b", "a"]
    assert table.selection() == {
        "version": 1,
        "tasks": 2,
        "hidden": 1,
        "can_kill": 1,
        "with_outputs": 1,
        "cost": None,
    }
    assert table.row_window(0, 9)[2] == ["b"]


def test_select_all_selects_matching_and_deselects_all():
    table = table_of(info("a"), info("b", "failed"), info("c"))
    table.select([1], on=True)
    table.set_query(TableQuery.from_arguments(status_group="ok"))
    table.select_all(on=True)
    assert chosen(table) == ["a", "c", "b"]
    table.select_all(on=False)
    assert chosen(table) == []


def test_lines_are_selected_by_the_present_order_and_heads_with_their_tasks():
    table = table_of(info("a", project="x"), info("b", project="y"), info("c", project="x"))
    table.set_query(TableQuery.from_arguments(group="project", collapsed=["y"], sort="-task_id"))
    assert lines(table) == ["x", "c", "a", "y"]
    table.select_lines(1, 2, on=True)
    assert chosen(table) == ["c"]
    table.select_lines(0, 1, on=True)
    assert chosen(table) == ["c", "a"]
    table.select_lines(0, 4, on=False)
    assert chosen(table) == []
    table.select_lines(0, 2, on=True)
    assert chosen(table) == ["c"], "of an open group only the lines that are meant"
    table.select_lines(3, 4, on=True)
    assert chosen(table) == ["c", "b"]


def test_selection_that_changes_nothing_is_no_new_version():
    table = table_of(info("a"))
    table.select([0], on=True)
    table.select([0], on=True)
    assert table.selection()["version"] == 1


def test_update_of_sent_row_has_only_changes():
    table = table_of(info("a", "computation-started"), info("b", "computation-started"))
    table.row_window(0, 1)
    patches = table.update([info("a", "computation-ended"), info("b", "computation-ended")])
    assert [patch["id"] for patch in patches] == ["a"], "the page was not sent b"
    assert set(patches[0]) == {"id", "status", "alias", "computation", "marks"}
    assert set(patches[0]["marks"]) == {3}
    assert table.update([info("a", "computation-ended")]) == []


@pytest.mark.parametrize(
    ("query", "is_stale"),
    [
        ({}, False),
        ({"sort": "task_id"}, False),
        ({"project": "default"}, False),
        ({"status_group": "run"}, True),
        ({"search": "progress"}, True),
        ({"sort": "ended"}, True),
        ({"group": "project"}, True),
    ],
)
def test_update_makes_order_stale_only_for_used_columns(query, is_stale):
    table = table_of(info("a", "computation-started"), info("b"))
    table.set_query(TableQuery.from_arguments(**query))
    table.aggregates(), table.facet("ended")
    table.update([info("a", "success")])
    assert table.is_stale is is_stale


def test_version_grows_only_if_rows_have_moved():
    table = table_of(info("a", "computation-started"), info("b", "submitted"))
    table.set_query(TableQuery.from_arguments(sort="status"))
    before = table.version
    table.update([info("a", "success")])
    assert (table.reorder(), table.version) == (False, before)
    table.update([info("b", "failed")])
    assert (table.reorder(), table.version) == (True, before + 1)
    assert lines(table) == ["a", "b"]
    assert table.reorder() is False


def test_counts_are_right_before_the_lines_are():
    table = table_of(info("a", "computation-started"), info("b", "computation-started"))
    table.set_query(TableQuery.from_arguments(status_group="run"))
    table.update([info("a", "success")])
    assert table.aggregates()["counts"] == {"run": 1, "ok": 1}
    assert len(table.visible) == 2


def test_new_tasks_come_first_and_keep_query_and_selection():
    table = table_of(info("a"), info("b", "failed"))
    table.set_query(TableQuery.from_arguments(status_group="ok"))
    table.select([0], on=True)
    table.prepend([info("d"), info("c", "failed")])
    assert lines(table) == ["d", "a"]
    assert chosen(table) == ["a"]
    assert table.index_of("a") == 2
