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
        "max(r) > 1",
        "r > s > 3",
        "1 < r < 3",
        "r ! 3",
        "r > 1 and",
        "or r > 1",
        "any > ",
        "r > 1 after samples",
        "r > 1 after 5 days",
        "r grows 10 in 5 samples",
        "r grows 0.5x in 5 samples",
        "r grows 10x in 5 s",
    ],
)
def test_invalid_condition_raises_with_the_grammar(text):
    with pytest.raises(InputError) as caught:
        Condition(text)
    assert GRAMMAR in str(caught.value)


def test_first_met_names_the_condition_and_the_row():
    conditions = Conditions(["r > 10", lambda last: last["s"] > 5], {"r": "", "s": ""})
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
        Conditions("resdual > 1", {"residual": ""})
    later = Conditions("p > 1", None)
    assert later.unknown_series({"Ux": "", "Uy": ""}) == ["p"]
    assert later.unknown_series({"p": ""}) == []


@pytest.mark.parametrize("condition", [5, [5], ["r > 1", None]])
def test_condition_that_is_neither_text_nor_function_raises(condition):
    with pytest.raises(InputError, match="Invalid condition"):
        Conditions(condition, None)


RESIDUALS = {"p": "residual", "Ux": "residual", "time": ""}


def met_by(text, rows, kinds=RESIDUALS, times=None):
    condition = Condition(text)
    times = times or range(len(rows))
    return [condition.update(row, kinds, now) for row, now in zip(rows, times, strict=True)]


def test_any_is_met_by_one_series_of_the_kind():
    rows = [{"p": 0.5, "Ux": 0.1, "time": 9.0}, {"p": 0.5, "Ux": 2.0}, {"p": 2.0}]
    assert met_by("any residual > 1", rows) == [False, True, True]
    assert met_by("residual > 1", rows[:2]) == [False, True]
    assert met_by("any series > 8", rows[:1]) == [True]


def test_any_counts_the_samples_of_each_series():
    rows = [{"p": 2.0, "Ux": 0.0}, {"p": 0.0, "Ux": 2.0}, {"p": 0.0, "Ux": 2.0}]
    assert met_by("any residual > 1 for 2 samples", rows) == [False, False, True]


def test_all_is_met_once_each_series_of_the_kind_is():
    rows = [{"p": 0.5, "Ux": 0.1}, *[{"p": 0.1, "Ux": 0.1, "time": 9.0}] * 3]
    assert met_by("all residuals < 0.2 for 2 samples", rows) == [False, False, True, True]


def test_all_waits_until_each_series_has_come_in_rows_of_its_own():
    rows = [{"p": 0.1}, {"Ux": 0.5}, {"p": 0.1}, {"Ux": 0.1}]
    condition = Condition("all residuals < 0.2")
    kinds, found = {}, []
    for row in rows:
        kinds |= dict.fromkeys(row, "residual")
        found.append(condition.update(row, kinds, 0.0))
    assert found == [False, False, False, True]


def test_kind_is_found_in_the_names_of_the_users_series_and_of_regions():
    own = {"residual_p": "", "residual_U": "", "step": ""}
    assert met_by("any residual > 1", [{"residual_U": 2.0}], own) == [True]
    regions = {"heater:h": "residual", "air:h": "residual"}
    assert met_by("any h > 1", [{"air:h": 2.0}], regions) == [True]
    assert met_by("any heater > 1", [{"air:h": 2.0}], regions) == [False]


def test_and_binds_closer_than_or():
    rows = [{"p": 2.0, "time": 1.0}, {"p": 2.0, "time": 6.0}, {"p": 0.0, "time": 11.0}]
    text = "p > 1 and time > 5 or time > 10"
    assert met_by(text, rows) == [False, True, True]


def test_and_joins_series_of_different_rows():
    assert met_by("p > 1 and time > 5", [{"p": 2.0}, {"time": 6.0}, {"p": 0.0}]) == [
        False,
        True,
        False,
    ]


def test_growth_compares_with_the_smallest_of_the_last_samples():
    rows = [{"p": value} for value in (1.0, 4.0, 0.5, 4.9, 5.0, 6.0)]
    assert met_by("p grows 10x in 2 samples", rows) == [False, False, False, False, True, False]
    slow = [{"p": 1.2**n} for n in range(60)]
    assert not any(met_by("p grows 10x in 5 samples", slow))


def test_growth_to_infinity_is_one_and_zero_is_no_base():
    rows = [{"p": value} for value in (0.0, 1.0, math.inf)]
    assert met_by("p grows 10x in 5 samples", rows) == [False, False, True]


def test_condition_is_not_judged_before_a_number_of_samples_or_a_time():
    rows = [{"p": 2.0}] * 4
    assert met_by("p > 1 after 2 samples", rows) == [False, False, True, True]
    assert met_by("p > 1 after 1 min", rows, times=[0, 30, 60, 90]) == [False, False, True, True]


def test_condition_may_have_to_last_a_time():
    rows = [{"p": value} for value in (2.0, 0.0, 2.0, 2.0, 2.0)]
    assert met_by("p > 1 for 1 min", rows, times=[0, 30, 60, 90, 120]) == [*[False] * 4, True]


def test_state_counts_the_series_of_a_kind_that_meet_it():
    condition = Condition("any residual > 1 and time > 5")
    assert condition.state({}, {}) == "no value of residual yet; no value of time yet"
    row = {"p": 2.0, "Ux": 0.5, "time": 3.0}
    condition.update(row, RESIDUALS, 0.0)
    assert condition.state(row, RESIDUALS) == "true for 1 of 2 series; time is 3"


def test_kind_that_no_series_has_is_unknown():
    conditions = Conditions(["any resdual > 1", "all residuals < 1"], None)
    assert conditions.unknown_series(RESIDUALS) == ["resdual"]
