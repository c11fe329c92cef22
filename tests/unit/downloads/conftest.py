from __future__ import annotations

import threading

import pytest

from inductiva_widgets.downloads.link import Backoff
from tests.unit.downloads.server import FileServer


@pytest.fixture
def server():
    """Return a running `FileServer` on a port of its own."""
    running = FileServer()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    running.gate.set()
    running.shutdown()
    thread.join()
    running.server_close()


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
