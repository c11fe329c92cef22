"""What the page is told of watched logs."""

import json
import math

import pytest

from inductiva_widgets.errors import InputError
from inductiva_widgets.metrics.gaps import Gap
from inductiva_widgets.widgets.log_metrics_view import (
    gap_text,
    log_metrics_view,
    metric_view,
    prefer_newer,
)
from tests.unit.conftest import START
from tests.unit.widgets.fake_watches import FakeWatch


def test_task_without_watches_has_nothing_to_show():
    assert log_metrics_view([]) is None
    assert metric_view([]) is None


def test_series_come_with_their_last_value_and_their_range():
    watch = FakeWatch(residual=[1.0, 0.25, 0.5])
    watch.logs = ("residual",)
    assert log_metrics_view([watch]) == {
        "source": "residuals",
        "series": [
            {
                "name": "residual",
                "last": 0.5,
                "non_finite": "",
                "low": 0.25,
                "high": 1.0,
                "points": [(1, 1.0), (2, 0.25), (3, 0.5)],
                "gaps": [],
                "extent": (1, 3),
                "is_log": True,
            }
        ],
        "samples": 3,
        "progress": None,
        "ends": None,
        "last_output": None,
        "can_grow": True,
        "conditions": [],
        "note": "",
        "error": None,
    }


KINDS = {math.nan: "nan", math.inf: "inf", -math.inf: "-inf"}


@pytest.mark.parametrize("strange", KINDS)
def test_series_that_is_not_finite_any_more_says_what_it_is_and_since_when(strange):
    watch = FakeWatch(step=[10.0, 20.0, 30.0], residual=[1.0, strange, strange])
    watch.progress = strange
    series, metric = log_metrics_view([watch])["series"][1], metric_view([watch])
    for view in (series, metric):
        json.dumps(view, allow_nan=False)
        assert view["points"] == [(1, 1.0), (2, None)]
        assert (view["last"], view["non_finite"]) == (None, KINDS[strange])
        text = f"{KINDS[strange]} since step 20"
        assert view["gaps"] == [{"kind": KINDS[strange], "start": 2, "end": 3, "text": text}]
        assert view["extent"] == (1, 3)
    assert (series["low"], series["high"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("gap", "is_open", "expected"),
    [
        (Gap("nan", 41, 500, ("step", 1_234_567.0)), True, "nan since step 1,234,567"),
        (Gap("inf", 41, 500, ("time", 0.123456789)), True, "inf since time 0.123457"),
        (Gap("nan", 4_100, 5_000), True, "nan since sample 4,100"),
        (Gap("nan", 41, 41), False, "nan for 1 sample from sample 41"),
        (Gap("-inf", 41, 1_140, ("step", 7.0)), False, "-inf for 1,100 samples from step 7"),
    ],
)
def test_gap_says_what_the_series_is_and_since_when(gap, is_open, expected):
    assert gap_text(gap, is_open=is_open) == expected


def test_series_that_recovers_is_interrupted_and_has_its_last_value():
    (series,) = log_metrics_view([FakeWatch(residual=[1.0, math.nan, math.nan, 0.5])])["series"]
    assert series["points"] == [(1, 1.0), (2, None), (4, 0.5)]
    assert (series["last"], series["non_finite"]) == (0.5, "")
    assert [(gap["start"], gap["end"]) for gap in series["gaps"]] == [(2, 3)]


def test_series_that_was_never_finite_is_named_and_marked_from_its_beginning():
    watch = FakeWatch(residual=[math.nan, math.nan])
    (series,) = log_metrics_view([watch])["series"]
    assert (series["name"], series["low"], series["high"]) == ("residual", None, None)
    assert (series["gaps"][0]["start"], series["gaps"][0]["end"]) == (1, 2)
    assert metric_view([watch])["non_finite"] == "nan"


def test_gap_lasts_to_the_newest_sample_where_the_series_did_not_come_again():
    watch = FakeWatch(p=[1.0] * 9, q=[1.0, math.nan])
    assert log_metrics_view([watch])["series"][1]["gaps"][0]["end"] == 9


def test_row_of_a_list_shows_the_series_that_is_not_finite_among_those_that_are():
    view = metric_view([FakeWatch(p=[1.0, 2.0], q=[1.0, math.inf], r=[math.nan, 1.0])])
    assert (view["name"], view["non_finite"]) == ("q", "inf")


def test_watches_that_read_the_same_are_drawn_and_counted_once():
    first, later = FakeWatch(p=[1.0, 2.0]), FakeWatch(p=[1.0, 2.0])
    later.conditions, later.note = [("Stops if p > 9", "p is 2")], "Condition met"
    view = log_metrics_view([first, later])
    assert [one["name"] for one in view["series"]] == ["p"]
    assert (view["samples"], view["source"]) == (2, "residuals")
    assert view["conditions"][0]["text"] == "Stops if p > 9"
    assert view["note"] == "Condition met"
    first.is_finished = True
    later.rows["p"].append(3.0)
    assert log_metrics_view([first, later])["series"][0]["last"] == 3.0


def test_source_says_which_watch_has_no_value_yet():
    first, second = FakeWatch(pattern="SWMM progress", percent=[1.0]), FakeWatch(pattern="wall")
    assert log_metrics_view([first, second])["source"] == "SWMM progress, wall (no value yet)"
    assert log_metrics_view([second])["source"] == "wall"


def test_conditions_of_all_watches_are_listed_with_their_state():
    first, second = FakeWatch(p=[1.0]), FakeWatch(q=[1.0])
    second.conditions = [("Stops if q > 3", "q is 1")]
    assert log_metrics_view([first, second])["conditions"] == [
        {"text": "Stops if q > 3", "state": "q is 1"}
    ]


def test_series_of_several_watches_stand_one_after_the_other_under_names_of_their_own():
    first, second = (
        FakeWatch(pattern="presets", p=[1.0]),
        FakeWatch(pattern="own", p=[2.0], q=[3.0]),
    )
    view = log_metrics_view([first, second])
    assert [(one["name"], one["last"]) for one in view["series"]] == [
        ("p", 1.0),
        ("p (2)", 2.0),
        ("q", 3.0),
    ]
    assert view["source"] == "presets, own"


def test_progress_notes_and_errors_are_those_of_the_watch_that_has_them():
    first, second = FakeWatch(), FakeWatch()
    first.note, first.is_finished = "Killed: residual > 1e3", True
    second.progress, second.eta, second.last_output = 0.123456789, START, START
    second.error = InputError("the expression takes too long")
    view = log_metrics_view([first, second])
    ms = round(START.timestamp() * 1000)
    assert (view["progress"], view["ends"], view["last_output"]) == (0.123457, ms, ms)
    assert view["note"] == "Killed: residual > 1e3"
    assert "takes too long" in view["error"]["detail"]
    assert view["can_grow"] is True


def test_line_of_a_list_draws_the_first_series_in_few_points():
    view = metric_view(
        [FakeWatch(pattern="own"), FakeWatch(p=[float(n) for n in range(100)], q=[1.0])]
    )
    assert (view["name"], view["last"], len(view["points"])) == ("p", 99.0, 24)


def test_restarted_watch_does_not_empty_the_card():
    shown = log_metrics_view([FakeWatch(p=[1.0])])
    begun = FakeWatch()
    assert prefer_newer(shown, log_metrics_view([begun])) == shown
    assert prefer_newer(None, log_metrics_view([begun])) == log_metrics_view([begun])
    begun.rows = {"p": [2.0]}
    assert prefer_newer(shown, log_metrics_view([begun]))["series"][0]["last"] == 2.0
