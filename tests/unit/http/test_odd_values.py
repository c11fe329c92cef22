"""A service with odd values: each listing stays readable, and says what it could not read."""

from __future__ import annotations

import warnings
from datetime import datetime, timezone

import pytest

from inductiva_widgets import errors, tasks
from inductiva_widgets._secret import Secret
from inductiva_widgets.config import Settings
from inductiva_widgets.http.client import Client
from inductiva_widgets.http.transport import Transport
from tests.task_service import task_service
from tests.unit.conftest import wire_task

_NOON = datetime(2024, 2, 1, 12, tzinfo=timezone.utc)


def _client(proxy) -> Client:
    return Client(Transport(Settings(proxy.url, Secret("key"), proxy.url)))


def _read(**fields):
    """Return the task with these fields from a listing with a usual task, and the warnings."""
    listed = {"odd": wire_task("odd", **fields), "usual": wire_task("usual")}
    with task_service(listed) as proxy, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client = _client(proxy)
        found = tasks.get_all(client=client)
        assert [task.id for task in found] == ["odd", "usual"]
        assert len(tasks.history(client=client, progress=False)) == 2
        detail = client.get_task("odd")
    listed_info = found[0].info
    assert detail.end_time == listed_info.end_time
    return listed_info, [str(one.message) for one in caught]


@pytest.mark.parametrize(
    ("field", "given", "read"),
    [
        ("end_time", "2024-02-01T12:00:00", _NOON),
        ("end_time", "2024-02-01T11:59:60Z", _NOON),
        ("end_time", "", None),
        ("num_retries", 1.0, 1),
        ("num_retries", "2", 2),
        ("num_retries", str(2**53 + 1), 2**53 + 1),
        ("estimated_computation_cost", "1.25", 1.25),
        ("estimated_computation_cost", float("nan"), None),
        (
            "task_metadata",
            {"n": 3, "x": 0.5, "gone": None, "b": True},
            {"n": "3", "x": "0.5", "b": "true"},
        ),
        ("is_terminated", "true", True),
        ("project", "half \ud800 pair", "half � pair"),
    ],
)
def test_odd_value_with_a_certain_meaning_is_read_without_a_warning(field, given, read):
    info, said = _read(**{field: given})
    assert getattr(info, field) == read
    assert said == []


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("end_time", "2024-02-01"),
        ("end_time", "yesterday"),
        ("end_time", 1706788800),
        ("end_time", "0001-01-01T00:00:00+14:00"),
        ("end_time", "9999-12-31T23:59:59-12:00"),
        ("end_time", "12024-02-01T12:00:00Z"),
        ("num_retries", 1.5),
        ("num_retries", 10**30),
        ("num_retries", -(2**63)),
        ("num_retries", 2.0**53),
        ("estimated_computation_cost", "a lot"),
        ("estimated_computation_cost", float("inf")),
        ("executer", "a machine"),
        ("simulator", ["swmm"]),
    ],
)
def test_odd_value_without_a_certain_meaning_is_missing_with_a_warning(field, given):
    info, said = _read(**{field: given})
    assert getattr(info, field) is None
    assert said
    assert all(f"{field} of odd" in text and "INDUCTIVA_API_URL" not in text for text in said)


def test_odd_sizes_are_read_in_a_nested_value():
    metrics = {"output_size_bytes": 1000.0, "output_total_files": "many", "total_seconds": "3.5"}
    info, said = _read(metrics=metrics)
    assert info.metrics.output_size_bytes == 1000
    assert info.metrics.total_seconds == 3.5
    assert info.metrics.output_total_files is None
    assert all("metrics.output_total_files of odd" in text for text in said)


@pytest.mark.parametrize("status", [None, 7])
def test_task_without_a_readable_status_is_listed_as_unknown(status):
    info, _ = _read(status=status)
    assert str(info.status) == "unknown"


def test_several_odd_values_in_a_response_give_one_warning():
    listed = {f"t{n}": wire_task(f"t{n}", end_time="odd") for n in range(5)}
    with task_service(listed) as proxy, pytest.warns(errors.OddValueWarning) as caught:
        tasks.get_all(client=_client(proxy))
    assert len(caught) == 1
    assert "end_time of t0" in str(caught[0].message)
    assert "and 4 more" in str(caught[0].message)


def test_response_of_another_shape_does_not_blame_the_address():
    with (
        task_service({"t": wire_task("t")}) as proxy,
        pytest.raises(errors.UnexpectedResponseError) as caught,
    ):
        # The detail of a task is no listing.
        _client(proxy).transport.call("GET", "/tasks/t", answer=list[str])
    assert "INDUCTIVA_API_URL" not in str(caught.value)
