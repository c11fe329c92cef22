"""What the page is told of watched logs."""

import json
import math

import pytest

from inductiva_widgets.errors import InputError
from inductiva_widgets.widgets.live_view import live_view, metric_view, newer
from tests.unit.conftest import START
from tests.unit.widgets.watches import FakeWatch


def test_task_without_watches_has_nothing_to_show():
    assert live_view([]) is None
    assert metric_view([]) is None


def test_series_come_with_their_last_value_and_their_range():
    watch = FakeWatch(residual=[1.0, 0.25, 0.5])
    watch.logs = ("residual",)
    assert live_view([watch]) == {
        "source": "residuals",
        "series": [
            {
                "name": "residual",
                "last": 0.5,
                "low": 0.25,
                "high": 1.0,
                "points": [(0, 1.0), (1, 0.25), (2, 0.5)],
                "is_log": True,
            }
        ],
        "samples": 3,
        "progress": None,
        "ends": None,
        "last_output": None,
        "can_grow": True,
        "note": "",
        "error": None,
    }


@pytest.mark.parametrize("strange", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_for_json_is_left_out_and_told_as_the_last(strange):
    watch = FakeWatch(residual=[1.0, strange])
    watch.progress = strange
    for view in (live_view([watch]), metric_view([watch])):
        json.dumps(view, allow_nan=False)
    series = live_view([watch])["series"][0]
    assert series["points"] == [(0, 1.0)]
    assert (series["last"], series["low"], series["high"]) == (None, 1.0, 1.0)
    assert (metric_view([watch])["points"], metric_view([watch])["last"]) == ([1.0], None)


def test_series_that_has_no_number_at_all_is_still_named():
    (series,) = live_view([FakeWatch(residual=[math.nan])])["series"]
    assert (series["name"], series["low"], series["high"]) == ("residual", None, None)


def test_series_of_several_watches_stand_one_after_the_other_under_names_of_their_own():
    first, second = FakeWatch(source="presets", p=[1.0]), FakeWatch(source="own", p=[2.0], q=[3.0])
    view = live_view([first, second])
    assert [(one["name"], one["last"]) for one in view["series"]] == [
        ("p", 1.0),
        ("p (2)", 2.0),
        ("q", 3.0),
    ]
    assert view["source"] == "presets, own"


def test_progress_notes_and_errors_are_those_of_the_watch_that_has_them():
    first, second = FakeWatch(), FakeWatch()
    first.note, first.is_over = "Killed: residual > 1e3", True
    second.progress, second.ends, second.last_output = 0.123456789, START, START
    second.error = InputError("the expression takes too long")
    view = live_view([first, second])
    ms = round(START.timestamp() * 1000)
    assert (view["progress"], view["ends"], view["last_output"]) == (0.123457, ms, ms)
    assert view["note"] == "Killed: residual > 1e3"
    assert "takes too long" in view["error"]["detail"]
    assert view["can_grow"] is True


def test_line_of_a_list_draws_the_first_series_in_few_points():
    view = metric_view([FakeWatch(), FakeWatch(p=[float(n) for n in range(100)], q=[1.0])])
    assert (view["name"], view["last"], len(view["points"])) == ("p", 99.0, 24)


def test_reading_that_was_begun_anew_does_not_empty_the_card():
    shown = live_view([FakeWatch(p=[1.0])])
    begun = FakeWatch()
    assert newer(shown, live_view([begun])) == shown
    assert newer(None, live_view([begun])) == live_view([begun])
    begun.rows = {"p": [2.0]}
    assert newer(shown, live_view([begun]))["series"][0]["last"] == 2.0
