"""Who gets in, and what the refused are told."""

from __future__ import annotations

import http.client

import pytest
import requests

from inductiva_widgets.server.server_info import ServerInfo

OPEN = ("/version", "/version-check?client_version=0.18.12", "/simulators/available-images")


@pytest.mark.parametrize("key", [None, "", "wrong", "clé"])
@pytest.mark.parametrize("path", ["/tasks", "/users/info", "/no/such/path", "/tasks/x/kill"])
def test_without_the_key_nothing_is_answered(shared, path, key):
    headers = {} if key is None else {"X-API-Key": key.encode()}
    response = requests.get(shared.url + path, headers=headers, timeout=30)
    assert response.status_code == 401
    assert "API key" in response.json()["detail"]


@pytest.mark.parametrize("path", OPEN)
def test_open_endpoints_need_no_key(shared, path):
    response = requests.get(shared.url + path, timeout=30)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"


def test_key_is_kept_private_and_stays_out_of_what_is_printed(shared):
    note = ServerInfo.read(shared.data_dir / "server.json")
    assert note is not None
    assert note.api_key.reveal() == shared.key == (shared.data_dir / "api_key").read_text()
    assert shared.key not in repr(note)
    for name in ("api_key", "link_secret", "server.json"):
        assert (shared.data_dir / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("evil.example:80", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("", 421),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("127.0.0.1:9", 200),
        ("[::1]:9", 200),
    ],
)
def test_host_names_of_others_are_refused(shared, host, status):
    address = shared.url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        # /version is open: neither the key nor its lack decides.
        connection.putrequest("GET", "/version", skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        assert connection.getresponse().status == status
    finally:
        connection.close()


def test_no_web_page_may_read_answers(shared):
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "GET"}
    for method in ("GET", "OPTIONS"):
        response = shared.session.request(method, f"{shared.url}/tasks", headers=headers)
        assert not [name for name in response.headers if name.lower().startswith("access-control")]


def test_unknown_paths_and_methods_are_told_in_a_sentence(shared):
    assert shared.get("/no/such/path", 404)["detail"].endswith("has no GET /no/such/path.")
    assert "PUT" in shared.call("PUT", "/tasks", 405)["detail"]
    assert shared.get("/tasks/nosuchtask", 404) == {"detail": "There is no task 'nosuchtask'."}


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("page=0", ["query", "page"]),
        ("per_page=501", ["query", "per_page"]),
        ("per_page=many", ["query", "per_page"]),
        ("status=great", ["query", "status"]),
        ("active=perhaps", ["query", "active"]),
        ("sort=colour:asc", ["query", "sort"]),
        ("sort=create_time:up", ["query", "sort"]),
    ],
)
def test_malformed_queries_say_what_is_wrong_where(shared, query, place):
    [problem] = shared.get(f"/tasks?{query}", 422)["detail"]
    assert problem["loc"] == place
    assert problem["msg"]
    assert problem["type"] == "value_error"


def test_malformed_bodies_say_what_is_wrong_where(shared):
    [missing] = shared.call("POST", "/tasks/submit", 422, json={"simulator": "x"})["detail"]
    assert missing["loc"] == ["body", "resource_pool"]
    assert missing["type"] == "missing"
    body = shared.submission(["python"]) | {"time_to_live_seconds": "soon"}
    [wrong] = shared.call("POST", "/tasks/submit", 422, json=body)["detail"]
    assert wrong["loc"] == ["body", "time_to_live_seconds"]
    [no_json] = shared.call("POST", "/tasks/submit", 422, data=b"{")["detail"]
    assert no_json["loc"] == ["body"]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"resource_pool": "other"}, 404, "machine group 'other'"),
        ({"project": "nope"}, 404, "project 'nope'"),
        ({"input_resources": ["nowhere/a.zip"]}, 404, "nothing at nowhere/a.zip"),
        ({"input_resources": ["../api_key"]}, 400, "no path of the storage"),
        ({"time_to_live_seconds": 1e300}, 400, "time_to_live_seconds"),
        ({"compress_with": "RAR"}, 400, "compress_with"),
        ({"time_to_live_seconds": 0}, 400, "time_to_live_seconds"),
        ({"storage_path_prefix": "../up"}, 400, "no path of the storage"),
        ({"extra_params": None}, 400, "commands"),
        ({"extra_params": {"commands": []}}, 400, "commands"),
        ({"extra_params": {"commands": [{"cmd": "run 'x"}]}}, 400, "cannot be read"),
        ({"extra_params": {"commands": [{"cmd": "x"}], "sim_dir": "../a"}}, 400, "sim_dir"),
        (
            {"extra_params": {"commands": [{"cmd": "x"}], "run_subprocess_dir": "a/../.."}},
            400,
            "run_subprocess_dir",
        ),
    ],
)
def test_submissions_that_cannot_run_here_are_refused(shared, change, status, said):
    body = shared.submission(["python x.py"]) | change
    assert said in shared.call("POST", "/tasks/submit", status, json=body)["detail"]


def test_body_without_end_is_cut_off(shared):
    response = shared.session.post(f"{shared.url}/tasks/submit", data=b" " * (9 << 20))
    assert response.status_code == 413
