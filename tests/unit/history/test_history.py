import warnings
from datetime import date, datetime, timedelta, timezone

import pandas as pd
import pytest

from inductiva_widgets import tasks
from inductiva_widgets._secret import Secret
from inductiva_widgets.errors import APIConnectionError, APIError, InputError, StaleHistoryWarning
from inductiva_widgets.history import sync
from inductiva_widgets.history.store import HistoryStore
from inductiva_widgets.history.sync import CHECKPOINT_PAGES
from inductiva_widgets.http.paging import PAGES_AHEAD
from inductiva_widgets.tasks import Task, listing
from tests.unit.history.history_server import PER_PAGE, ROTATION, World, rows


def told(frame):
    return frame.attrs["inductiva"]


# What it costs


def test_the_second_time_costs_one_request_and_a_page_in_rotation(world):
    world.submit_ended(50)
    assert world.costs() == 10
    assert world.costs() == 1 + ROTATION
    assert rows(world.history()) == world.truth()


def test_new_tasks_are_fetched_and_nothing_else(world):
    world.submit_ended(50)
    world.history()
    world.submit_ended(3)
    assert world.costs() == 1 + ROTATION
    world.submit_ended(12)
    assert world.costs() == 3 + ROTATION
    assert rows(world.history()) == world.truth()


def test_live_tasks_near_the_top_cost_nothing_more(world):
    world.submit_ended(50)
    world.submit(4)
    world.history()
    assert world.costs() == 1 + ROTATION


def test_live_tasks_anywhere_cost_one_request_more_while_they_live(world):
    for _ in range(4):
        world.submit()
        world.submit_ended(9)
    world.history()
    assert world.costs() == 2 + ROTATION
    world.end(world.alive[3])
    assert world.costs() == 3 + ROTATION
    assert rows(world.history()) == world.truth()


def test_very_many_live_tasks_cost_one_request_for_each_page_of_them(world):
    for _ in range(16):
        world.submit()
        world.submit_ended(9)
    world.history()
    assert world.costs() == 1 + 4 + ROTATION
    assert rows(world.history()) == world.truth()


def test_a_service_that_does_not_know_the_living_only_costs_more():
    world = World(honours_active=False)
    for _ in range(8):
        world.submit()
        world.submit_ended(9)
    world.history()
    world.end(world.alive[3])
    assert rows(world.history()) == world.truth()


def test_the_last_few_cost_one_request_and_the_rest_comes_later(world):
    world.submit_ended(50)
    assert list(world.history(last_n=3).index) == ["t50", "t49", "t48"]
    assert world.costs(last_n=PER_PAGE) == 1
    assert world.costs() == 10
    assert rows(world.history()) == world.truth()


def test_a_limited_call_leaves_a_part_that_the_next_one_goes_on_from(world):
    world.submit_ended(100)
    assert world.costs(last_n=60) == 12
    # The first page, the one with the last known task, and the eight others.
    assert world.costs() == 1 + 1 + 8 + ROTATION
    assert rows(world.history()) == world.truth()


def test_a_gap_is_closed_without_reading_what_is_known_on_both_sides(world):
    world.submit_ended(40)
    world.history()
    world.submit_ended(30)
    world.history(last_n=2)
    world.submit_ended(1)
    # The first page joins what the short call has read; the rest of the gap is 25 tasks.
    assert world.costs() == 1 + 6 + ROTATION
    assert rows(world.history()) == world.truth()


def test_since_reads_no_further(world):
    world.submit_ended(50)
    frame = world.history(since=datetime(2024, 2, 2, 20, tzinfo=timezone.utc))
    assert list(frame.index) == [f"t{n}" for n in range(50, 43, -1)]
    # Two are needed, and some were on their way.
    assert told(frame)["requests"] <= 2 + PAGES_AHEAD


def test_refresh_reads_all_anew(world):
    world.submit_ended(20)
    world.history()
    world.tasks["t3"]["estimated_computation_cost"] = 9.0
    assert world.history().loc["t3", "cost_usd"] == 1.0
    frame = world.history(refresh=True)
    assert frame.loc["t3", "cost_usd"] == 9.0
    assert told(frame)["requests"] == 4
    assert told(frame)["kept"] == 0
    assert world.history().loc["t3", "cost_usd"] == 9.0


