"""The wire contract, call by call: codes of success, shapes of answers, and what is refused how."""

from __future__ import annotations

import http.client

import pytest

TEXT = {"a": "1"}


@pytest.fixture(scope="module")
def task_id(shared):
    """Return a task that waits for its input."""
    return shared.submit("python x.py")


def mistakes(shared, method, path, **more):
    return shared.call(method, path, 422, **more)["detail"]


# Projects ----------------------------------------------------------------------------------------


def test_project_metadata_is_replaced_merged_and_told(shared):
    shared.call("POST", "/projects", json={"name": "noted", "project_type": "project"})
    path = "/projects/noted/metadata"
    assert shared.get(path) == {}
    assert shared.call("PUT", path, json={"a": "1", "b": "2"}) == {"a": "1", "b": "2"}
    shared.call("PATCH", path, json={"b": "3"})
    assert shared.get(path) == {"a": "1", "b": "3"}
    assert shared.get("/projects/noted")["project_metadata"] == {"a": "1", "b": "3"}
    for method in ("GET", "PUT", "PATCH"):
        refused = shared.call(method, "/projects/none/metadata", 404, json=TEXT)
        assert "no project 'none'" in refused["detail"]
    shared.call("DELETE", "/projects?project_name=noted", 202)
    shared.call("POST", "/projects", json={"name": "noted"})
    assert shared.get(path) == {}


@pytest.mark.parametrize("name", ["a/b", "a/metadata", "x/task/y/add", "100%", "größe", " ", "?#"])
def test_project_may_have_any_name(shared, name):
    from urllib.parse import quote

    shared.call("POST", "/projects", json={"name": name})
    path = f"/projects/{quote(name, safe='')}"
    assert shared.get(path)["name"] == name
    shared.call("PUT", f"{path}/metadata", json={"of": name})
    assert shared.get(f"{path}/metadata") == {"of": name}
    assert shared.get(f"{path}/tasks_info") == []
    shared.call("DELETE", "/projects", 202, params={"project_name": name})
    shared.get(path, 404)


def test_tasks_go_in_and_out_of_projects(shared):
    task = shared.submit("python x.py")
    shared.call("POST", "/projects", json={"name": "one"})
    shared.call("POST", "/projects", json={"name": "two"})
    for name in ("one", "two"):
        shared.call("POST", f"/projects/{name}/task/{task}/add")
        assert shared.get(f"/tasks/{task}")["project"] == name
        [listed] = shared.get("/tasks", project=name)["tasks"]
        assert listed["task_id"] == task
    assert shared.get("/projects/one")["num_tasks"] == 0
    shared.call("POST", f"/projects/one/task/{task}/remove", 404)
    shared.call("POST", f"/projects/two/task/{task}/remove")
    assert shared.get(f"/tasks/{task}")["project"] == "default"
    shared.call("POST", "/projects/one/task/none/add", 404)
    shared.call("POST", f"/projects/none/task/{task}/add", 404)


def test_tasks_of_a_deleted_project_go_to_the_default_one(shared):
    shared.call("POST", "/projects", json={"name": "short-lived"})
    task = shared.submit("python x.py", project="short-lived")
    assert shared.get("/projects/short-lived")["task_status_overview"] == {"pending-input": 1}
    shared.call("DELETE", "/projects?project_name=short-lived", 202)
    assert shared.get(f"/tasks/{task}")["project"] == "default"
    shared.get("/projects/short-lived", 404)


def test_tasks_info_has_one_flat_row_per_task(shared):
    shared.call("POST", "/projects", json={"name": "bench", "project_type": "benchmark"})
    tasks = [shared.submit("python x.py", project="bench") for _ in range(2)]
    shared.call("PUT", f"/tasks/{tasks[0]}/metadata", json={"mesh": "fine"})
    rows = shared.get("/projects/bench/tasks_info", select="all")
    assert {row["task_id"] for row in rows} == set(tasks)
    assert rows[0].keys() == rows[1].keys()
    assert not any(isinstance(value, dict | list) for row in rows for value in row.values())
    distinct = shared.get("/projects/bench/tasks_info", select="distinct")
    assert "simulator" not in distinct[0]
    assert {row["metadata.mesh"] for row in distinct} == {"fine", None}
    assert shared.get("/projects/bench/tasks_info", status="success") == []
    [wrong] = mistakes(shared, "GET", "/projects/bench/tasks_info?status=great")
    assert wrong["loc"] == ["query", "status"]


