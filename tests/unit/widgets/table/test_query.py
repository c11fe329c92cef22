"""A query is checked, whoever wrote it."""

from datetime import datetime, timedelta, timezone

import pytest

from inductiva_widgets.errors import InputError
from inductiva_widgets.frames.schema import COLUMNS as FRAME_COLUMNS
from inductiva_widgets.frames.schema import INDEX
from inductiva_widgets.widgets.table import TableQuery
from inductiva_widgets.widgets.table.columns import COLUMNS, KEYS_BY_NAME
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
        sort="-cost_usd",
        group="project",
        closed=["a"],
        project=["a", None],
        cost_usd=(1, None),
    )
    assert written == TableQuery.from_json(VIEW)


def test_person_may_write_one_value_times_and_durations():
    moment = datetime(2024, 2, 1, tzinfo=timezone.utc)
    query = TableQuery.from_arguments(
        tones="ok", status="failed", ended=(moment, None), queue_time=(None, timedelta(0, 90))
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
    assert TableQuery.from_arguments(sort="task_id").sort == Sort("id", descending=False)


OLD_NAMES = {key: column.frame for key, column in COLUMNS.items() if key not in KEYS_BY_NAME}


def test_names_of_columns_are_those_of_the_frame():
    assert set(KEYS_BY_NAME) <= {*FRAME_COLUMNS, INDEX, "phases", "metric"}
    assert sorted(KEYS_BY_NAME.values()) == sorted(COLUMNS)


@pytest.mark.parametrize("key", OLD_NAMES)
def test_old_name_of_a_column_is_accepted_with_a_warning_at_the_caller(key):
    with pytest.warns(DeprecationWarning, match=f"{key!r} is now {OLD_NAMES[key]!r}") as caught:
        query = TableQuery.from_arguments(sort=key)
    assert query == TableQuery.from_arguments(sort=OLD_NAMES[key])
    assert {warning.filename for warning in caught} == {__file__}


def test_old_name_of_a_filter_and_a_group_is_accepted_with_a_warning():
    with pytest.warns(DeprecationWarning, match="'cost' is now 'cost_usd'"):
        filtered = TableQuery.from_arguments(cost=(1, None))
    assert filtered == TableQuery.from_arguments(cost_usd=(1, None))
    with pytest.warns(DeprecationWarning, match="'machine' is now 'machine_type'"):
        grouped = TableQuery.from_arguments(group="machine")
    assert grouped == TableQuery.from_arguments(group="machine_type")


def test_name_of_the_frame_gives_no_warning(recwarn):
    TableQuery.from_arguments(sort="-cost_usd", group="machine_type", task_id="a")
    assert list(recwarn) == []


def test_column_named_twice_in_old_and_new_words_is_refused():
    twice = {"cost": (1, None), "cost_usd": (2, None)}
    with (
        pytest.warns(DeprecationWarning, match="cost_usd"),
        pytest.raises(InputError, match="cost_usd"),
    ):
        TableQuery.from_arguments(**twice)


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
        ({"sort": "--cost_usd"}, "-cost_usd"),
        ({"cost_usd": 3}, "pair"),
        ({"cost_usd": (1, 2, 3)}, "pair"),
        ({"status": 3}, "status"),
    ],
)
def test_what_a_person_got_wrong_is_told(wrong, named):
    with pytest.raises(InputError, match=named):
        TableQuery.from_arguments(**wrong)
