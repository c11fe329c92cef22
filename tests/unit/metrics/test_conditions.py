import math

import pytest

from inductiva_widgets.errors import InputError
from inductiva_widgets.metrics.conditions import GRAMMAR, Condition, Conditions
from inductiva_widgets.metrics.decimate import MetricRow


def met(text, *values):
    condition = Condition(text)
    return [condition.update({"r": value}) for value in values]


@pytest.mark.parametrize(
    ("text", "value", "is_met"),
    [
        ("r > 1e3", 1001, True),
        ("r > 1e3", 1000, False),
        ("r>=1e3", 1000, True),
        ("r < -.5", -1, True),
        ("r <= 1.2D-3", 0.0012, True),
        ("r == 7", 7, True),
        ("r != 7", 7, False),
        ("r > inf", math.inf, False),
        ("r is nan", math.nan, True),
        ("r is nan", 1, False),
        ("r is inf", -math.inf, True),
        ("r is finite", 1, True),
        ("r > 1", math.nan, False),
        ("  r   >  1  ", 2, True),
    ],
)
def test_comparisons(text, value, is_met):
    assert met(text, value) == [is_met]


def test_samples_must_follow_each_other():
    assert met("r > 1 for 2 samples", 2, 0, 2, 2, 2) == [False, False, False, True, True]
    assert met("r is nan for 1 sample", math.nan) == [True]


def test_rows_without_the_series_change_nothing():
    condition = Condition("r > 1 for 2 samples")
    rows = [{"r": 2.0}, {"other": 0.0}, {"r": 2.0}]
    assert [condition.update(row) for row in rows] == [False, False, True]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "r",
        "r > ",
        "> 1",
        "r > x",
        "r > nan",
        "r is large",
        "r > 1 for samples",
        "r > 1 for 0 samples",
    ],
)
def test_what_is_no_condition_shows_the_grammar(text):
    with pytest.raises(InputError) as caught:
        Condition(text)
    assert GRAMMAR in str(caught.value)


def test_one_of_several_is_enough_and_says_which():
    conditions = Conditions(["r > 10", lambda last: last["s"] > 5], ("r", "s"))
    assert conditions.first_met(MetricRow(1, {"r": 1.0}), {"r": 1.0, "s": 0.0}) == ""
    assert (
        conditions.first_met(MetricRow(2, {"r": 11.0}), {"r": 11.0, "s": 0.0}) == "r > 10 (row 2)"
    )
    assert (
        conditions.first_met(MetricRow(3, {"s": 6.0}), {"r": 1.0, "s": 6.0})
        == "your function (row 3)"
    )


def test_function_is_named():
    def diverges(last):
        return last["r"] > 1

    assert (
        Conditions(diverges, None).first_met(MetricRow(4, {"r": 2.0}), {"r": 2.0})
        == "diverges() (row 4)"
    )


def test_unknown_series_is_told_where_the_names_are_known():
    with pytest.raises(InputError, match=r"no series 'resdual'; there is residual"):
        Conditions("resdual > 1", ("residual",))
    later = Conditions("p > 1", None)
    assert later.unknown_series(("Ux", "Uy")) == ["p"]
    assert later.unknown_series(("p",)) == []


@pytest.mark.parametrize("wanted", [5, [5], ["r > 1", None]])
def test_what_is_neither_text_nor_function_is_refused(wanted):
    with pytest.raises(InputError, match="is no condition"):
        Conditions(wanted, None)