def test_projects_are_paged_and_chosen_by_type(shared):
    for name in ("p1", "p2"):
        shared.call("POST", "/projects", json={"name": name, "project_type": "benchmark"})
    names = [one["name"] for one in shared.get("/projects", project_type="benchmark")]
    assert {"p1", "p2"} <= set(names)
    assert "default" not in names
    first = shared.get("/projects", per_page=1)
    second = shared.get("/projects", per_page=1, page=2)
    assert (len(first), len(second)) == (1, 1)
    assert first != second
    assert shared.get("/projects", per_page=100, page=50) == []


# Machine groups and the account ------------------------------------------------------------------


def test_group_is_shared_on_paper(shared):
    group = shared.call("POST", "/compute/group", 201, json={"machine_type": "c2-standard-4"})
    assert group["sharing_level"] == "private"
    path = f"/compute/group/{group['id']}/sharing"
    assert shared.call("PUT", f"{path}?sharing_level=organization", 204) is None
    assert shared.get(f"/compute/group/{group['name']}")["sharing_level"] == "organization"
    mistakes(shared, "PUT", f"{path}?sharing_level=everybody")
    shared.call("PUT", "/compute/group/none/sharing?sharing_level=public", 404)
    shared.call("DELETE", f"/compute/group?machine_group_id={group['id']}", 202)


def test_history_is_filtered_by_time_and_provider(shared):
    made = shared.call("POST", "/compute/group", 201, json={"machine_type": "c2-standard-4"})
    created = made["creation_timestamp"]

    def listed(**query):
        return [one["id"] for one in shared.get("/compute/groups/history", **query)]

    assert made["id"] in listed()
    assert made["id"] not in listed(created_after=created)
    assert made["id"] not in listed(created_before=created)
    assert made["id"] in listed(created_after="2020-01-01T00:00:00+00:00")
    assert made["id"] in listed(provider_id="GCP")
    assert made["id"] not in listed(provider_id="LOCAL")
    assert listed(page=10**9, per_page=500) == []
    mistakes(shared, "GET", "/compute/groups/history?created_after=2020-01-01T00:00:00")


def test_catalogue_has_this_machine(shared):
    [one] = shared.get("/compute/machine_types", provider_id="GCP", machine_families=["c2", "c3"])
    assert (one["machine_type"], one["price"]) == ("local", 0.0)
    assert isinstance(one["num_vcpus"], int)


def test_costs_have_one_item_per_month(shared):
    asked = {"start_year": 2023, "start_month": 11, "end_year": 2024, "end_month": 2}
    months = [cost["month"] for cost in shared.get("/users/costs", **asked)["costs"]]
    assert months == ["2023-11", "2023-12", "2024-01", "2024-02"]
    [wrong] = mistakes(shared, "GET", "/users/costs?start_year=2024&start_month=2&end_year=2023")
    assert "in order" in wrong["msg"]


# Strictness --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/tasks", "/projects", "/storage/contents", "/compute/groups/history", "/compute/price"],
)
def test_unknown_parameters_are_told_and_which_there_are(shared, path):
    [wrong] = mistakes(shared, "GET", f"{path}?per_pgae=5")
    assert wrong["loc"] == ["query", "per_pgae"]
    assert wrong["type"] == "extra_forbidden"
    assert "there are: " in wrong["msg"]


@pytest.mark.parametrize(
    "query", ["active=null", "page=null", "page=1e99", "page=99999999999999999999", "per_page="]
)
def test_values_that_only_look_right_are_refused(shared, query):
    [wrong] = mistakes(shared, "GET", f"/tasks?{query}")
    assert wrong["loc"] == ["query", query.partition("=")[0]]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/tasks/submit", {"simulator": "x"}),
        ("POST", "/projects", {"name": "x"}),
        ("POST", "/compute/group", {"machine_type": "x"}),
        ("POST", "/tasks/{id}/offer", {"sender_id": "x"}),
    ],
)
def test_unknown_fields_of_bodies_are_told(shared, task_id, method, path, body):
    if path == "/tasks/submit":
        body = shared.submission(["python x.py"])
    found = mistakes(shared, method, path.format(id=task_id), json={**body, "colour": "red"})
    assert found == [
        {
            "loc": ["body", "colour"],
            "msg": "Object contains unknown field `colour`",
            "type": "extra_forbidden",
        }
    ]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"simulator": 1}, ["simulator"]),
        ({"resource_pool": None}, ["resource_pool"]),
        ({"stream_zip": "yes"}, ["stream_zip"]),
        ({"stream_zip": 1}, ["stream_zip"]),
        ({"resubmit_on_preemption": None}, ["resubmit_on_preemption"]),
        ({"input_resources": "a.txt"}, ["input_resources"]),
        ({"input_resources": [1]}, ["input_resources"]),
        ({"time_to_live_seconds": "60"}, ["time_to_live_seconds"]),
        ({"time_to_live_seconds": True}, ["time_to_live_seconds"]),
        ({"extra_params": []}, ["extra_params"]),
        ({"project": 5}, ["project"]),
    ],
)
def test_fields_of_a_submission_have_their_types(shared, change, place):
    body = shared.submission(["python x.py"]) | change
    [wrong] = mistakes(shared, "POST", "/tasks/submit", json=body)
    assert wrong["loc"][: 1 + len(place)] == ["body", *place]
    assert wrong["msg"].startswith("Expected")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff",
        b'{"a": "\\ud800"}',
        b'{"a": 1}',
        b'{"a": ""}',
        b'{"": "a"}',
        b"[" * 100_000,
        b'{"a": ' * 5_000 + b"1" + b"}" * 5_000,
    ],
    ids=lambda content: repr(content[:12]),
)
def test_bodies_that_are_no_metadata_are_refused(shared, task_id, content):
    for path in (f"/tasks/{task_id}/metadata", "/projects/default/metadata"):
        for found in (mistakes(shared, "PUT", path, data=content),):
            assert found[0]["loc"][0] == "body"
            assert found[0]["msg"]


