"""Texts that a spreadsheet may run, and their way through CSV."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inductiva_widgets.frames._formulas import guard, unguard

FORMULAS = (
    "=1+1",
    "+1",
    "@SUM(A1)",
    "-1+1",
    "-1+cmd|' /C calc'!A0",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\x00=1",
    "\x1f@A1",
    "\xa0=1",
    "\u200b=1",
    "\ufeff=1",
    '"=1',
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff20A1",
    ";=1+1;",
    "a;=1",
    "a|=1",
    "a\t=1",
    "a\n=1",
    "a; \u200b=1",
    "a;-1",
    "-1|a",
    'a;"=1"',
    "';=1",
    "",
)
HARMLESS = (
    "a",
    "a=1",
    "-1",
    "-2.5e-3",
    " -1",
    "a-b",
    "1-1",
    "x; y",
    "'a",
    "a,=1",
    "2024-01-01",
)
_RUN = re.compile(
    r'[\s\x00-\x20\x7f-\xa0\u200b-\u200f\u2060\ufeff"]*[=+\-@\uff1d\uff0b\uff0d\uff20]'
)
_NUMBER = re.compile(r"\s*-\d+(\.\d+)?([eE][+-]?\d+)?$")


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_a_spreadsheet_may_run_gets_an_apostrophe(text):
    assert guard(text) != text
    assert guard(text).replace("'", "") == text.replace("'", "")
    assert unguard(guard(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_text_that_no_spreadsheet_runs_is_unchanged(text):
    assert guard(text) == text
    assert unguard(text) == text


texts = st.text(st.sampled_from("=+-@;|\t\r\n'\" ,a1.e\x00\xa0\u200b\uff1d\uff0d")) | st.text()


@given(texts)
def test_unguard_is_the_inverse_of_guard(text):
    assert unguard(guard(text)) == text
    assert unguard(guard(guard(text))) == guard(text)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@given(texts)
def test_no_cell_is_run_whatever_the_delimiter_that_a_spreadsheet_uses(delimiter, text):
    file = io.StringIO()
    csv.writer(file).writerow(["id", guard(text), "end"])
    for row in csv.reader(io.StringIO(file.getvalue(), newline=""), delimiter=delimiter):
        for cell in row:
            assert not _RUN.match(cell) or _NUMBER.match(cell)
