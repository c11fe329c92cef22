import time

import pytest

from inductiva_widgets.errors import InputError
from inductiva_widgets.metrics.matcher import LineMatcher, Rule


def pattern(expression):
    made = LineMatcher((Rule(expression),))
    made.reset_budget()
    return made


def test_each_named_group_is_a_series():
    found = pattern(r"r = (?P<r>\S+), s = (?P<s>\S+)")
    assert found.kinds == {"r": "", "s": ""}
    assert found.find("at last r = 1e-5, s = 2") == {"r": 1e-5, "s": 2.0}
    assert found.find("nothing") == {}


def test_one_group_without_a_name_is_the_series_value():
    found = pattern(r"residual\s+(\S+)")
    assert found.kinds == {"value": ""}
    assert found.find("residual 0.5") == {"value": 0.5}


def test_text_may_name_the_series():
    found = pattern(r"for (?P<series>\w+): (?P<value>\S+)")
    assert found.kinds is None
    assert found.find("residual for Ux: 0.5") == {"Ux": 0.5}
    assert found.find(f"for {'x' * 500}: 1") == {"x" * 40: 1.0}


def test_matches_that_are_no_numbers_are_skipped_and_counted():
    found = pattern(r"(?P<r>\S+) (?P<s>\S+)?")
    assert found.find("1,5 2") == {"s": 2.0}
    assert found.find("**** ") == {}
    assert found.skipped == 2


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("residual", "no group"),
        (r"(\S+) (\S+)", "2 unnamed groups"),
        ("(", "Invalid regular expression"),
        (7, "Invalid regular expression"),
        (r"(?P<series>\w+)", "no group 'value'"),
    ],
)
def test_invalid_expression_raises_with_help(expression, what):
    with pytest.raises(InputError, match=what):
        pattern(expression)


def test_catastrophic_expression_ends_soon_and_says_which_and_where():
    found = pattern(r"(?P<r>(a|aa)+)$")
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"\(a\|aa\)\+.* takes too long.*4001 characters.*'aaaa"):
        found.find("a" * 4000 + "b")
    assert time.monotonic() - begun < 60


def test_slow_expression_ends_with_the_piece(monkeypatch):
    monkeypatch.setattr("inductiva_widgets.metrics.matcher._CHUNK_BUDGET_NS", -1.0)
    with pytest.raises(InputError, match="takes too long"):
        pattern(r"r (?P<r>\S+)").find("r 1")
