"""A service that accepts connections and does not respond: what is cached is returned soon."""

from __future__ import annotations

import pytest

from inductiva_widgets import tasks
from inductiva_widgets._secret import Secret
from inductiva_widgets.config import Settings
from inductiva_widgets.errors import APITimeoutError, StaleHistoryWarning
from inductiva_widgets.http.client import Client
from inductiva_widgets.http.paging import PAGES_AHEAD
from inductiva_widgets.http.time_limits import TimeLimits
from inductiva_widgets.http.transport import Transport
from tests.fault_proxy import Fault
from tests.task_service import task_service
from tests.unit.history.history_server import PER_PAGE, rows

_LIMITS = TimeLimits(connect=5.0, answer=1.0, total=60.0, tries=4)


@pytest.fixture
def service(world):
    """Return a world of 40 tasks, its proxy, and a function that returns its history."""
    world.submit_ended(40)
    served = dict(world.tasks)
    with task_service(served) as proxy:
        settings = Settings(proxy.url, Secret("key"), proxy.url)
        client = Client(Transport(settings, repeatable=_LIMITS))

        def history(**options):
            served.clear()
            served.update(world.tasks)
            return tasks.history(client=client, progress=False, **options)

        yield world, proxy, history


def _fall_silent(proxy, after=0):
    proxy.forget()
    if after:
        proxy.add(Fault(times=after))
    proxy.add(Fault(times=None, delay=600.0))


def test_silent_service_returns_the_cached_tasks_after_one_try(service):
    world, proxy, history = service
    online = history()
    _fall_silent(proxy)
    with pytest.warns(StaleHistoryWarning, match="did not respond in time.*as of 20"):
        offline = history()
    assert len(proxy.log) == 1
    assert rows(offline) == rows(online) == world.truth()
    assert offline.attrs["inductiva"]["offline"] is True


def test_service_that_falls_silent_returns_the_new_and_the_cached_tasks(service):
    world, proxy, history = service
    history()
    world.submit_ended(60)
    _fall_silent(proxy, after=3)
    with pytest.warns(StaleHistoryWarning, match="did not respond in time"):
        frame = history()
    # No page is requested after the first one that failed.
    assert len(proxy.log) <= 3 + PAGES_AHEAD + 1
    assert set(list(world.tasks)[:PER_PAGE]) <= set(frame.index)
    assert set(list(world.tasks)[60:]) <= set(frame.index)
    assert frame.attrs["inductiva"]["complete"] is False


def test_requests_for_many_live_tasks_are_given_up_together(service):
    world, proxy, history = service
    for _ in range(20):
        world.submit()
        world.submit_ended(PER_PAGE)
    history()
    _fall_silent(proxy, after=1)
    with pytest.warns(StaleHistoryWarning, match="did not respond in time"):
        frame = history()
    assert len(proxy.log) == 2
    assert rows(frame) == world.truth()


def test_error_of_a_moment_is_retried_although_tasks_are_cached(service):
    _, proxy, history = service
    history()
    proxy.add(Fault(status=503))
    assert history().attrs["inductiva"]["offline"] is False


@pytest.mark.extended
def test_silent_service_is_tried_again_if_nothing_is_cached(service):
    _, proxy, history = service
    _fall_silent(proxy)
    with pytest.raises(APITimeoutError):
        history()
    assert len(proxy.log) == _LIMITS.tries
