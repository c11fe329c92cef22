from __future__ import annotations

import pytest

from inductiva_widgets.downloads._signed_url import Backoff
from tests.unit.downloads.server import serving


@pytest.fixture
def server():
    """Return a running `FileServer` on a port of its own."""
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """Retry without delay, and return the list of pauses that would have been made."""
    made: list[float] = []
    original = Backoff.pause

    def pause(self, failures):
        made.append(original(self, failures))
        return 0.0

    monkeypatch.setattr(Backoff, "pause", pause)
    return made
