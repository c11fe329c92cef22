import itertools
import math
import random

from hypothesis import given
from hypothesis import strategies as st

from inductiva_widgets.metrics.decimate import DecimatedRows, decimate, suits_log_scale

VALUES = st.floats(allow_nan=True, width=32)
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["p", "Ux", "time"]), VALUES, min_size=1), max_size=300
)


def filled(values, most):
    rows = DecimatedRows(most)
    for value in values:
        rows.add(value)
    return rows


def defined(rows, name):
    return [row[name] for row in rows if name in row and math.isfinite(row[name])]


@given(ROWS, st.integers(14, 60))
def test_bound_holds_and_first_newest_and_extremes_stay(values, most):
    rows = filled(values, most)
    kept = rows.rows()
    assert len(kept) <= most
    assert rows.samples == len(values)
    assert [row.sample for row in kept] == sorted({row.sample for row in kept})
    if len(values) <= most - 2:
        assert [row.values for row in kept] == values
    if values:
        assert (kept[0].sample, kept[-1].sample) == (1, len(values))
    for row in kept:
        assert row.values is values[row.sample - 1]
    for name in ("p", "Ux", "time"):
        all_of, some = defined(values, name), defined([row.values for row in kept], name)
        assert (min(all_of, default=0), max(all_of, default=0)) == (
            min(some, default=0),
            max(some, default=0),
        )


def test_extremes_stay_in_each_part_and_not_only_in_all():
    values = [{"p": 1.0 + (number in (150, 850))} for number in range(1, 1001)]
    kept = {row.sample for row in filled(values, 100).rows()}
    assert {1, 150, 850, 1000} <= kept
    gaps = sorted(kept)
    assert max(later - one for one, later in itertools.pairwise(gaps)) <= 1000 / 12


def test_extremes_of_a_noisy_series_stay():
    dice = random.Random(3)
    values = [{"p": dice.gauss(0, 1), "q": dice.random()} for _ in range(3000)]
    kept = [row.values for row in filled(values, 100).rows()]
    for name in ("p", "q"):
        whole, some = defined(values, name), defined(kept, name)
        assert (min(some), max(some)) == (min(whole), max(whole))


def test_rows_of_which_no_value_is_a_number_stay():
    values = [{"p": math.nan if number == 500 else 1.0 / number} for number in range(1, 1000)]
    assert 500 in {row.sample for row in filled(values, 100).rows()}


def test_first_nan_and_first_infinity_stay_next_to_the_finite_extremes():
    strange = {501: math.inf, 502: -math.inf, 503: math.nan}
    values = [{"p": strange.get(number, number % 7.0)} for number in range(1, 2000)]
    kept = {row.sample: row.values["p"] for row in filled(values, 100).rows()}
    assert {501, 503} <= kept.keys()
    finite = {sample: value for sample, value in kept.items() if math.isfinite(value)}
    near = [value for sample, value in finite.items() if 448 <= sample < 576]
    assert (min(near), max(near)) == (0.0, 6.0)


def test_memory_stays_bounded_while_many_rows_come():
    rows = DecimatedRows(100)
    most = 0
    for number in range(40_000):
        rows.add({"p": float(number % 97)})
        most = max(most, len(rows._closed) + rows._open.max_rows)
    assert most <= 100


def test_bound_holds_for_24_series_that_are_finite_nan_and_infinite():
    values = [math.nan, math.inf, 1.0, 2.0]
    made = [{f"s{n}": values[(row + n) % 4] for n in range(24)} for row in range(3000)]
    assert len(filled(made, 100)) <= 100


@given(st.lists(st.floats(width=32), max_size=400), st.integers(4, 90))
def test_points_for_drawing_keep_the_extremes_within_the_bound(values, most):
    points = list(enumerate(values, 1))
    finite = [point for point in points if math.isfinite(point[1])]
    kept = decimate(points, most)
    assert len(kept) <= most
    assert set(kept) <= set(finite)
    assert [sample for sample, _ in kept] == sorted(sample for sample, _ in kept)
    if finite:
        assert (kept[0], kept[-1]) == (finite[0], finite[-1])
        found = [value for _, value in kept]
        whole = [value for _, value in finite]
        assert (min(found), max(found)) == (min(whole), max(whole))
    if len(finite) <= most:
        assert kept == finite


def test_series_that_falls_by_powers_of_ten_is_logarithmic():
    residuals = [10.0**-n for n in range(6)]
    assert suits_log_scale(residuals)
    assert suits_log_scale([0.0, *residuals, 0.0, math.nan])
    assert not suits_log_scale([1.0, 0.5, 0.1, 0.01])
    assert not suits_log_scale([-1.0, *residuals])
    assert not suits_log_scale([math.nan, *residuals, -1.0])
    assert suits_log_scale([*residuals, 0.5, -math.inf])
    assert not suits_log_scale([])
    assert not suits_log_scale([0.0, math.nan, math.inf])


def test_time_and_counts_that_only_grow_are_not_logarithmic():
    assert not suits_log_scale([0.001 * n for n in range(1, 5000)])
