import json
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from inductiva_widgets import formatting

CASES = json.loads((Path(__file__).parent / "format_cases.json").read_text())
FUNCTIONS = {
    "bytes": formatting.format_bytes,
    "clock": formatting.format_hms,
    "short": formatting.format_duration,
    "cost": formatting.format_cost,
}


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_python_agrees_with_the_cases_shared_with_the_page(kind):
    cases = CASES[kind]
    assert [(value, FUNCTIONS[kind](value)) for value, _ in cases] == [tuple(c) for c in cases]


def test_date_is_local_time(monkeypatch):
    moment = datetime(2024, 2, 1, 17, 16, 17, tzinfo=timezone.utc)
    assert formatting.format_date(moment) == moment.astimezone().strftime("%d %b, %H:%M:%S")
    assert formatting.format_date(None) == "n/a"


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("UTC", "2024-07-01 17:16:17 UTC"), ("Asia/Kolkata", "2024-07-01 22:46:17 +05:30")],
)
def test_timestamp_has_year_and_zone(zone, shown, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        moment = datetime(2024, 7, 1, 17, 16, 17, 5, tzinfo=timezone.utc)
        assert formatting.format_timestamp(moment) == shown
        assert formatting.format_timestamp(moment, "minutes") == f"{shown[:16]}{shown[19:]}"
    finally:
        monkeypatch.undo()
        time.tzset()
    assert formatting.format_timestamp(None) == "n/a"


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York"])
@pytest.mark.parametrize("moment", [datetime.min, datetime.max])
def test_time_that_overflows_in_the_local_zone_is_shown_in_utc(zone, moment, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        moment = moment.replace(tzinfo=timezone.utc)
        assert formatting.format_date(moment)[:6] in {"01 Jan", "31 Dec"}
        assert formatting.format_timestamp(moment)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_table_columns_are_as_wide_as_their_longest_cell():
    text = formatting.format_table(["A", "LONGER"], [["wide cell", "x"]], indent=1, gap=2)
    assert text == " A          LONGER\n wide cell  x"


def test_table_without_rows_is_its_header():
    assert formatting.format_table(["A", "B"], [], indent=0, gap=1) == "A   B"
