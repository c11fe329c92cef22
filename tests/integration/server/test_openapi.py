"""The server describes itself, and what it does is what it describes."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import jsonschema
import pytest
import requests

from inductiva_widgets.server.app import ROUTES
from inductiva_widgets.server.auth import OPEN_PATHS
from inductiva_widgets.server.endpoints import Endpoint
from inductiva_widgets.server.signed_urls import LINK_PREFIX

# What the service's client, or ours, asks for; the contract's sections 2 to 5 in short.
CONTRACT = """
    GET /version
    GET /version-check
    GET /simulators/available-images
    GET /pricing/machine-types
    POST /tasks/submit
    GET /tasks
    GET /tasks/{id}
    GET /tasks/{id}/status
    POST /tasks/{id}/input_uploaded
    POST /tasks/{id}/kill
    GET /tasks/{id}/metadata
    PUT /tasks/{id}/metadata
    PATCH /tasks/{id}/metadata
    POST /tasks/{id}/register
    POST /tasks/{id}/offer
    GET /tasks/{id}/message
    GET /storage/signed-urls
    GET /storage/zip-contents
    GET /storage/zip-file-range
    GET /storage/contents
    GET /storage/contents/paginated
    GET /storage/size
    GET /storage/cost
    DELETE /storage/
    POST /storage/copy
    POST /storage/input_remote
    GET /storage/list_buckets
    GET /storage/default_bucket
    POST /compute/group
    DELETE /compute/group
    POST /compute/group/start
    GET /compute/group/{name}
    PUT /compute/group/{id}/sharing
    GET /compute/groups
    GET /compute/groups/history
    GET /compute/price
    GET /users/info
    GET /users/quotas
    GET /users/costs
    GET /users/fees
    GET /projects
    POST /projects
    DELETE /projects
    GET /projects/{name}
    POST /projects/{name}/task/{task_id}/add
    POST /projects/{name}/task/{task_id}/remove
    GET /projects/{name}/tasks_info
    GET /projects/{name}/metadata
    PUT /projects/{name}/metadata
    PATCH /projects/{name}/metadata
"""
# Codes of success that clients insist on; all others are 200.
SUCCESS = {
    "POST /tasks/submit": "202",
    "POST /compute/group": "201",
    "DELETE /compute/group": "202",
    "DELETE /projects": "202",
    "PUT /compute/group/{id}/sharing": "204",
    "GET /tasks/{id}/message": "200 204",
}
CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
    ]
)


@pytest.fixture(scope="module")
def document(shared):
    return shared.get("/openapi.json")


@pytest.fixture(scope="module")
def operations(document):
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_document_is_openapi(document):
    assert document["openapi"] == "3.1.0"
    schema = {"$defs": document["components"]["schemas"]}
    jsonschema.Draft202012Validator.check_schema(schema)


def test_everything_of_the_contract_is_there(operations):
    wanted = {line.strip() for line in CONTRACT.strip().splitlines()}
    assert wanted - set(operations) == set()


def test_codes_of_success_are_those_that_clients_insist_on(operations):
    for name, operation in operations.items():
        good = [code for code in operation["responses"] if code < "206"]
        assert " ".join(good) == SUCCESS.get(name, "200"), name


def test_every_operation_says_what_it_does_and_has_a_name_of_its_own(operations):
    names = [operation["operationId"] for operation in operations.values()]
    assert len(set(names)) == len(names)
    for name, operation in operations.items():
        assert operation["summary"].endswith("."), name


def test_every_route_is_described():
    assert all(isinstance(route, Endpoint) for route in ROUTES)


def test_what_is_described_as_open_is_open_and_nothing_else(operations):
    # The catalogue waits for the guard to let it through.
    for name, operation in operations.items():
        path = name.partition(" ")[2]
        is_open = path in OPEN_PATHS or path.startswith(LINK_PREFIX)
        assert (operation["security"] == []) == is_open, name


def test_answers_fit_their_schemas(shared, document, operations):
    task = shared.wait(shared.run("python -c pass", files={"a.txt": "x"}))
    archive = f"path={task['storage_output_path']}"
    asked = {
        "GET /version": "/version",
        "GET /simulators/available-images": "/simulators/available-images",
        "GET /tasks": "/tasks",
        "GET /tasks/{id}": f"/tasks/{task['task_id']}",
        "GET /tasks/{id}/status": f"/tasks/{task['task_id']}/status",
        "GET /storage/contents": "/storage/contents",
        "GET /storage/zip-contents": f"/storage/zip-contents?{archive}&recursive=true",
        "GET /storage/zip-file-range": (
            f"/storage/zip-file-range?{archive}&filename=artifacts/a.txt"
        ),
        "GET /compute/groups": "/compute/groups",
        "GET /compute/groups/history": "/compute/groups/history",
        "GET /compute/machine_types": "/compute/machine_types",
        "GET /users/info": "/users/info",
        "GET /users/quotas": "/users/quotas",
        "GET /users/costs": "/users/costs?start_year=2024&start_month=2",
        "GET /users/fees": "/users/fees",
        "GET /projects/{name}": "/projects/default",
    }
    for name, path in asked.items():
        schema = operations[name]["responses"]["200"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": document["components"]}
        jsonschema.Draft202012Validator(whole).validate(shared.get(path))


def test_document_needs_the_key(shared):
    assert requests.get(f"{shared.url}/openapi.json", timeout=30).status_code == 401


@pytest.mark.extended
@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_no_request_that_the_document_allows_or_forbids_makes_the_server_fail(
    make_server, tmp_path
):
    """What schemathesis thinks of: every operation, with data that fits and data that does not.

    Two checks of its are left out. Data that fits may still be refused here, when a path leads out
    of the storage, say; and the web server refuses a request line that is too long in plain text.
    """
    server = make_server()
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json",
        "--header", f"X-API-Key: {server.key}",
        "--phases", "coverage,fuzzing", "--checks", CHECKS,
        "--max-examples", "10", "--max-time", "40", "--seed", "7",
        "--no-shrink", "--no-color", "--continue-on-failure", "--workers", "1",
        "--generation-database", "none",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    # It came to the end, and the server is in good health.
    assert "Tested:" in done.stdout, done.stdout[-2000:]
    assert server.get("/version")["version"]
    _, _, log = server.end()
    assert "Traceback" not in log
