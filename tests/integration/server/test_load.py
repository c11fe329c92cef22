"""Many tasks and many clients at once: none is lost, none is doubled, all are told the truth."""

from __future__ import annotations

import pytest

from tests.benchmarks.server_load import run_load

pytestmark = pytest.mark.extended


def test_forty_tasks_under_ten_clients_run_once_each(make_server, tmp_path):
    place = tmp_path / "left"
    place.mkdir()
    server = make_server("--capacity", "4")
    load = run_load(server, place, tasks=40, clients=10)
    assert len(load.waits) == 40
    assert min(load.waits) >= 0
    assert load.answers