def test_refresh_of_a_few_keeps_the_others(world):
    world.submit_ended(50)
    world.history()
    world.history(refresh=True, last_n=2)
    assert world.costs() == 1 + ROTATION


def test_what_is_kept_and_fetched_is_told_in_plain_values(world):
    world.submit_ended(50)
    world.history()
    world.submit_ended(2)
    found = told(world.history())
    assert found["kept"] == 52 - (1 + ROTATION) * PER_PAGE
    assert (found["requests"], found["complete"], found["offline"]) == (1 + ROTATION, True, False)
    assert found["service"] == "http://fake"
    plain = (str, int, bool)
    assert all(type(value) in plain for value in found.values())


def test_large_sizes_keep_all_digits(world):
    world.submit_ended(12)
    world.tasks["t2"]["metrics"] = {"output_size_bytes": 2**53 + 1}
    world.history()
    kept = world.history(offline=True)["output_bytes"]
    assert kept["t2"] == 2**53 + 1
    assert kept.drop("t2").isna().all()


# What changes after the end


def test_a_cost_that_comes_a_little_after_the_end_shows(world):
    world.submit()
    world.submit_ended(20)
    world.end(world.alive[0], ago=30)
    world.history()
    world.bill(7.5)
    assert world.history().loc["t1", "cost_usd"] == 7.5


def test_a_task_that_ended_a_while_ago_is_not_asked_for_again(world):
    world.submit()
    world.submit_ended(20)
    world.end(world.alive[0], ago=3600)
    world.history()
    assert world.costs() == 1 + ROTATION


# What has changed from here


def test_metadata_that_is_set_here_shows(world):
    world.submit_ended(50)
    world.history()
    Task("t7", client=world.client).set_metadata({"case": "harbour"})
    assert world.history(metadata=True).loc["t7", "metadata.case"] == "harbour"
    assert world.costs() == 1 + ROTATION


def test_removed_files_show(world):
    world.submit_ended(20)
    world.history()
    world.tasks["t2"].update(storage_path="t2/", metrics={"output_size_bytes": 0})
    Task("t2", client=world.client).remove_remote_files()
    assert world.history().loc["t2", "output_bytes"] == 0


def test_a_change_where_nothing_is_kept_leaves_no_trace(world, cache):
    world.submit_ended(1)
    Task("t1", client=world.client).set_metadata({"a": "b"})
    assert not cache.exists()


# Interrupts and errors


def test_an_interrupt_keeps_what_came_and_says_so(world, capsys):
    world.submit_ended(50)
    world.hooks["GET /tasks"] = lambda: _interrupt(world, 6)
    with pytest.raises(KeyboardInterrupt):
        world.history(progress=False)
    said = capsys.readouterr().err
    assert "tasks are cached. Call again to fetch the rest." in said
    kept = int(said.split(" tasks are cached")[0].split()[-1])
    assert kept >= PER_PAGE
    world.hooks.clear()
    before = len(world.calls)
    assert rows(world.history()) == world.truth()
    assert len(world.calls) - before <= 2 + ROTATION + (50 - kept) // PER_PAGE


def test_first_history_of_a_killed_kernel_keeps_all_but_the_last_few_pages(world, monkeypatch):
    world.submit_ended(400)
    save = HistoryStore.save
    # Pages of this service take no time, in which no share could be spent.
    monkeypatch.setattr(sync, "CHECKPOINT_SHARE", 1e9)

    def die():
        if len(world.calls) == 70:
            # A killed process runs no handler, so nothing is saved at the end.
            monkeypatch.setattr(HistoryStore, "save", lambda *_: None)
            raise SystemExit

    world.hooks["GET /tasks"] = die
    with pytest.raises(SystemExit):
        world.history(progress=False)
    monkeypatch.setattr(HistoryStore, "save", save)
    world.hooks.clear()
    kept = len(world.history(offline=True))
    assert kept >= (70 - PAGES_AHEAD - CHECKPOINT_PAGES) * PER_PAGE
    before = len(world.calls)
    assert rows(world.history()) == world.truth()
    assert len(world.calls) - before <= 2 + ROTATION + (400 - kept) // PER_PAGE


def _interrupt(world, number):
    if len(world.calls) == number:
        raise KeyboardInterrupt


