import math

import pytest

from inductiva_widgets.metrics.matcher import parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1.0),
        ("-0.25", -0.25),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e-5", 1e-5),
        ("1.2D-03", 1.2e-3),
        ("1.2d+03", 1.2e3),
        ("1.5-103", 1.5e-103),
        ("-1.5+103", -1.5e103),
        ("12.5%", 12.5),
        ("0.25,", 0.25),
        ("(7)", None),
        ("7)", 7.0),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
        ("1e999", math.inf),
    ],
)
def test_parse_number_reads_the_formats_of_programming_languages(text, number):
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["nan", "NaN", "-nan", "+NAN"])
def test_what_is_not_a_number_by_name_is_nan(text):
    assert math.isnan(parse_number(text))


@pytest.mark.parametrize(
    "text", ["", "%", "abc", "1,5", "1.2.3", "*****", "1_000", "0x10", "1e", "1D", "5-3", "٣", "²"]
)
def test_parse_number_of_other_text_is_none(text):
    assert parse_number(text) is None
