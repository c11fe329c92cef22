from __future__ import annotations

import pytest

from inductiva_widgets.history import counting_client
from tests.unit.history.history_server import PER_PAGE, World


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch):
    monkeypatch.setattr(counting_client, "PER_PAGE", PER_PAGE)


@pytest.fixture
def world():
    return World()
