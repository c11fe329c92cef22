"""A query is checked, whoever wrote it."""

import json
from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from inductiva_widgets.columns import COLUMNS, HEADERS
from inductiva_widgets.errors import InputError
from inductiva_widgets.frames.schema import COLUMNS as FRAME_COLUMNS
from inductiva_widgets.frames.schema import INDEX
from inductiva_widgets.widgets.table import TableQuery
from inductiva_widgets.widgets.table.query import _OLD_NAMES, UNKNOWN_GROUP, Sort, ValueRange

VIEW = {
    "search": "reef",
    "status_groups": ["ok", "bad"],
    "filters": {"project": {"values": ["a", None]}, "cost_usd": {"min": 1, "max": None}},
    "sort": {"key": "cost_usd", "descending": True},
    "group": "project",
    "collapsed": ["a"],
}


def test_query_of_the_page_comes_back_as_it_was():
    assert TableQuery.from_json(VIEW).to_json() == VIEW


def test_query_of_a_person_is_that_of_the_page():
    written = TableQuery.from_arguments(
        "reef",
        status_group=["ok", "bad"],
        sort="-cost_usd",
        group="project",
        collapsed=["a"],
        project=["a", None],
        cost_usd=(1, None),
    )
    assert written == TableQuery.from_json(VIEW)


def test_from_arguments_accepts_single_values_times_and_durations():
    moment = datetime(2024, 2, 1, tzinfo=timezone.utc)
    query = TableQuery.from_arguments(
        status_group="ok",
        status="failed",
        ended=(moment, None),
        queue_time=(None, timedelta(0, 90)),
    )
    assert query.status_group == ("ok",)
    assert query.filters == {
        "status": ("failed",),
        "ended": ValueRange(1706745600000, None),
        "queue_time": ValueRange(None, 90.0),
    }


@pytest.mark.parametrize(
    "moment",
    ["2024-02-01T00:00Z", pd.Timestamp("2024-02-01", tz="UTC"), np.int64(1706745600000)],
    ids=repr,
)
def test_from_arguments_reads_times_as_every_listing(moment):
    query = TableQuery.from_arguments(ended=(moment, None))
    assert query.filters == {"ended": ValueRange(1706745600000, None)}


def test_from_arguments_accepts_values_of_numpy_and_pandas():
    query = TableQuery.from_arguments(
        status=np.array(["failed", "teleported"]),
        output_files=(np.int64(1), np.float32(2)),
        queue_time=(pd.Timedelta("1min"), np.timedelta64(2, "m")),
    )
    assert json.loads(json.dumps(query.to_json()["filters"])) == {
        "status": {"values": ["failed", "teleported"]},
        "output_files": {"min": 1, "max": 2.0},
        "queue_time": {"min": 60.0, "max": 120.0},
    }


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"status": ["failed", "sucess"]}, "Did you mean 'success'"),
        ({"status": pd.NA}, "must be the code of a status, got <NA>"),
        ({"ended": ("soon", None)}, "`ended` must be a date or time"),
        ({"ended": (pd.NaT, None)}, "`ended` must be a date or time"),
    ],
)
def test_from_arguments_refuses_what_every_listing_refuses(wrong, said):
    with pytest.raises(InputError, match=said):
        TableQuery.from_arguments(**wrong)


def test_unknown_value_and_unknown_group_have_a_name():
    assert TableQuery.from_arguments(project=None).filters == {"project": (None,)}
    assert TableQuery.from_arguments(group="project", collapsed=[None, "a"]).collapsed == (
        UNKNOWN_GROUP,
        "a",
    )


def test_sort_without_a_minus_is_upwards():
    assert TableQuery.from_arguments(sort="task_id").sort == Sort("task_id", descending=False)


def test_table_columns_have_the_names_of_the_frame():
    pictures = {name for name in HEADERS if COLUMNS[name].kind == "picture"}
    assert set(HEADERS) - pictures <= {*FRAME_COLUMNS, INDEX}
    assert set(_OLD_NAMES.values()) <= set(HEADERS)
    assert not set(_OLD_NAMES) & set(HEADERS)


