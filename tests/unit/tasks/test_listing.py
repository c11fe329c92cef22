"""Listings of a service whose tasks come and go while the pages are read."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inductiva_widgets import tasks
from inductiva_widgets.filters import TaskFilters
from inductiva_widgets.http import paging
from inductiva_widgets.http.client import Client
from inductiva_widgets.tasks import listing
from tests.unit.conftest import FakeTransport, wire_task


class BusyService(FakeTransport):
    """A service with something that happens before each page."""

    def __init__(self, count, events=()):
        super().__init__([wire_task(f"t{n}", "submitted") for n in range(count, 0, -1)])
        self.events = list(events)
        self.lock = threading.Lock()

    def _page(self, params):
        with self.lock:
            if self.events:
                self.happen(*self.events.pop(0))
            return super()._page(params)

    def happen(self, what, number):
        waiting = [task for task in self.tasks.values() if task["status"] == "submitted"]
        if what == "start":
            for task in waiting[:number]:
                task["status"] = "started"
        elif what == "start one" and waiting:
            waiting[number % len(waiting)]["status"] = "started"
        elif what == "submit":
            new = [wire_task(f"new{len(self.tasks) + n}", "submitted") for n in range(number)]
            self.tasks = {task["task_id"]: task for task in new} | self.tasks


def test_get_all_while_tasks_leave_the_status_has_each_that_stays():
    service = BusyService(2000, [("nothing", 0)] + [("start", 20)] * 5)
    found = tasks.get_all("submitted", client=Client(service))
    left = [name for name, task in service.tasks.items() if task["status"] == "submitted"]
    assert set(left) - {task.id for task in found} == set()


def test_kill_of_a_filtered_listing_leaves_no_task_in_the_queue():
    service = BusyService(1200, [("nothing", 0), ("start", 30)])
    tasks.get_all("submitted", client=Client(service)).kill()
    assert not [task for task in service.tasks.values() if task["status"] == "submitted"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    count=st.integers(0, 40),
    events=st.lists(
        st.tuples(st.sampled_from(["start", "start one", "submit"]), st.integers(0, 12)),
        max_size=30,
    ),
)
def test_listing_while_tasks_come_and_go_is_in_order_and_has_each_that_stays(count, events):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "MAX_PER_PAGE", 5)
        # One page after the other: several events between two pages may leave the total as it was.
        patch.setattr(paging, "PAGES_AHEAD", 1)
        service = BusyService(count, [("nothing", 0), *events])
        before, filters = list(service.tasks), TaskFilters(status=("submitted",))
        found = [info.task_id for info in tasks.listing.iter_tasks(filters, client=Client(service))]
    left = [name for name in before if service.tasks[name]["status"] == "submitted"]
    assert [name for name in found if name in left] == left
    assert len(set(found)) == len(found)