@pytest.mark.parametrize(
    "value", ["9" * 5000, "1e400", "-0", "[" * 2000 + "]" * 2000, '"\\u0000"'], ids=range(5)
)
def test_whatever_is_in_extra_params_is_no_failure_of_the_server(shared, value):
    commands = '{"commands": [{"cmd": "python x.py", "prompts": []}], "other": ' + value + "}"
    body = (
        '{"simulator": "arbitrary_commands", "resource_pool": "local",'
        f' "container_image": "x", "extra_params": {commands}}}'
    )
    response = shared.session.post(f"{shared.url}/tasks/submit", data=body.encode(), timeout=30)
    assert response.status_code in {202, 422}, response.text
    if response.status_code == 202:
        task = response.json()["id"]
        assert shared.get(f"/tasks/{task}")["task_id"] == task
        shared.call("POST", f"/tasks/{task}/kill")


# Paths and methods -------------------------------------------------------------------------------


def test_refused_method_is_told_the_others(shared):
    response = shared.session.request("PATCH", f"{shared.url}/projects", timeout=30)
    assert response.status_code == 405
    assert response.headers["allow"] == "DELETE, GET, HEAD, POST"
    assert response.json()["detail"].startswith("/projects does not answer to PATCH")


@pytest.mark.parametrize(
    "path",
    ["/%2e%2e/api_key", "/tasks/..%2f..%2fapi_key", "/tasks//", "//tasks", "/signed/../tasks"],
)
def test_paths_are_taken_as_they_are_sent(shared, path):
    """The raw request line: HTTP libraries tidy paths up before they send them."""
    connection = http.client.HTTPConnection(shared.url.removeprefix("http://"), timeout=30)
    try:
        connection.putrequest("GET", path)
        connection.putheader("X-API-Key", shared.key)
        connection.endheaders()
        response = connection.getresponse()
        content = response.read()
        assert response.status in {400, 404, 422}, content
        assert shared.key.encode() not in content
    finally:
        connection.close()


def test_open_paths_are_no_way_around_the_key(shared):
    for path in ("/signed/..%2ftasks", "/signed/%2e%2e/tasks", "/version/../tasks", "/%76ersion"):
        connection = http.client.HTTPConnection(shared.url.removeprefix("http://"), timeout=30)
        try:
            connection.putrequest("GET", path)
            connection.endheaders()
            response = connection.getresponse()
            assert b"total_size" not in response.read()
            assert response.status in {401, 403, 404, 422}
        finally:
            connection.close()


# Live files --------------------------------------------------------------------------------------


def test_nobody_answers_who_has_made_no_offer(shared, task_id):
    path = f"/tasks/{task_id}"
    assert shared.call("POST", f"{path}/register", json={"sender_id": "x"}) == {}
    assert shared.call("GET", f"{path}/message?client=x&block_s=1", 204) is None
    mistakes(shared, "POST", f"{path}/offer", json={"sender_id": "x" * 201})
    mistakes(shared, "POST", f"{path}/offer", json={"sender_id": "x", "sdp": "x" * 70_000})
    mistakes(shared, "GET", f"{path}/message")
    mistakes(shared, "GET", f"{path}/message?client=x&block_s=61")
    mistakes(shared, "POST", f"{path}/register", json={})