def test_without_the_service_what_is_kept_comes_with_a_warning(world):
    world.submit_ended(20)
    world.submit(1)
    online = world.history()
    world.fail_with = APIConnectionError("http://fake cannot be reached.")
    with pytest.warns(StaleHistoryWarning, match=r"cannot be reached.* as of 20\d\d-") as caught:
        frame = world.history()
    assert caught[0].filename == __file__.replace("test_history", "history_server")
    assert rows(frame) == rows(online)
    assert told(frame)["offline"] is True
    assert told(frame)["complete"] is True
    assert told(frame)["as_of"] == told(online)["as_of"]
    assert told(frame)["kept"] == 21


def test_without_the_service_and_anything_kept_the_error_goes_on(world):
    world.fail_with = APIConnectionError("http://fake cannot be reached.")
    with pytest.raises(APIConnectionError, match="cannot be reached"):
        world.history()


def test_a_refusal_is_no_reason_to_show_what_is_kept(world):
    world.submit_ended(3)
    world.history()
    world.fail_with = APIError("refused", status=403)
    with pytest.raises(APIError, match="refused"):
        world.history()


def test_offline_costs_no_request(world):
    world.submit_ended(20)
    world.history()
    assert world.costs(offline=True) == 0
    assert rows(world.history(offline=True, last_n=3)) == world.truth(last_n=3)


def test_offline_tells_whether_anything_is_missing(world):
    world.submit_ended(40)
    world.history(last_n=7)
    assert told(world.history(offline=True))["complete"] is False
    assert told(world.history(offline=True, last_n=7))["complete"] is True
    assert told(world.history(offline=True, since="2024-02-02T12:00Z"))["complete"] is True


def test_offline_without_anything_kept_says_what_to_do(world):
    with pytest.raises(InputError, match="without offline=True once"):
        world.history(offline=True)


def test_offline_rows_are_no_younger_than_the_oldest_look_at_a_live_task(world):
    world.submit(1)
    world.submit_ended(20)
    first = told(world.history())["as_of"]
    world.clock_skew = 3600.0
    world.history(last_n=2)
    assert told(world.history(offline=True))["as_of"] == first
    world.history()
    assert told(world.history(offline=True))["as_of"] > first


def test_clear_removes_what_is_kept_of_this_account_alone(world):
    other = World()
    other.settings = other.settings.__class__("http://other", Secret("key"), "http://other")
    for each in (world, other):
        each.submit_ended(20)
        each.history()
    tasks.clear_history(client=world.client)
    tasks.clear_history(client=world.client)
    assert other.costs() == 1 + ROTATION
    assert world.costs() == 4


# Another listing under the same name


def test_a_server_that_begins_anew_with_the_same_ids_is_noticed(world):
    world.submit_ended(20)
    world.history()
    for task in world.tasks.values():
        task["create_time"] = task["create_time"].replace("2024", "2025")
    frame = world.history()
    assert set(frame["created"].dt.year) == {2025}


def test_the_embedded_server_is_known_by_its_key_whatever_its_port(world):
    kind = type(world.settings)
    world.submit_ended(20)
    world.settings = kind("http://127.0.0.1:1", Secret("key"), "http://127.0.0.1:1", is_local=True)
    world.history()
    world.settings = kind("http://127.0.0.1:2", Secret("key"), "http://127.0.0.1:2", is_local=True)
    assert world.costs() == 1 + ROTATION
    other = Secret("another")
    world.settings = kind("http://127.0.0.1:2", other, "http://127.0.0.1:2", is_local=True)
    assert world.costs() == 4


# Arguments


