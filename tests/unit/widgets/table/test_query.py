"""A query is checked, whoever wrote it."""

from datetime import datetime, timedelta, timezone

import pytest

from inductiva_widgets.errors import InputError
from inductiva_widgets.widgets.table import TableQuery
from inductiva_widgets.widgets.table.query import UNKNOWN_GROUP, Sort, ValueRange

VIEW = {
    "search": "reef",
    "tones": ["ok", "bad"],
    "filters": {"project": {"values": ["a", None]}, "cost": {"min": 1, "max": None}},
    "sort": {"key": "cost", "descending": True},
    "group": "project",
    "closed": ["a"],
}


def test_query_of_the_page_comes_back_as_it_was():
    assert TableQuery.from_json(VIEW).to_json() == VIEW


def test_query_of_a_person_is_that_of_the_page():
    written = TableQuery.from_arguments(
        "reef",
        tones=["ok", "bad"],
        sort="-cost",
        group="project",
        closed=["a"],
        project=["a", None],
        cost=(1, None),
    )
    assert written == TableQuery.from_json(VIEW)


def test_person_may_write_one_value_times_and_durations():
    moment = datetime(2024, 2, 1, tzinfo=timezone.utc)
    query = TableQuery.from_arguments(
        tones="ok", status="failed", ended=(moment, None), queue=(None, timedelta(0, 90))
    )
    assert query.status_group == ("ok",)
    assert query.filters == {
        "status": ("failed",),
        "ended": ValueRange(1706745600000, None),
        "queue": ValueRange(None, 90.0),
    }


def test_unknown_value_and_unknown_group_have_a_name():
    assert TableQuery.from_arguments(project=None).filters == {"project": (None,)}
    assert TableQuery.from_arguments(group="project", closed=[None, "a"]).collapsed == (
        UNKNOWN_GROUP,
        "a",
    )


def test_sort_without_a_minus_is_upwards():
    assert TableQuery.from_arguments(sort="id").sort == Sort("id", descending=False)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"serach": "x"}, "serach"),
        ({"search": 5}, "search"),
        ({"search": "x" * 1001}, "1000"),
        ({"tones": "ok"}, "Tones"),
        ({"tones": ["good"]}, "Tones"),
        ({"tones": [["ok"]]}, "Tones"),
        ({"filters": []}, "filters"),
        ({"filters": {"colour": {"values": []}}}, "colour"),
        ({"filters": {"status": ["ok"]}}, "status"),
        ({"filters": {"status": {"values": "ok"}}}, "status"),
        ({"filters": {"status": {"values": [1]}}}, "status"),
        ({"filters": {"status": {"min": 1, "max": 2}}}, "status"),
        ({"filters": {"cost": {"values": ["1"]}}}, "cost"),
        ({"filters": {"cost": {"min": "1", "max": None}}}, "cost"),
        ({"filters": {"cost": {"min": True, "max": None}}}, "cost"),
        ({"filters": {"cost": {"min": float("nan"), "max": None}}}, "cost"),
        ({"filters": {"cost": {"min": 10**400, "max": None}}}, "cost"),
        ({"filters": {"started": {"min": 1e17, "max": None}}}, "started"),
        ({"sort": "cost"}, "sort"),
        ({"sort": {"key": "cost"}}, "sort"),
        ({"sort": {"key": "__class__", "descending": True}}, "__class__"),
        ({"sort": {"key": ["cost"], "descending": True}}, "column"),
        ({"group": "id"}, "grouped"),
        ({"group": {}}, "grouped"),
        ({"closed": [1]}, "closed"),
        ({"closed": None}, "closed"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(change, named):
    with pytest.raises(InputError, match=named):
        TableQuery.from_json({**VIEW, **change})


@pytest.mark.parametrize("view", [None, [], "reef", 3])
def test_what_is_no_query_is_refused(view):
    with pytest.raises(InputError, match="query"):
        TableQuery.from_json(view)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"sort": 3}, "Sort"),
        ({"sort": "--cost"}, "-cost"),
        ({"cost": 3}, "pair"),
        ({"cost": (1, 2, 3)}, "pair"),
        ({"status": 3}, "status"),
    ],
)
def test_what_a_person_got_wrong_is_told(wrong, named):
    with pytest.raises(InputError, match=named):
        TableQuery.from_arguments(**wrong)
