"""Axes that people read."""

from datetime import datetime, timezone

import numpy as np
import pytest

from inductiva_widgets.plots import _scales

DAY = 86400.0


def moment(*parts):
    return datetime(*parts, tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize("length", [0, 1, 59, 3600, 7 * DAY, 100 * DAY, 4000 * DAY, 1e12])
def test_bins_are_equal_few_and_hold_all_times(length):
    for first in (moment(2026, 2, 28, 23, 59, 59), 0.5, 1e9):
        last = first + length
        bins = _scales.time_bins(first, last, 160)
        widths = np.diff(bins.edges)
        assert len(widths) <= 160
        assert np.allclose(widths, widths[0])
        assert bins.edges[0] <= first
        assert bins.edges[-1] >= last


@pytest.mark.parametrize(
    ("step", "words"),
    [(5, "5 s"), (60, "1 min"), (6 * 3600, "6 h"), (DAY, "1 day"), (14 * DAY, "2 weeks")],
)
def test_widths_of_bins_are_in_words(step, words):
    assert _scales.format_step(step) == words


@pytest.mark.parametrize(
    ("last", "width"),
    [
        (moment(2026, 1, 15, 13), "hour"),
        (moment(2026, 2, 20), "day"),
        (moment(2026, 9, 1), "week"),
        (moment(2029, 1, 1), "month"),
        (moment(2046, 1, 1), "year"),
    ],
)
def test_costs_are_summed_by_calendar_bin(last, width):
    first = moment(2026, 1, 15, 12, 30)
    bins = _scales.calendar_bins(first, last)
    assert bins.width == width
    assert bins.edges[0] <= first < last < bins.edges[-1]
    assert 9 <= len(bins.edges) <= 70
    begins = [datetime.fromtimestamp(edge, timezone.utc) for edge in bins.edges]
    told = {
        "hour": lambda at: at.minute == 0,
        "day": lambda at: at.hour == 0,
        "week": lambda at: (at.weekday(), at.hour) == (0, 0),
        "month": lambda at: (at.day, at.hour) == (1, 0),
        "year": lambda at: (at.month, at.day) == (1, 1),
    }
    assert all(map(told[width], begins))


def test_periods_say_no_more_than_needed():
    noon = moment(2026, 3, 1, 12)
    assert _scales.format_period(noon, noon) == "1 Mar 2026, 12:00 UTC"
    assert _scales.format_period(noon, noon + 60) == "1 Mar 2026, 12:00 to 12:01 UTC"
    assert _scales.format_period(noon, noon + DAY) == "1 Mar 2026, 12:00 to 2 Mar 2026, 12:00 UTC"
    assert _scales.format_period(noon, noon + 9 * DAY) == "1 Mar 2026 to 10 Mar 2026"


@pytest.mark.parametrize("longest", [1e-6, 0.4, 3, 50, 4000, 90_000, 1e7, 1e11])
def test_axis_of_equal_steps_has_some_ticks(longest):
    axis = _scales.duration_axis(np.array([longest, np.nan]))
    assert not axis.is_log
    assert 2 <= len(axis.ticks) <= 11
    assert axis.ticks[0] == 0


def test_axis_of_no_durations_names_none():
    assert _scales.duration_axis(np.array([])).ticks == []


def test_duration_axis_is_logarithmic_for_wide_range():
    axis = _scales.duration_axis(np.array([2.0, 3, 4, 5, 90_000]))
    assert axis.is_log
    assert axis.ticks == [1, 10, 60, 600, 3600, 21600, 86400]
    assert not axis.is_cut
    assert _scales.duration_axis(np.array([0.0, 3, 4, 5, 90_000])).is_cut


@pytest.mark.parametrize("amounts", [[], [0.0], [1e-5], [3.2, 4], [0, 0, 5e6]])
def test_axis_of_amounts_has_some_ticks(amounts):
    axis = _scales.cost_axis(np.array(amounts))
    assert 2 <= len(axis.ticks) <= 12


def test_cost_axis_is_logarithmic_for_wide_range():
    axis = _scales.cost_axis(np.array([0.02, 0.03, 0.05, 70.0]))
    assert axis.is_log
    assert axis.ticks == pytest.approx([0.01, 0.1, 1, 10])


def test_axis_is_logarithmic_if_an_outlier_would_hide_the_rest():
    usual = np.linspace(50, 70, 40)
    assert not _scales.duration_axis(np.append(usual, 400)).is_log
    assert _scales.duration_axis(np.append(usual, 800)).is_log
    assert _scales.cost_axis(np.append(usual, 800)).is_log


@pytest.mark.parametrize(
    ("values", "limit"),
    [
        ([], None),
        ([1, 1000], None),
        ([1, 2, 3], None),
        ([1, 2, 1000], 2.5),
        ([0, 0, 1, 2, 1000], 2.5),
        ([1, 2, 900, 1000], None),
        ([*range(1, 41), 9000, 9900], 50.0),
        ([2.0**n for n in range(20)], None),
    ],
)
def test_outlier_limit_ends_at_the_highest_usual_value(values, limit):
    assert _scales.outlier_limit(np.array(values, dtype=float)) == limit
