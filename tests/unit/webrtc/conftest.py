"""Machines that tests talk to."""

import itertools

import pytest

from tests.unit.webrtc.fake_machine import Machine

_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _no_server_outside(monkeypatch):
    monkeypatch.setenv("INDUCTIVA_TURN_SERVER_URL", "turn.invalid:3478")


@pytest.fixture
def start_machine():
    """Return what starts a machine that answers as told."""
    machines = []

    def start(answer):
        # Each is a service of its own: what was learnt of one says nothing of another.
        machines.append(Machine(answer, f"http://machine-{next(_numbers)}"))
        return machines[-1]

    yield start
    for machine in machines:
        machine.end()
