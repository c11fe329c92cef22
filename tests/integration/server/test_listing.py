"""Lists, metadata, projects, and what there is to know of machine and account."""

from __future__ import annotations

from datetime import datetime

import pytest


@pytest.fixture(scope="module")
def seven(shared):
    """Return the ids of seven tasks, oldest first: two killed in a project, five waiting."""
    shared.call("POST", "/projects", json={"name": "storms", "project_type": "project"})
    ids = [shared.submit("python x.py", project="storms" if n < 2 else None) for n in range(7)]
    for task_id in ids[:2]:
        shared.call("POST", f"/tasks/{task_id}/kill")
    return ids


def listed(shared, **query):
    page = shared.get("/tasks", **query)
    return [task["task_id"] for task in page["tasks"]], page["total_size"]


def test_newest_come_first_and_pages_neither_lose_nor_double(shared, seven):
    found = []
    for page in (1, 2, 3):
        ids, total = listed(shared, page=page, per_page=3)
        found += ids
        assert total == 7
    assert found == seven[::-1]
    assert listed(shared, page=4, per_page=3) == ([], 7)
    assert listed(shared) == (seven[::-1], 7)


@pytest.mark.parametrize(
    ("query", "which"),
    [
        ({"status": "killed"}, slice(0, 2)),
        ({"status": "pending-input"}, slice(2, 7)),
        ({"status": "success"}, slice(0, 0)),
        ({"project": "storms"}, slice(0, 2)),
        ({"project": "default"}, slice(2, 7)),
        ({"active": "true"}, slice(2, 7)),
        ({"active": "false"}, slice(0, 2)),
        ({"active": "true", "project": "storms"}, slice(0, 0)),
    ],
)
def test_filters_choose(shared, seven, query, which):
    wanted = seven[which][::-1]
    assert listed(shared, **query) == (wanted, len(wanted))


def test_part_of_an_id_chooses_and_is_no_pattern(shared, seven):
    assert listed(shared, task_id_filter=seven[3][5:20]) == ([seven[3]], 1)
    assert listed(shared, task_id_filter="%") == ([], 0)


def test_order_is_the_one_asked_for(shared, seven):
    assert listed(shared, sort="create_time:asc")[0] == seven
    by_id, _ = listed(shared, sort="task_id:desc")
    assert by_id == sorted(seven, reverse=True)
    both, _ = listed(shared, sort=["project:desc", "create_time:asc"])
    assert both == seven


def test_listed_task_has_the_required_fields_of_the_right_type(shared, seven):
    [task] = shared.get("/tasks", per_page=1)["tasks"]
    required = {
        "task_id": str,
        "status": str,
        "status_alias": str,
        "simulator": str,
        "project": str,
        "is_terminated": bool,
        "num_retries": int,
        "stream_zip": bool,
        "resubmit_on_preemption": bool,
        "storage_path": str,
        "storage_output_path": str,
    }
    assert {name: type(task[name]) for name in required} == required
    assert len(task["task_id"]) == 25
    assert datetime.fromisoformat(task["create_time"]).utcoffset() is not None
    assert task["create_time"].endswith("+00:00")


def test_metadata_is_replaced_or_merged(shared, seven):
    path = f"/tasks/{seven[4]}/metadata"
    assert shared.get(path) == {}
    shared.call("PUT", path, json={"mesh": "fine", "when": "2024-02-01T10:00:00Z"})
    shared.call("PATCH", path, json={"mesh": "coarse", "run": "2"})
    # Text stays text, whatever it looks like.
    expected = {"mesh": "coarse", "when": "2024-02-01T10:00:00Z", "run": "2"}
    assert shared.get(path) == expected
    assert shared.get(f"/tasks/{seven[4]}")["task_metadata"] == expected
    shared.call("PUT", path, json={"only": "this"})
    assert shared.get(path) == {"only": "this"}
    for bad in ({"": "x"}, {"x": ""}, {"x": 1}, ["x"]):
        shared.call("PUT", path, 422, json=bad)
    shared.get("/tasks/none/metadata", 404)


def test_projects_are_made_found_and_deleted(shared, seven):
    assert shared.get("/projects/storms")["num_tasks"] == 2
    assert shared.get("/projects/storms")["task_status_overview"] == {"killed": 2}
    shared.get("/projects/none", 404)
    made = shared.call("POST", "/projects", json={"name": "empty/one", "project_type": "benchmark"})
    assert (made["project_type"], made["num_tasks"]) == ("benchmark", 0)
    assert shared.get("/projects/empty%2Fone") == made
    shared.call("POST", "/projects", 409, json={"name": "empty/one", "project_type": "project"})
    shared.call("POST", "/projects", 422, json={"name": "", "project_type": "project"})
    assert [one["name"] for one in shared.get("/projects")] == ["default", "storms", "empty/one"]
    shared.call("DELETE", "/projects?project_name=empty/one", 202)
    shared.call("DELETE", "/projects?project_name=empty/one", 404)
    default = shared.call("DELETE", "/projects?project_name=default", 409)["detail"]
    assert "cannot be deleted" in default


def test_there_is_one_started_machine_group(shared):
    [group] = shared.get("/compute/groups")
    assert (group["id"], group["status"], group["started"]) == ("local", "started", True)
    assert group["provider_id"] == "LOCAL"
    for name, kind in (("zone", str), ("max_idle_time", int), ("num_vms", int)):
        assert isinstance(group[name], kind)
    assert set(group["quota_usage"]) <= set(shared.get("/users/quotas"))
    assert group["cpu_info"]["cpu_cores_logical"] >= 1
    assert shared.get("/compute/group/local") == group
    shared.call("POST", "/compute/group/start?machine_group_id=local")
    shared.call("POST", "/compute/group/start?machine_group_id=other", 404)
    shared.get("/compute/group/other", 404)


def test_account_has_what_clients_print(shared):
    info = shared.get("/users/info")
    for name in ("email", "username", "tier", "registration_ts"):
        assert isinstance(info[name], str)
    assert info["terms_and_conditions_decision"] == "accepted"
    [cost] = shared.get("/users/costs", start_year=2024, start_month=2)["costs"]
    assert (cost["month"], cost["total"]) == ("2024-02", 0.0)
    shared.get("/users/costs", 422, start_year=2024, start_month=13)
    assert set(shared.get("/users/fees")) == {"costs_fee_percentage", "task_orchestration_fee"}


def test_every_simulator_has_an_image_version(shared):
    images = shared.get("/simulators/available-images")["production"]
    names = {"reef3d", "splishsplash", "swmm", "openfoam-esi", "gprmax", "opensees-eesd", "xbeach"}
    assert names <= set(images)
    assert all(versions == ["local"] for versions in images.values())


def test_tasks_that_do_not_run_have_no_peer(shared, seven):
    task = f"/tasks/{seven[5]}"
    shared.call("POST", f"{task}/register", json={"sender_id": "x"})
    offer = {"sender_id": "x", "type": "offer", "sdp": "v=0\r\nm=application 9 DTLS/SCTP 5000"}
    shared.call("POST", f"{task}/offer", json=offer)
    assert shared.call("GET", f"{task}/message?client=x", 204) is None
    shared.call("POST", "/tasks/none/register", 404, json={})
