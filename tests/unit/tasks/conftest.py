"""A running task whose log is played by the test."""

import pytest

from inductiva_widgets.tasks import Task, _log_stream
from inductiva_widgets.tasks._log_stream import LogChunk, StreamState
from inductiva_widgets.tasks.log_watch import registry
from tests.unit.conftest import wire_task

ID = "n7pbtxunxqzuca6nwe9v0gn75"
RESIDUAL = r"residual (?P<residual>\S+)"


class Reading:
    """Stands for ``following.follow``: what was asked for, and the listeners."""

    def __init__(self):
        self.asked = []
        self.listeners = []
        self.interests = []

    def follow(self, task, name, listener):
        self.asked.append((task.id, name))
        self.listeners.append(listener)
        self.interests.append(_log_stream.LogSubscription())
        return self.interests[-1]

    def come(self, data, *, follows=True, is_backlog=False, **state):
        for listener in self.listeners:
            if data:
                listener.on_data(LogChunk(data, follows, is_backlog))
            listener.on_state(StreamState(**state))


@pytest.fixture
def reading(monkeypatch):
    made = Reading()
    monkeypatch.setattr(_log_stream, "subscribe", made.follow)
    yield made
    for watch in registry.retained():
        watch.stop()


@pytest.fixture
def make(service, reading):
    def make(status="computation-started", **fields):
        client = service(wire_task(status=status, **fields))
        task = Task(ID, client=client)
        task.get_info()
        return task

    return make


@pytest.fixture
def task(make):
    return make()
