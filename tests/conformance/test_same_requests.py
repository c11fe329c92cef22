"""Our client asks the service for the same things as the vendor's client, or for fewer.

Every difference is in `DECLARED`, with its reason. The test fails on one that is not there, and on
one that is there and no longer occurs. `python -m tests.conformance.table` shows the table.
"""

import pytest

from tests.conformance.comparison import POLLING, Difference, comparable, differences
from tests.conformance.measure import measure
from tests.conformance.recorder import Recorded

_FRESH = "an import is silent and free; a wrong key or version shows at the first call"
_ONE_LOOK = "the detail of the task has its status too"

# Operation, request, what differs, the vendor's, ours: reason.
DECLARED: dict[tuple[str, str, str, str, str], str] = {
    ("import", "GET /version-check", "requests", "1", "0"): _FRESH,
    ("import", "GET /users/info", "requests", "1", "0"): _FRESH,
    ("import", "GET /users/costs", "requests", "1", "0"): _FRESH,
    ("import", "GET /users/fees", "requests", "1", "0"): _FRESH,
    ("import", "GET /users/quotas", "requests", "1", "0"): _FRESH,
    ("list all tasks", "GET /tasks", "requests", "2", "1"): (
        "a page that is not full is the last; no empty one is fetched"
    ),
    ("submit a simulation", "GET /compute/group/local", "requests", "1", "0"): (
        "groups are found in the list of active ones, by name or id"
    ),
    ("submit a simulation", "GET /compute/groups", "requests", "0", "1"): (
        "the list also serves run() without a group"
    ),
    ("submit a simulation", "GET /tasks/{id}/status", "requests", "1", "0"): (
        "the place in the queue is asked for when somebody wants it"
    ),
    (
        "submit a simulation",
        "POST /tasks/submit",
        "body extra_params submission_id",
        "absent",
        '"{id}"',
    ): "the task is found by it if the answer is lost; machines ignore unknown parameters",
    ("wait to success", "GET /tasks/{id}/status", "requests", "0", "1"): (
        "polls the short answer, and the detail only when the status has changed"
    ),
    ("wait to success", "HEAD /signed/{id}/output.zip", "requests", "1", "0"): (
        "the first range tells the size"
    ),
    ("list the outputs", "GET /storage/zip-contents", "query recursive", "false", "true"): (
        "files in folders are listed too"
    ),
    ("download all outputs", "GET /tasks/{id}/status", "requests", "1", "0"): _ONE_LOOK,
    ("download all outputs", "GET /signed/{id}/output.zip", "requests", "1", "0"): (
        "ranges instead, each checked, resumable, in parallel where it pays"
    ),
    ("download all outputs", "GET /signed/{id}/output.zip (a range)", "requests", "0", "2"): (
        "the directory, then the members"
    ),
    ("download two of the outputs", "GET /tasks/{id}/status", "requests", "1", "0"): _ONE_LOOK,
    ("download two of the outputs", "HEAD /signed/{id}/output.zip", "requests", "1", "0"): (
        "the first range tells the size"
    ),
    (
        "download two of the outputs",
        "GET /signed/{id}/output.zip (a range)",
        "requests",
        "5",
        "3",
    ): "one for the directory, one for each file that does not lie beside another",
}


@pytest.fixture(scope="session")
def measured(served, programs, tmp_path_factory):
    return measure(served, programs, tmp_path_factory.mktemp("same"))


@pytest.fixture(scope="session")
def found(measured):
    return {
        difference
        for operation, (vendor, ours) in measured.items()
        for difference in differences(operation, vendor, ours)
    }


def test_every_difference_is_declared(found):
    undeclared = found - {Difference(*row) for row in DECLARED}
    assert not undeclared, "\n".join(map(str, sorted(undeclared, key=str)))


def test_every_declared_difference_still_occurs(found):
    # How often a client polls depends on how long the task takes on this machine.
    declared = {Difference(*row) for row in DECLARED if row[0] not in POLLING}
    gone = declared - found
    assert not gone, "\n".join(map(str, sorted(gone, key=str)))


def test_both_clients_did_every_operation(measured):
    silent = [name for name, (vendor, ours) in measured.items() if not vendor or not ours]
    assert silent == ["import"]
    assert len(measured) == 13


def test_keys_go_to_the_service_alone(measured):
    for vendor, ours in measured.values():
        for request in [*vendor, *ours]:
            expected = "/signed/" not in request.what and not request.what.endswith(
                ("/version-check", "/simulators/available-images")
            )
            assert (request.fields["key"] == "sent") == expected, request


def _recorded(method="GET", path="/tasks", query=(), body=b"", operation="list 3 tasks"):
    kind = "application/json" if body else ""
    return Recorded(operation, method, path, query, body, kind, False, True, "", "agent", 200)


def _differences(vendor, ours):
    operation = vendor[0].operation
    return differences(operation, comparable(vendor)[operation], comparable(ours)[operation])


def test_comparison_sees_another_query_value_and_another_body_value():
    (query,) = _differences(
        [_recorded(query=(("page", "1"),))], [_recorded(query=(("page", "2"),))]
    )
    assert (query.what, query.vendor, query.ours) == ("query page", "1", "2")
    (body,) = _differences([_recorded(body=b'{"a": [1, 2]}')], [_recorded(body=b'{"a": [1, 3]}')])
    assert (body.what, body.vendor, body.ours) == ("body a[1]", "2", "3")


def test_comparison_sees_more_requests_of_one_kind_and_in_all():
    found = _differences([_recorded()], [_recorded(), _recorded()])
    assert [(one.request, one.what) for one in found] == [
        ("GET /tasks", "requests"),
        ("all", "more requests"),
    ]


def test_comparison_takes_ids_for_equal_and_repeated_polls_for_one():
    one, other = ({"operation": "wait to success", "path": f"/tasks/{25 * c}"} for c in "ab")
    assert not _differences([_recorded(**one), _recorded(**one)], [_recorded(**other)])
