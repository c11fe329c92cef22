from __future__ import annotations

import pytest

from inductiva_widgets.history import sync
from tests.unit.history.history_server import PER_PAGE, World


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch):
    monkeypatch.setattr(sync, "PER_PAGE", PER_PAGE)


@pytest.fixture
def world():
    return World()
