from __future__ import annotations

import pytest

from inductiva_widgets.history import service
from tests.unit.history.world import PER_PAGE, World


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch):
    monkeypatch.setattr(service, "PER_PAGE", PER_PAGE)


@pytest.fixture
def world():
    return World()
