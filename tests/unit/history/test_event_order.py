"""Whatever happens to the service between and during the calls, a history is the listing."""

from __future__ import annotations

import os
import tempfile
import threading
import warnings

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from inductiva_widgets.errors import APIConnectionError, NotFoundError, StaleHistoryWarning
from inductiva_widgets.http import paging
from inductiva_widgets.tasks import Task
from tests.unit.history.history_server import World, rows

_NUMBERS = st.integers(0, 30)
_CALLS = st.one_of(
    st.just({}),
    st.builds(lambda n: {"last_n": n + 1}, _NUMBERS),
    st.builds(lambda n: {"last_n": n + 1, "project": "odd"}, _NUMBERS),
    st.just({"status": "computation-started"}),
    st.just({"status": "success", "last_n": 3}),
    st.builds(lambda n: {"since": f"2024-02-01T{n % 24:02}:00:00+00:00"}, _NUMBERS),
    st.just({"refresh": True}),
    st.just({"refresh": True, "last_n": 4}),
)
_EVENTS = st.one_of(
    st.tuples(st.just("submit"), st.integers(1, 12)),
    st.tuples(st.just("submit ended"), st.integers(1, 25)),
    st.tuples(st.just("end"), _NUMBERS),
    st.tuples(st.just("end long ago"), _NUMBERS),
    st.tuples(st.just("bill"), _NUMBERS),
    st.tuples(st.just("note"), _NUMBERS),
    st.tuples(st.just("remove"), _NUMBERS),
    st.tuples(st.just("start anew"), st.integers(0, 12)),
    st.tuples(st.just("interrupt"), _NUMBERS),
    st.tuples(st.just("fall silent"), _NUMBERS),
    st.tuples(st.just("call"), _CALLS),
)
_MEANWHILE = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.integers(1, 7)),
        st.tuples(st.just("end"), _NUMBERS),
        st.tuples(st.just("end long ago"), _NUMBERS),
    ),
    max_size=8,
)
quickly = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def happen(world: World, what: str, number: int) -> None:
    tasks = list(world.tasks.values())
    if what == "submit":
        world.submit(number)
    elif what == "submit ended":
        world.submit_ended(number)
    elif what in ("end", "end long ago") and world.alive:
        ago = 0.0 if what == "end" else 1e6
        world.end(world.alive[number % len(world.alive)], "failed", ago=ago)
    elif what == "bill":
        world.bill(2.0 + number)
    elif what == "note" and tasks:
        task_id = tasks[number % len(tasks)]["task_id"]
        Task(task_id, client=world.client).set_metadata({"note": str(number)})
    elif what == "remove" and tasks:
        world.remove(tasks[number % len(tasks)]["task_id"])
    elif what == "start anew":
        world.tasks = {}
        world.just_ended.clear()
        world.count_certain += 1000 * (number % 2)
        world.submit_ended(number)


class _After:
    """Raises at a later request, once."""

    def __init__(self, requests: int, error: BaseException) -> None:
        self.left, self.error, self.lock = requests, error, threading.Lock()

    def __call__(self) -> None:
        with self.lock:
            self.left -= 1
            if self.left == -1:
                raise self.error


def call_that_fails(world: World, number: int, error: BaseException) -> None:
    world.hooks["GET /tasks"] = _After(number % 6, error)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StaleHistoryWarning)
            world.history()
    except (KeyboardInterrupt, APIConnectionError):
        pass
    world.hooks.clear()


@pytest.mark.parametrize("honours_active", [True, False])
@quickly
@given(events=st.lists(_EVENTS, max_size=12))
# A task that went makes up in number for one that was never read.
@example(events=[("submit", 1), ("submit", 10), ("interrupt", 2), ("remove", 5)])
@example(events=[("submit", 1), ("submit ended", 16), ("interrupt", 2), ("remove", 5)])
def test_between_calls_anything_may_happen(honours_active, events):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "INDUCTIVA_CACHE_DIR", folder)
        world = World(honours_active=honours_active)
        removed = False
        for what, value in [*events, ("call", {})]:
            if what == "call":
                found = rows(world.history(metadata=True, **value))
                # A task that went is noticed by one that is fetched near it, or by their number.
                if not removed or value in ({}, {"refresh": True}):
                    assert found == world.truth(**value)
                    removed = removed and value != {}
            elif what == "interrupt":
                call_that_fails(world, value, KeyboardInterrupt())
            elif what == "fall silent":
                call_that_fails(world, value, APIConnectionError("silence"))
            else:
                removed = removed or what in ("remove", "start anew")
                happen(world, what, value)


@quickly
@given(before=st.integers(0, 60), kept=st.integers(0, 60), meanwhile=_MEANWHILE, seed=_NUMBERS)
def test_nothing_is_lost_or_doubled_while_tasks_are_submitted(before, kept, meanwhile, seed):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "INDUCTIVA_CACHE_DIR", folder)
        world = World()
        world.submit_ended(kept)
        world.submit(3)
        if seed % 2:
            world.history()
        world.submit_ended(before)
        lock, coming = threading.Lock(), list(meanwhile)

        def something_happens():
            with lock:
                if coming:
                    happen(world, *coming.pop())

        was = [task["task_id"] for task in world.tasks.values()]
        answer = world._page
        world._page = lambda params: (something_happens(), answer(params))[1]
        found = world.history()
        del world._page
        assert found.index.is_unique
        # What was submitted before the first page was read may be in it.
        assert list(found.index)[len(found) - len(was) :] == was
        assert rows(world.history(metadata=True)) == world.truth()


def test_a_task_that_is_gone_is_not_shown(world):
    world.submit(12)
    world.history()
    world.remove("t2")
    assert rows(world.history(metadata=True)) == world.truth()
    with pytest.raises(NotFoundError):
        Task("t2", client=world.client).refresh()


@quickly
@given(
    before=st.integers(1, 60),
    meanwhile=st.lists(
        st.tuples(st.sampled_from(["remove", "submit"]), st.integers(1, 30)), max_size=12
    ),
)
def test_first_history_while_tasks_are_removed_has_each_that_stays(before, meanwhile):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "INDUCTIVA_CACHE_DIR", folder)
        # One page after the other: several events between two pages may leave the total as it was.
        patch.setattr(paging, "PAGES_AHEAD", 1)
        world = World()
        world.submit_ended(before)
        was = list(world.tasks)
        coming = [("nothing", 0), *meanwhile]
        answer = world._page

        def page(params):
            if coming:
                happen(world, *coming.pop(0))
            return answer(params)

        world._page = page
        found = list(world.history().index)
        del world._page
        # Removed tasks that were read before may be anywhere.
        kept = [name for name in found if name in world.tasks]
        assert [name for name in kept if name in was] == [n for n in was if n in world.tasks]
        assert kept == sorted(set(kept), key=lambda name: -int(name[1:]))
        assert rows(world.history(metadata=True)) == world.truth()