@pytest.mark.parametrize("key", _OLD_NAMES)
def test_old_name_of_a_column_is_accepted_with_a_warning_at_the_caller(key):
    with pytest.warns(DeprecationWarning, match=f"{key!r} is now {_OLD_NAMES[key]!r}") as caught:
        query = TableQuery.from_arguments(sort=key)
    assert query == TableQuery.from_arguments(sort=_OLD_NAMES[key])
    assert {warning.filename for warning in caught} == {__file__}


def test_old_name_of_a_filter_and_a_group_is_accepted_with_a_warning():
    with pytest.warns(DeprecationWarning, match="'cost' is now 'cost_usd'"):
        filtered = TableQuery.from_arguments(cost=(1, None))
    assert filtered == TableQuery.from_arguments(cost_usd=(1, None))
    with pytest.warns(DeprecationWarning, match="'machine' is now 'machine_type'"):
        grouped = TableQuery.from_arguments(group="machine")
    assert grouped == TableQuery.from_arguments(group="machine_type")


@pytest.mark.parametrize(
    ("old", "new", "value"), [("tones", "status_group", "ok"), ("closed", "collapsed", ["a"])]
)
def test_old_argument_of_query_is_accepted_with_a_warning_at_the_caller(old, new, value):
    with pytest.warns(DeprecationWarning, match=f"`{old}` is now `{new}`") as caught:
        query = TableQuery.from_arguments(**{old: value})
    assert query == TableQuery.from_arguments(**{new: value})
    assert {warning.filename for warning in caught} == {__file__}


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
        ({"status_groups": "ok"}, "status_group"),
        ({"status_groups": ["good"]}, "status_group"),
        ({"status_groups": [["ok"]]}, "status_group"),
        ({"filters": []}, "filters"),
        ({"filters": {"colour": {"values": []}}}, "colour"),
        ({"filters": {"status": ["ok"]}}, "status"),
        ({"filters": {"status": {"values": "ok"}}}, "status"),
        ({"filters": {"status": {"values": [1]}}}, "status"),
        ({"filters": {"status": {"min": 1, "max": 2}}}, "status"),
        ({"filters": {"cost_usd": {"values": ["1"]}}}, "cost"),
        ({"filters": {"cost_usd": {"min": "1", "max": None}}}, "cost"),
        ({"filters": {"cost_usd": {"min": True, "max": None}}}, "cost"),
        ({"filters": {"cost_usd": {"min": float("nan"), "max": None}}}, "cost"),
        ({"filters": {"cost_usd": {"min": 10**400, "max": None}}}, "cost"),
        ({"filters": {"started": {"min": 1e17, "max": None}}}, "started"),
        ({"sort": "cost_usd"}, "sort"),
        ({"sort": {"key": "cost_usd"}}, "sort"),
        ({"sort": {"key": "__class__", "descending": True}}, "__class__"),
        ({"sort": {"key": ["cost_usd"], "descending": True}}, "column"),
        ({"group": "task_id"}, "`group`"),
        ({"group": {}}, "`group`"),
        ({"collapsed": [1]}, "collapsed"),
        ({"collapsed": None}, "collapsed"),
    ],
)
def test_from_json_invalid_value_raises_with_its_name(change, named):
    with pytest.raises(InputError, match=named):
        TableQuery.from_json({**VIEW, **change})


@pytest.mark.parametrize("view", [None, [], "reef", 3])
def test_from_json_non_object_raises(view):
    with pytest.raises(InputError, match="query"):
        TableQuery.from_json(view)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"sort": 3}, "`sort`"),
        ({"sort": "--cost_usd"}, "-cost_usd"),
        ({"cost_usd": 3}, "pair"),
        ({"cost_usd": (1, 2, 3)}, "pair"),
        ({"status": 3}, "status"),
    ],
)
def test_from_arguments_invalid_raises(wrong, named):
    with pytest.raises(InputError, match=named):
        TableQuery.from_arguments(**wrong)