@pytest.mark.parametrize("last_n", [0, -1, 1.5, "3", True])
def test_a_bad_count_is_refused(world, last_n):
    with pytest.raises(InputError, match="last_n"):
        world.history(last_n=last_n)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"status": "done"}, "Did you mean 'success'\\? Expected one of: pending-input, submitted"),
        ({"project": 3}, "`project` must be a text"),
        ({"columns": ["statsu"]}, "Did you mean 'status'"),
        ({"since": "soon"}, "`since` must be a date or time .* got 'soon'"),
        ({"until": "5"}, "`until` must be a date or time"),
        ({"since": "3 fortnights"}, "`since` must be a date or time"),
        ({"since": "2024-13-01"}, "`since` must be a date or time"),
        ({"since": 7}, "`since` must be a date or time"),
        ({"since": timedelta.max}, "`since` must be a date or time"),
        ({"since": "2024-02-02", "until": "2024-02-01"}, "must be before"),
        ({"refresh": True, "offline": True}, "choose one"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_asked(world, options, message):
    with pytest.raises(InputError, match=message):
        world.history(**options)
    assert not world.calls


@pytest.mark.parametrize(
    "since",
    [
        "2024-02-02T00:00Z",
        "2024-02-02",
        "2024-02-02T01:00+01:00",
        date(2024, 2, 2),
        datetime(2024, 2, 2),
        datetime(2024, 2, 2, tzinfo=timezone.utc),
        pd.Timestamp("2024-02-02", tz="UTC"),
    ],
)
def test_times_may_be_given_in_many_ways(world, since):
    world.submit_ended(30)
    assert list(world.history(since=since).index) == [
        "t30",
        "t29",
        "t28",
        "t27",
        "t26",
        "t25",
        "t24",
    ]
    assert len(world.history(until=since)) == 23


@pytest.mark.parametrize("ago", ["2d", "2 days", "48h", "48 H", timedelta(days=2), "2880min"])
def test_spans_are_so_long_ago(world, ago):
    world.submit_ended(2)
    created = datetime.now(timezone.utc) - timedelta(days=1)
    world.tasks["t2"]["create_time"] = created.isoformat()
    assert list(world.history(since=ago).index) == ["t2"]


def test_filters_apply_together(world):
    world.submit_ended(20)
    world.submit(5)
    found = world.history(status="computation-started", project="odd", simulator="splishsplash")
    assert list(found.index) == ["t25", "t23", "t21"]
    assert len(world.history(simulator="reef3d")) == 0


def test_no_task_at_all_has_the_same_columns(world):
    empty = world.history()
    world.submit_ended(1)
    assert list(empty.columns) == list(world.history().columns)
    assert len(empty) == 0
    assert world.costs() == 1


def test_a_frame_may_be_written_to(world):
    world.submit_ended(20)
    world.history()
    for frame in (world.history(), world.history(offline=True), world.history(last_n=2)):
        frame.loc["t20", "cost_usd"] = 5.0
        frame["retries"] += 1
        assert frame.loc["t20", "cost_usd"] == 5.0


def test_nothing_is_warned_of_when_all_is_well(world):
    world.submit_ended(20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        world.history()
        world.history()


# As the service tells it


def test_raw_values_are_the_services_own_for_the_tasks_that_are_wanted(world):
    world.submit_ended(50)
    raw = world.history(raw=True, columns=["status", "create_time"], last_n=12, since="2000-01-01")
    assert list(raw.index) == list(world.history(last_n=12).index)
    assert list(raw.columns) == ["status", "create_time"]
    assert set(map(type, raw["create_time"])) == {datetime}
    assert told(raw)["service"] == told(world.history())["service"]


def test_raw_values_are_as_many_as_asked_for_over_several_looks(world, monkeypatch):
    monkeypatch.setattr(listing, "MAX_PER_PAGE", 5)
    world.submit_ended(20)
    raw = world.history(raw=True, last_n=7, since="2000-01-01")
    assert list(raw.index) == [f"t{number}" for number in range(20, 13, -1)]


def test_raw_values_are_not_kept(world):
    world.submit_ended(5)
    world.history(raw=True)
    before = len(world.calls)
    world.history(raw=True)
    assert len(world.calls) > before
    with pytest.raises(InputError, match="not kept"):
        world.history(raw=True, offline=True)


def test_raw_columns_that_are_not_there_are_refused_before_anything_is_fetched(world):
    before = len(world.calls)
    with pytest.raises(InputError, match="'cost_usd'"):
        world.history(raw=True, columns=["cost_usd"])
    assert len(world.calls) == before


def test_history_tells_whether_its_tasks_are_made_up(world):
    world.submit_ended(2)
    assert told(world.history())["demo"] is False
    for task in world.tasks.values():
        task["task_metadata"] = {"inductiva-widgets.data": "DEMO"}
    assert told(world.history(refresh=True))["demo"] is True
