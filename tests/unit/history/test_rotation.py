"""Cached tasks are read again in rotation, so a later change of the service is seen."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime, timedelta, timezone

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inductiva_widgets.errors import APIConnectionError, ServerError, StaleHistoryWarning
from tests.unit.history.history_server import PER_PAGE, ROTATION, World, rows


def _change_all(world):
    """Change each task on the service, long after its end."""
    for number, task in enumerate(world.tasks.values()):
        task["estimated_computation_cost"] = 100.0 + number
        task["task_metadata"] = {"case": f"changed {number}"}
        if task["is_terminated"]:
            task["status"] = "failed"


def _read_at(frame):
    return frame["read_at"].tolist()


def test_change_of_any_cached_task_is_seen_after_as_many_calls_as_pages(world):
    world.submit_ended(50)
    world.history()
    _change_all(world)
    for _ in range(50 // PER_PAGE - 1):
        assert world.costs() == 1 + ROTATION
    assert rows(world.history(metadata=True)) == world.truth()


def test_rotation_continues_while_new_tasks_move_rows_to_other_pages(world):
    world.submit_ended(50)
    world.history()
    _change_all(world)
    for _ in range(2 * 50 // PER_PAGE):
        world.submit_ended(3)
        assert world.costs() == 1 + ROTATION
    assert rows(world.history(metadata=True)) == world.truth()


def test_live_tasks_are_refreshed_next_to_the_rotation(world):
    for _ in range(4):
        world.submit()
        world.submit_ended(9)
    world.history()
    _change_all(world)
    for _ in range(40 // PER_PAGE):
        assert world.costs() == 2 + ROTATION
    assert rows(world.history(metadata=True)) == world.truth()


def test_other_tasks_on_a_page_of_live_tasks_are_read_again(world):
    world.submit_ended(20)
    world.submit(3)
    world.submit_ended(7)
    world.history()
    _change_all(world)
    frame = world.history(columns=["status", "cost_usd"])
    # The first page, the page of the live tasks, and the page in rotation.
    assert (frame["cost_usd"] >= 100).sum() == 3 * PER_PAGE


def test_read_at_is_the_time_at_which_each_row_was_read(world):
    world.submit_ended(20)
    first = world.history(columns=["read_at"])
    now = datetime.now(timezone.utc)
    assert all(now - timedelta(minutes=10) < time <= now for time in _read_at(first))
    world.clock_skew = 86_400.0
    second = world.history(columns=["read_at"])
    fresh = second["read_at"] > now + timedelta(hours=12)
    assert fresh.tolist() == [True] * 2 * PER_PAGE + [False] * 2 * PER_PAGE
    assert _read_at(second[~fresh]) == _read_at(first[~fresh])
    world.history()
    third = world.history()
    oldest = pd.Timestamp(third.attrs["inductiva"]["oldest_read_at"])
    assert oldest > now + timedelta(hours=12)


def test_oldest_read_at_is_that_of_the_returned_rows(world):
    world.submit_ended(20)
    world.history()
    world.clock_skew = 86_400.0
    for options in ({}, {"offline": True}, {"offline": True, "last_n": 12}):
        frame = world.history(columns=["read_at"], **options)
        assert frame.attrs["inductiva"]["oldest_read_at"] == (
            frame["read_at"].min().isoformat(timespec="seconds")
        )
    newest = world.history(last_n=2).attrs["inductiva"]
    assert newest["oldest_read_at"] == newest["as_of"]


def test_frame_without_rows_has_an_oldest_time(world):
    told = world.history().attrs["inductiva"]
    assert told["oldest_read_at"] == told["as_of"]


def test_offline_makes_no_request_and_reads_nothing_again(world):
    world.submit_ended(20)
    before = _read_at(world.history(columns=["read_at"]))
    assert world.costs(offline=True) == 0
    assert _read_at(world.history(columns=["read_at"], offline=True)) == before


def test_limited_call_reads_only_rows_of_its_result_again(world):
    world.submit_ended(50)
    world.history()
    _change_all(world)
    assert world.costs(last_n=PER_PAGE) == 1
    for _ in range(3):
        frame = world.history(last_n=2 * PER_PAGE + 1, metadata=True)
    assert rows(frame) == world.truth(last_n=2 * PER_PAGE + 1)
    costs = world.history(offline=True)["cost_usd"]
    assert (costs >= 100).sum() == 3 * PER_PAGE
    assert (world.history(since="2024-02-02T20:00Z")["cost_usd"] >= 100).all()


def test_limited_call_with_a_filter_has_as_many_tasks_as_it_may(world):
    world.submit_ended(50)
    world.history(last_n=30)
    for number in range(41, 46):
        world.tasks[f"t{number}"]["status"] = "failed"
    # If these were read again, five more would have to be found further on.
    assert len(world.history(last_n=30, status="success")) == 30


def test_task_that_leaves_during_the_call_is_gone_after_the_next(world):
    world.submit_ended(50)
    world.history()
    answer = world._page

    def page(params):
        if params["page"] == 2:
            world.remove("t44")
        return answer(params)

    world._page = page
    world.history()
    del world._page
    assert rows(world.history(metadata=True)) == world.truth()


def test_task_that_took_the_place_of_another_is_found(world):
    world.submit_ended(50)
    world.history()
    world.tasks = {
        "other" if name == "t20" else name: {**task, "task_id": "other"} if name == "t20" else task
        for name, task in world.tasks.items()
    }
    for _ in range(50 // PER_PAGE):
        frame = world.history(metadata=True)
        assert len({"t20", "other"}.intersection(frame.index)) == 1
    assert rows(frame) == world.truth()


def test_rotation_continues_if_the_order_of_the_listing_has_changed(world):
    world.submit_ended(50)
    world.history()
    moved = [f"t{number}" for number in (12, 18, 24, 33)]
    # One place further: each comes to another page at some time.
    names = [name for name in world.tasks if name not in moved]
    for name in moved:
        names.insert(5 * (int(name[1:]) % 7) + 7, name)
    world.tasks = {name: world.tasks[name] for name in names}
    _change_all(world)
    for _ in range(3 * 50 // PER_PAGE):
        frame = world.history(metadata=True)
    assert set(map(str, rows(frame))) == set(map(str, world.truth()))


@pytest.mark.parametrize(
    "error", [ServerError("out of order", status=500), APIConnectionError("no answer")]
)
def test_page_that_cannot_be_read_again_costs_a_warning(world, error):
    world.submit_ended(50)
    world.history()
    world.submit_ended(2)
    answer = world._page

    def page(params):
        if params["page"] > 1:
            raise error
        return answer(params)

    world._page = page
    with pytest.warns(StaleHistoryWarning, match="No page of older tasks was read again"):
        frame = world.history()
    assert rows(frame) == world.truth()
    assert frame.attrs["inductiva"]["complete"] is True
    assert frame.attrs["inductiva"]["offline"] is False


_EVENTS = st.lists(
    st.tuples(st.sampled_from(["submit", "remove", "change", "call"]), st.integers(0, 40)),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(before=st.integers(0, 40), events=_EVENTS)
def test_whatever_has_changed_is_seen_after_enough_calls(before, events):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "INDUCTIVA_CACHE_DIR", folder)
        world = World()
        world.submit_ended(before)
        for what, number in events:
            names = list(world.tasks)
            if what == "submit":
                world.submit_ended(number % 7)
            elif what == "call":
                world.history(last_n=number or None)
            elif names and what == "remove":
                world.remove(names[number % len(names)])
            elif names:
                world.tasks[names[number % len(names)]]["estimated_computation_cost"] = 7.0
        for _ in range(2 * len(world.tasks) // PER_PAGE + 1):
            frame = world.history(metadata=True)
        assert rows(frame) == world.truth()
