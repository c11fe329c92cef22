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


def test_samples_must_be_consecutive():
    assert met("r > 1 for 2 samples", 2, 0, 2, 2, 2) == [False, False, False, True, True]
    assert met("r is nan for 1 sample", math.nan) == [True]


def test_rows_without_the_series_are_ignored():
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
def test_invalid_condition_raises_with_the_grammar(text):
    with pytest.raises(InputError) as caught:
        Condition(text)
    assert GRAMMAR in str(caught.value)


def test_first_met_names_the_condition_and_the_row():
    conditions = Conditions(["r > 10", lambda last: last["s"] > 5], ("r", "s"))
    assert conditions.first_met(MetricRow(1, {"r": 1.0}), {"r": 1.0, "s": 0.0}) == ""
    assert (
        conditions.first_met(MetricRow(2, {"r": 11.0}), {"r": 11.0, "s": 0.0}) == "r > 10 (row 2)"
    )
    assert (
        conditions.first_met(MetricRow(3, {"s": 6.0}), {"r": 1.0, "s": 6.0})
        == "your function (row 3)"
    )


def test_first_met_names_a_function():
    def diverges(last):
        return last["r"] > 1

    assert (
        Conditions(diverges, None).first_met(MetricRow(4, {"r": 2.0}), {"r": 2.0})
        == "diverges() (row 4)"
    )


def test_conditions_on_unknown_series_raise_if_the_names_are_known():
    with pytest.raises(InputError, match=r"Unknown series 'resdual' .* one of: residual\."):
        Conditions("resdual > 1", ("residual",))
    later = Conditions("p > 1", None)
    assert later.unknown_series(("Ux", "Uy")) == ["p"]
    assert later.unknown_series(("p",)) == []


@pytest.mark.parametrize("condition", [5, [5], ["r > 1", None]])
def test_condition_that_is_neither_text_nor_function_raises(condition):
    with pytest.raises(InputError, match="Invalid condition"):
        Conditions(condition, None)
