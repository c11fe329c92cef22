import math
import random

from hypothesis import given
from hypothesis import strategies as st

from inductiva_widgets.metrics.decimate import MetricRow
from inductiva_widgets.metrics.gaps import MAX_GAPS, Gaps
from inductiva_widgets.metrics.parser import MetricParser

RESIDUAL = r"residual (?P<residual>\S+)"


def gaps_of(values, **others):
    gaps = Gaps()
    for number, value in enumerate(values, 1):
        gaps.add(MetricRow(number, {"p": value, **others}))
    return gaps.for_series("p")


def read(text, expression=RESIDUAL, **options):
    reader = MetricParser(expression, **options)
    reader.feed(text.encode())
    reader.finish()
    return reader


def test_series_that_is_always_finite_has_no_gap():
    assert gaps_of([1.0, 2.0]) == []


def test_each_kind_is_a_gap_of_its_own():
    found = gaps_of([1.0, math.nan, math.nan, math.inf, 1.0, -math.inf])
    assert [(gap.kind, gap.start, gap.end) for gap in found] == [
        ("nan", 2, 3),
        ("inf", 4, 4),
        ("-inf", 6, 6),
    ]


def test_row_without_the_series_does_not_end_its_gap():
    gaps = Gaps()
    for number, values in enumerate(({"p": math.nan}, {"q": 1.0}, {"p": math.nan}), 1):
        gaps.add(MetricRow(number, values))
    assert [(gap.start, gap.end) for gap in gaps.for_series("p")] == [(1, 3)]


@given(st.lists(st.sampled_from([1.0, math.nan, math.inf]), max_size=300))
def test_gaps_are_bounded_and_the_first_and_the_newest_stay_exact(values):
    found = gaps_of(values)
    assert len(found) <= MAX_GAPS
    lost = [number for number, value in enumerate(values, 1) if not math.isfinite(value)]
    if lost:
        assert (found[0].start, found[-1].end) == (lost[0], lost[-1])
        last = values[found[-1].start - 1]
        assert str(last) == found[-1].kind
    for number in lost:
        assert any(gap.start <= number <= gap.end for gap in found)


def test_gap_begins_at_the_step_of_its_row_or_at_the_last_one_before():
    own = read("step 10 residual 1\nstep 20 residual nan\n", r"step (?P<step>\d+) " + RESIDUAL)
    assert own.gaps("residual")[0].step == ("step", 20.0)
    apart = r"Time (?P<time>\S+)|residual (?P<residual>\S+)"
    before = read("Time 0.5\nresidual 1\nTime 0.6\nresidual nan\n", apart)
    assert before.gaps("residual")[0].step == ("time", 0.6)
    assert read("residual nan\n").gaps("residual")[0].step is None


def test_first_nan_of_a_long_series_is_known_exactly_whatever_was_left_out():
    dice = random.Random(7)
    lines = [f"residual {dice.random() if n < 31_337 else 'nan'}" for n in range(1, 50_001)]
    reader = read("\n".join(lines) + "\n", max_rows=100)
    (gap,) = reader.gaps("residual")
    assert (gap.start, gap.end, reader.samples) == (31_337, 50_000, 50_000)
    assert math.isnan(reader.to_frame()["residual"][31_337])
    assert reader.points(80)["residual"][-1][0] < 31_337


def test_later_solution_of_a_step_that_is_nan_counts_more_than_the_first():
    from inductiva_widgets.metrics.presets import preset_for

    log = (
        "Time = 1\nSolving for p, Initial residual = 0.5, F\n"
        "Solving for p, Initial residual = nan, F\nTime = 2\n"
    )
    reader = read(log, preset_for("openfoam"))
    assert [(gap.start, gap.step) for gap in reader.gaps("p")] == [(1, ("time", 1.0))]
