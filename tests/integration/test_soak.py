"""A short soak; ``make soak`` runs the long one."""

import pytest

from tests.soak import Options, run_soak


@pytest.mark.extended
def test_live_cards_are_right_after_faults_and_restarts_of_the_server():
    report = run_soak(Options(minutes=1.0, cards=12, capacity=6))
    assert report.problems == [], str(report)
    assert report.restarts == ["SIGTERM", "SIGKILL"]
    assert set(report.checked) == {"short", "long", "failing", "killed", "waiting"}
