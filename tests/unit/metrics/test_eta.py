import pytest

from inductiva_widgets.metrics.progress import EtaEstimator


def looked(*looks):
    pace = EtaEstimator()
    for look in looks:
        pace.update(*look)
    return pace


def test_end_of_an_even_pace_is_known_after_a_few_steps():
    pace = looked((0, 0.0), (1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4))
    assert pace.seconds_left(4) == pytest.approx(6)
    assert pace.seconds_left(5) == pytest.approx(5)


def test_eta_is_none_while_there_are_too_few_steps():
    assert looked().seconds_left(0) is None
    assert looked((0, 0.0), (5, 0.1), (9, 0.2)).seconds_left(9) is None
    # All at once, as what was printed before the watch began.
    assert looked((0, 0.0), (0.1, 0.3), (0.2, 0.5), (0.3, 0.6)).seconds_left(1) is None


def test_updates_without_progress_do_not_change_the_eta():
    often = looked(*((second, 0.1 * (second // 10)) for second in range(61)))
    assert often.seconds_left(60) == pytest.approx(40)


def test_pace_is_that_of_the_last_part():
    pace = looked(
        *((n, n / 1000) for n in range(100)), *((100 + n, 0.1 + n / 100) for n in range(60))
    )
    assert pace.seconds_left(159) == pytest.approx(100 * (1 - 0.69), abs=3)


def test_simulation_that_should_be_over_or_hangs_has_no_end():
    pace = looked((0, 0.0), (1, 0.1), (2, 0.2), (3, 0.3))
    assert pace.seconds_left(500) is None


def test_decreasing_progress_drops_the_earlier_steps():
    pace = looked((0, 0.0), (1, 0.1), (2, 0.2), (3, 0.3), (4, 0.05), (5, 0.06))
    assert pace.seconds_left(5) is None
