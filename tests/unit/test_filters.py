"""Filters of tasks, and the requests of a filtered listing."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from inductiva_widgets import Status, tasks
from inductiva_widgets.cli.main import main
from inductiva_widgets.errors import InputError
from inductiva_widgets.filters import TaskFilters
from inductiva_widgets.frames import read
from tests.unit.conftest import at, wire_task


@pytest.fixture
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def many(service, monkeypatch):
    """1,600 tasks, newest first, a minute apart; every 400th is killed."""
    client = service(
        *(
            wire_task(
                f"t{i}",
                "failed" if i % 2 else "success" if i % 400 else "killed",
                simulator=("swmm", "openfoam", "reef3d")[i % 3],
                project=("a", "b", "a, b")[i % 3],
                create_time=at(-60 * i),
            )
            for i in range(1600)
        )
    )
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
    return client


def ids(found):
    return [task.id for task in found]


# Values


@pytest.mark.parametrize(
    "given",
    [
        ["failed", "killed"],
        ("failed", "killed", "failed"),
        np.array(["failed", "killed"]),
        pd.Series(["failed", "killed"]),
        pd.Index(["failed", "killed"]),
        pd.Categorical(["failed", "killed"]).categories,
        [np.str_("failed"), Status.KILLED],
        iter(["failed", "killed"]),
    ],
    ids=lambda given: type(given).__name__,
)
def test_status_may_be_any_list_of_texts(given):
    found = TaskFilters.parse(status=given).status
    assert found == ("failed", "killed")
    assert [type(code) for code in found] == [str, str]


@pytest.mark.parametrize("name", ["status", "project", "simulator"])
@pytest.mark.parametrize("missing", [pd.NA, pd.NaT, float("nan"), np.float64("nan")], ids=repr)
def test_missing_values_are_refused_with_a_fix(name, missing):
    for given in (missing, ["failed", missing]):
        with pytest.raises(InputError, match=rf"`{name}` must not have missing values.*dropna"):
            TaskFilters.parse(**{name: given})


@pytest.mark.parametrize("given", [7, np.int64(7), b"a", {"a": 1}, [1]], ids=repr)
def test_values_that_are_no_texts_are_refused(given):
    with pytest.raises(InputError, match="`project` must be a text or several texts, got"):
        TaskFilters.parse(project=given)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("sucess", "success"),
        ("Success", "success"),
        ("fialed", "failed"),
        ("computation_started", "computation-started"),
        ("computaton-started", "computation-started"),
        ("In Queue", "submitted"),
        ("running", "computation-started"),
        ("cancelled", "killed"),
    ],
)
def test_typo_of_a_status_is_refused_with_the_nearest_name(given, meant, service):
    client = service()
    for call in (
        lambda: tasks.get(status=given, client=client),
        lambda: tasks.get_all(status=["killed", given], client=client),
        lambda: tasks.history(status=given, client=client),
    ):
        with pytest.raises(InputError, match=f"got '{given}'. Did you mean '{meant}'"):
            call()
    assert client.transport.calls == []


def test_texts_with_a_comma_are_refused_with_the_list_to_pass():
    with pytest.raises(InputError, match=r"Pass several as a list: \['failed', 'killed'\]"):
        TaskFilters.parse(status="failed, killed")


@pytest.mark.parametrize("code", ["teleported", "computation-paused", "executer-ended-by-quota"])
def test_new_status_of_the_service_is_a_filter(code, service):
    client = service(wire_task("a", code), wire_task("b"))
    assert ids(tasks.get(status=code, client=client)) == ["a"]
    assert list(tasks.history(status=code, client=client).index) == ["a"]
    # A service may refuse a code that it does not know, so it does not get the filter.
    assert {call[2].get("status") for call in client.transport.calls} == {None}


@pytest.mark.parametrize("way", ["listing", "frame", "file"])
def test_new_status_that_looks_like_a_typo_is_a_filter_once_it_was_seen(way, service, tmp_path):
    code = f"failed{len(way)}"
    with pytest.raises(InputError, match="Did you mean 'failed'"):
        TaskFilters.parse(status=code)
    if way == "listing":
        tasks.get(client=service(wire_task("a", code)))
    elif way == "frame":
        (tmp_path / "a.csv").write_text(f"task_id,status\na,{code}\n")
        read(tmp_path / "a.csv")
    else:
        tasks.get(client=service(wire_task("a", code))).to_frame()
    assert TaskFilters.parse(status=code).status == (code,)


# Times


@pytest.mark.parametrize(
    "since",
    [
        "2026-01-31",
        "2026-01-31T00:00",
        "2026-01-30T23:00Z",
        date(2026, 1, 31),
        datetime(2026, 1, 31),
        pd.Timestamp("2026-01-31"),
        pd.Timestamp("2026-01-30T23:00Z"),
        pd.Timestamp("2026-01-31", tz="Europe/Berlin"),
        np.datetime64("2026-01-31"),
    ],
    ids=repr,
)
@pytest.mark.usefixtures("berlin")
def test_times_without_a_zone_are_local(since):
    assert TaskFilters.parse(since=since).since == datetime(2026, 1, 30, 23, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "since",
    ["36h", "1.5 days", timedelta(hours=36), pd.Timedelta("36h"), np.timedelta64(36, "h")],
    ids=repr,
)
def test_durations_are_before_now(since):
    found = TaskFilters.parse(since=since).since
    ago = datetime.now(timezone.utc) - found
    assert timedelta(hours=36) <= ago < timedelta(hours=36, minutes=1)


def test_weeks_may_be_written_out():
    two = TaskFilters.parse(since="2 weeks", until="1 week")
    assert two.until - two.since == timedelta(weeks=1)


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("given", [pd.NaT, pd.NA, np.datetime64("NaT"), "x", 5, "5"], ids=repr)
def test_what_is_no_time_is_refused(name, given):
    with pytest.raises(InputError, match=f"`{name}` must be a date or time"):
        TaskFilters.parse(**{name: given})


# Listings


@pytest.mark.parametrize(
    "call", ["get", "get_all", "get_tasks", "filter", "history", "raw", "export"]
)
def test_every_listing_takes_the_same_filters(call, many, tmp_path):
    filters = {
        "status": ["killed", "success"],
        "simulator": ["swmm", "reef3d"],
        "project": ["a, b", "a"],
        "since": at(-60 * 1000),
        "until": pd.Timestamp(at(-60 * 395)),
    }
    expected = [f"t{i}" for i in range(396, 1001) if i % 2 == 0 and i % 3 in (0, 2)]
    if call == "filter":
        found = ids(tasks.get_all(client=many).filter(**filters))
    elif call == "history":
        found = list(tasks.history(**filters, client=many).index)
    elif call == "raw":
        found = list(tasks.history(**filters, raw=True, client=many).index)
    elif call == "export":
        options = ["--status", "killed, success", "--simulator", "swmm,reef3d", "--project", "a"]
        options += ["--project", '"a, b"', "--since", filters["since"]]
        options += ["--until", filters["until"].isoformat()]
        path = tmp_path / "found.csv"
        done = CliRunner().invoke(main, ["tasks", "export", str(path), *options])
        assert done.exit_code == 0, done.output
        found = list(read(path).index)
    else:
        found = ids(getattr(tasks, call)(**filters, client=many))
    assert found == expected


def pages(client):
    return sorted(params["page"] for _, _, params, _ in client.transport.calls)


def test_service_applies_one_status_and_one_project(many):
    assert len(tasks.get_all(["failed"], np.str_("b"), client=many)) == 267
    assert pages(many) == [1]
    assert many.transport.calls[0][2]["status"] == "failed"
    assert many.transport.calls[0][2]["project"] == "b"


def test_several_live_statuses_are_asked_of_the_active_tasks_alone(many):
    waiting = [wire_task("w1", "submitted"), wire_task("w2", "started")]
    many.transport.tasks |= {task["task_id"]: task for task in waiting}
    assert ids(tasks.get_all(["submitted", "started"], client=many)) == ["w1", "w2"]
    assert pages(many) == [1]


def test_since_requests_no_older_page(many):
    assert len(tasks.get(since=at(-60 * 99), client=many)) == 100
    assert pages(many) == [1]
    many.transport.calls.clear()
    assert len(tasks.get_all(since=at(-60 * 700), client=many)) == 701
    assert pages(many) == [1, 2, 3]


def test_filter_of_this_machine_requests_pages_until_enough_match(many):
    assert ids(tasks.get(2, simulator="swmm", client=many)) == ["t0", "t3"]
    assert pages(many) == [1]
    many.transport.calls.clear()
    assert ids(tasks.get(3, ["killed", "zombie"], client=many)) == ["t0", "t400", "t800"]
    # As many pages ahead as were read before.
    assert pages(many) == [1, 2, 3]


def test_no_accepted_value_matches_no_task_without_a_request(many):
    assert len(tasks.get_all(status=[], client=many)) == 0
    assert many.transport.calls == []
    assert len(tasks.history(project=[], client=many)) == 0


def test_get_without_a_number_has_five_or_all_since(many):
    assert len(tasks.get(client=many)) == 5
    assert len(tasks.get_tasks(client=many)) == 10
    assert len(tasks.get(since=at(-60 * 20), client=many)) == 21
    assert len(tasks.get_tasks(since=at(-60 * 20), client=many)) == 21
    assert len(tasks.get(7, since=at(-60 * 20), client=many)) == 7


def test_number_may_be_one_of_numpy(many):
    assert len(tasks.get(np.int64(3), client=many)) == 3
    assert len(tasks.get_tasks(np.int32(0), status="killed", client=many)) == 4
    assert len(tasks.history(np.int64(3), client=many)) == 3
    for given in (np.float64(3), np.bool_(True), pd.NA):
        with pytest.raises(InputError, match="`last_n` must be a whole number"):
            tasks.get(given, client=many)


def test_list_command_takes_the_filters(many):
    def lines(*options):
        done = CliRunner().invoke(main, ["tasks", "list", *options])
        assert done.exit_code in (0, 1), done.output
        return [line.split()[0] for line in done.stdout.splitlines()[2:] if line.strip()]

    assert lines("--status", "killed,zombie", "-n", "2") == ["t0", "t400"]
    assert lines("--since", at(-60 * 6), "--until", at(-60)) == [f"t{i}" for i in range(2, 7)]
    assert len(lines("--since", at(-60 * 20), "--simulator", "swmm")) == 7
    assert lines("--project", "b", "--project", '"a, b"', "-n", "2") == ["t1", "t2"]
    done = CliRunner().invoke(main, ["tasks", "list", "--status", ""])
    assert "must be the code of a status" in str(done.exception)
