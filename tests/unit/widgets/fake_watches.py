"""Watches that read what a test tells them to."""

import weakref

import pytest

from inductiva_widgets.metrics.decimate import MetricRow
from inductiva_widgets.metrics.gaps import Gaps
from inductiva_widgets.tasks.log_watch import LogWatch, registry
from inductiva_widgets.widgets import log_metrics


class FakeWatch:
    """What widgets see of a watch."""

    def __init__(self, task=None, pattern="residuals", **series):
        self.task = task
        self.pattern = self.title = pattern
        self.file = "stdout.txt"
        self.has_preset = False
        self.conditions = []
        self.rows = series
        self.progress = self.eta = self.last_output = self.error = None
        self.note = ""
        self.notify = self.is_finished = self.is_stopped = False
        self.logs = ()
        self.callbacks = []

    @property
    def series_names(self):
        return tuple(self.rows)

    @property
    def samples(self):
        return max(map(len, self.rows.values()), default=0)

    @property
    def latest(self):
        return {name: values[-1] for name, values in self.rows.items() if values}

    def points(self, points=80):
        return {name: list(enumerate(values, 1))[-points:] for name, values in self.rows.items()}

    def gaps(self, name):
        gaps = Gaps()
        for number in range(self.samples):
            row = {one: values[number] for one, values in self.rows.items() if number < len(values)}
            gaps.add(MetricRow(number + 1, row))
        return gaps.for_series(name)

    def suits_log_scale(self, name):
        return name in self.logs

    def subscribe(self, callback):
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def stop(self):
        self.is_stopped = self.is_finished = True
        self.notify_subscribers()

    def read(self, **values):
        """Read a number of each series, and tell it."""
        for name, value in values.items():
            self.rows.setdefault(name, []).append(value)
        self.notify_subscribers()

    def end(self):
        self.is_finished = True
        self.notify_subscribers()

    def notify_subscribers(self):
        for callback in list(self.callbacks):
            callback()


class Kernel:
    """The watches of a kernel: those that people made, and the quiet ones in their order."""

    def __init__(self):
        self.made = []
        self.quiet = []

    def watches_of(self, task):
        return [watch for watch in self.made if watch.task == task]

    def retained(self):
        return [watch for watch in self.made if not watch.is_finished]

    def make_quiet(self, task):
        watch = FakeWatch(task)
        self.quiet.append(watch)
        return watch

    @property
    def reading(self):
        """Ids of the tasks that are read quietly."""
        return [watch.task.id for watch in self.quiet if not watch.is_finished]


@pytest.fixture
def kernel(monkeypatch):
    """Return the watches of a kernel in which every simulator's numbers are known."""
    kernel = Kernel()
    monkeypatch.setattr(registry, "for_task", kernel.watches_of)
    monkeypatch.setattr(registry, "retained", kernel.retained)
    monkeypatch.setattr(log_metrics, "preset_for", lambda name: name)
    monkeypatch.setattr(LogWatch, "automatic", kernel.make_quiet)
    monkeypatch.setattr(log_metrics, "_pool", log_metrics._AutomaticWatchPool())
    monkeypatch.setattr(log_metrics, "_all", weakref.WeakSet())
    return kernel
