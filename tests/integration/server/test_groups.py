"""Machine groups over plain requests: their life, and what it does to tasks."""

from __future__ import annotations

import signal
from datetime import datetime

import pytest

from tests.integration.server.conftest import RUN_SWMM, case_files, is_running, until

# What the service's own client sends for each kind.
STANDARD = {
    "machine_type": "c2-standard-4",
    "provider_id": "GCP",
    "threads_per_core": 2,
    "disk_size_gb": 10,
    "max_idle_time": 180,
    "num_vms": 2,
    "spot": True,
    "is_elastic": False,
    "auto_terminate_ts": None,
    "dynamic_disk_resize_config": None,
    "custom_vm_image": None,
    "zone": None,
}
ELASTIC = STANDARD | {"num_vms": 1, "min_vms": 1, "max_vms": 4, "is_elastic": True}
MPI = STANDARD | {"type": "mpi"}

WAIT = """
import os, sys, time
with open(sys.argv[1] + ".part", "w") as file:
    file.write(str(os.getpid()))
os.rename(sys.argv[1] + ".part", sys.argv[1])
time.sleep(600)
"""


def register(server, body=STANDARD, **fields):
    return server.call("POST", "/compute/group", 201, json=body | fields)


def started(server, body=STANDARD, **fields):
    group = register(server, body, **fields)
    server.call("POST", f"/compute/group/start?machine_group_id={group['id']}")
    return group


def terminate(server, group, expect=202):
    return server.call("DELETE", f"/compute/group?machine_group_id={group['id']}", expect)


def active(server):
    return [group["id"] for group in server.get("/compute/groups")]


def waiting_task(server, group, tmp_path):
    """Return the id of a task that runs until it is ended, and the process of its command."""
    note = tmp_path / f"note-{group['name']}"
    task_id = server.run(
        f"python wait.py {note}", files={"wait.py": WAIT}, resource_pool=group["id"]
    )
    until(note.exists, "the command to run")
    server.wait(task_id, "computation-started")
    return task_id, int(note.read_text())


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (STANDARD, {"type": "standard", "num_vms": 2, "min_vms": 2, "max_vms": 2}),
        (ELASTIC, {"type": "elastic", "is_elastic": True, "min_vms": 1, "max_vms": 4}),
        (MPI, {"type": "mpi", "num_vms": 2, "is_elastic": False}),
    ],
)
def test_registered_group_is_as_asked_for_and_has_all_that_clients_need(shared, body, told):
    group = register(shared, body)
    assert group == group | told | {"status": "registered", "started": False}
    assert group["name"].startswith("api-")
    same = ("machine_type", "provider_id", "threads_per_core", "disk_size_gb", "max_idle_time")
    assert {name: group[name] for name in same} == {name: body[name] for name in same}
    kinds = {
        "id": str,
        "name": str,
        "zone": str,
        "max_idle_time": int,
        "idle_seconds": int,
        "total_ram_gb": int,
        "disk_size_gb": int,
        "num_vms": int,
        "is_elastic": bool,
        "spot": bool,
        "started": bool,
        "cost_per_hour": dict,
        "machines": list,
    }
    assert {name: type(group[name]) for name in kinds} == kinds
    assert datetime.fromisoformat(group["auto_terminate_ts"]).year == 9999
    assert datetime.fromisoformat(group["creation_timestamp"]).utcoffset() is not None
    assert set(group["quota_usage"]) <= set(shared.get("/users/quotas"))
    assert shared.get(f"/compute/group/{group['name']}") == group
    assert group["id"] in active(shared)
    terminate(shared, group)


def test_what_was_given_is_told_again(shared):
    end = "2999-01-02T03:04:05+00:00"
    config = {"free_space_threshold_gb": 5, "max_disk_size_gb": 40}
    group = register(
        shared,
        auto_terminate_ts=end,
        zone="europe-west1-b",
        threads_per_core=1,
        dynamic_disk_resize_config=config,
    )
    assert (group["auto_terminate_ts"], group["zone"]) == (end, "europe-west1-b")
    assert group["threads_per_core"] == 1
    assert group["dynamic_disk_resize_config"] == config
    terminate(shared, group)


@pytest.mark.parametrize("seconds", [1800, 1800.0, 90.5])
def test_idle_time_is_accepted_as_the_official_client_sends_it(shared, seconds):
    group = register(shared, max_idle_time=seconds)
    assert group["max_idle_time"] == seconds
    assert shared.get(f"/compute/group/{group['name']}")["max_idle_time"] == seconds
    terminate(shared, group)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"machine_type": None}, "machine_type"),
        ({"machine_type": "C2 standard"}, None),
        ({"machine_type": ""}, None),
        ({"num_vms": 0}, "num_vms"),
        ({"num_vms": 1.5}, "num_vms"),
        ({"num_vms": 10**30}, "num_vms"),
        ({"disk_size_gb": -1}, "disk_size_gb"),
        ({"threads_per_core": 3}, "threads_per_core"),
        ({"max_idle_time": 0}, "max_idle_time"),
        ({"max_idle_time": 0.0}, "max_idle_time"),
        ({"max_idle_time": 1e300}, "max_idle_time"),
        ({"max_idle_time": "PT30M"}, "max_idle_time"),
        ({"spot": "yes"}, "spot"),
        ({"type": "quantum"}, "type"),
        ({"auto_terminate_ts": "tomorrow"}, "auto_terminate_ts"),
        ({"auto_terminate_ts": "2999-01-02T03:04:05"}, "auto_terminate_ts"),
        ({"dynamic_disk_resize_config": {"max_disk_size_gb": 5}}, "dynamic_disk_resize_config"),
        ({"is_elastic": True}, None),
        ({"is_elastic": True, "min_vms": 3, "max_vms": 2}, None),
        ({"is_elastic": True, "type": "mpi"}, None),
    ],
)
def test_malformed_registration_is_told_what_is_wrong_where(shared, change, place):
    before = active(shared)
    [wrong] = shared.call("POST", "/compute/group", 422, json=STANDARD | change)["detail"]
    assert wrong["loc"][:2] == (["body"] if place is None else ["body", place])
    assert wrong["msg"]
    assert active(shared) == before


def test_body_that_is_no_registration_is_refused(shared):
    [missing] = shared.call("POST", "/compute/group", 422, json={})["detail"]
    assert missing["loc"] == ["body", "machine_type"]
    shared.call("POST", "/compute/group", 422, json=[])
    shared.call("POST", "/compute/group", 422, data=b"{")


def test_group_lives_from_registration_to_history(server):
    group = register(server)
    start = f"/compute/group/start?machine_group_id={group['id']}"
    for _ in range(2):
        server.call("POST", start)
        assert server.get(f"/compute/group/{group['name']}")["status"] == "started"
    for _ in range(2):
        terminate(server, group)
        told = server.get(f"/compute/group/{group['name']}")
        assert (told["status"], told["started"]) == ("terminated", False)
    assert active(server) == ["local"]
    assert "was terminated" in server.call("POST", start, 409)["detail"]
    newer = register(server)
    everything = [newer["id"], group["id"], "local"]
    ids = [one["id"] for one in server.get("/compute/groups/history")]
    assert ids == everything
    pages = [server.get("/compute/groups/history", page=n, per_page=2) for n in (1, 2, 3)]
    assert [one["id"] for page in pages for one in page] == everything
    assert pages[2] == []
    ended = server.get("/compute/groups/history", non_active_only="true")
    assert [one["id"] for one in ended] == [group["id"]]
    for wrong in ({"page": 0}, {"per_page": 501}, {"page": 10**30}):
        server.get("/compute/groups/history", 422, **wrong)


def test_built_in_group_cannot_be_terminated(shared):
    detail = terminate(shared, {"id": "local"}, 409)["detail"]
    assert detail == "The machine group 'local' is this machine and cannot be terminated."
    assert "local" in active(shared)


def test_unknown_groups_are_absent(shared):
    query = "machine_group_id=none"
    for method, path in (
        ("GET", "/compute/group/none"),
        ("POST", f"/compute/group/start?{query}"),
        ("DELETE", f"/compute/group?{query}"),
    ):
        assert "no machine group 'none'" in shared.call(method, path, 404)["detail"]
    for method, path in (("POST", "/compute/group/start"), ("DELETE", "/compute/group")):
        [missing] = shared.call(method, path, 422)["detail"]
        assert missing["loc"] == ["query", "machine_group_id"]


def test_price_is_next_to_nothing_and_never_zero(shared):
    price = shared.get("/compute/price", machine_type="c2-standard-4", zone="europe-west1-b")
    assert set(price) == {"preemptible_price", "on_demand_price"}
    assert all(0 < value < 0.001 for value in price.values())
    shared.get("/compute/price", 422)


def test_task_runs_on_a_started_group_and_shows_its_machine_type(shared):
    group = started(shared)
    task = shared.wait(
        shared.run("python -c pass", files={}, resource_pool=group["id"]),
    )
    assert task["status"] == "success"
    assert (task["machine_group_id"], task["machine_group_name"]) == (group["id"], group["name"])
    executer = task["executer"]
    assert (executer["vm_type"], executer["vm_name"]) == ("c2-standard-4", group["name"])
    assert (executer["host_type"], executer["n_mpi_hosts"]) == ("LOCAL", 1)
    own = shared.wait(shared.run("python -c pass", files={}))
    assert own["executer"]["vm_type"] == own["machine_group_name"] == "local"
    terminate(shared, group)
    # What has ended well stays so, output and all.
    assert shared.status(task["task_id"]) == "success"
    shared.archive(task["task_id"]).close()


def test_only_started_groups_take_tasks(shared):
    group = register(shared)
    body = shared.submission(["python x.py"], resource_pool=group["id"])
    for state in ("registered", "terminated"):
        detail = shared.call("POST", "/tasks/submit", 400, json=body)["detail"]
        assert f"{group['name']!r} is {state}, not started" in detail
        terminate(shared, group)


def test_groups_share_the_capacity_of_this_machine(make_server, tmp_path):
    server = make_server("--capacity", "1")
    first, second = started(server), started(server)
    running, _ = waiting_task(server, first, tmp_path)
    queued = server.run("python -c pass", files={}, resource_pool=second["id"])
    own = server.run("python -c pass", files={})
    assert server.get(f"/tasks/{own}/status")["position_in_queue"] == {"tasks_ahead": 1}
    assert server.status(queued) == "submitted"
    server.call("POST", f"/tasks/{running}/kill")
    assert server.wait(queued)["status"] == server.wait(own)["status"] == "success"


def test_termination_ends_the_tasks_of_the_group_and_no_others(make_server, tmp_path):
    server = make_server("--capacity", "2")
    group, other = started(server), started(server)
    running, command = waiting_task(server, group, tmp_path)
    unharmed, _ = waiting_task(server, other, tmp_path)
    queued = server.run("python -c pass", files={}, resource_pool=group["id"])
    without_input = server.submit("python -c pass", resource_pool=group["id"])
    queued_elsewhere = server.run("python -c pass", files={}, resource_pool=other["id"])

    terminate(server, group)
    for task_id in (queued, without_input):
        task = server.get(f"/tasks/{task_id}")
        assert (task["status"], task["is_terminated"]) == ("zombie", True)
        assert task["status_alias"] == "Machine Terminated in Queue"
        assert f"{group['name']} was terminated while the task waited" in task["error_detail"]
        assert task["start_time"] is None
    assert "zombie" in server.call("POST", f"/tasks/{without_input}/input_uploaded", 409)["detail"]

    task = server.wait(running)
    assert task["status"] == "executer-terminated-by-user"
    assert task["status_alias"] == "Machine Terminated by User"
    reason = f"The machine group {group['name']} was terminated while the task was running."
    assert task["error_detail"] == task["status_history"][-1]["description"] == reason
    assert task["executer"]["error_detail"] == reason
    assert task["metrics"]["output_zipped_size_bytes"] is None
    assert task["metrics"]["computation_seconds"] > 0
    codes = [entry["status"] for entry in task["status_history"]]
    assert "pending-kill" not in codes
    assert not is_running(command)
    output = server.data_dir / "storage" / task["storage_output_path"]
    until(lambda: not output.exists(), "the output to be gone")

    assert server.wait(queued_elsewhere)["status"] == "success"
    assert server.status(unharmed) == "computation-started"
    assert server.call("POST", f"/tasks/{queued}/kill")["status"] == "zombie"


@pytest.mark.extended
def test_task_of_a_terminated_group_that_ignores_its_end_is_ended_all_the_same(server, tmp_path):
    group = started(server)
    note = tmp_path / "note"
    stubborn = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAIT
    task_id = server.run(
        f"python wait.py {note}", files={"wait.py": stubborn}, resource_pool=group["id"]
    )
    until(note.exists, "the command to run")
    terminate(server, group)
    assert server.wait(task_id)["status"] == "executer-terminated-by-user"
    assert not is_running(int(note.read_text()))


def test_task_that_is_being_killed_when_its_group_ends_is_killed(server, tmp_path):
    group = started(server)
    task_id, _ = waiting_task(server, group, tmp_path)
    server.call("POST", f"/tasks/{task_id}/kill")
    terminate(server, group)
    assert server.wait(task_id)["status"] == "killed"


def test_swmm_runs_on_a_group(shared):
    group = started(shared)
    task_id = shared.run(
        RUN_SWMM,
        files=case_files("swmm_storm", end="01/11/2024"),
        resource_pool=group["id"],
    )
    assert shared.wait(task_id)["status"] == "success"
    assert "100.0%" in shared.output(task_id, "stdout.txt")
    terminate(shared, group)


@pytest.mark.extended
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_groups_and_their_tasks_outlive_the_server(server, tmp_path, end):
    ready, group, gone = register(server, ELASTIC), started(server), started(server)
    terminate(server, gone)
    task_id, command = waiting_task(server, group, tmp_path)
    before = server.get("/compute/groups/history")
    server.end(end)
    server.start()
    assert server.get("/compute/groups/history") == before
    assert active(server) == ["local", ready["id"], group["id"]]
    assert server.status(task_id) == "computation-started"
    terminate(server, group)
    assert server.wait(task_id)["status"] == "executer-terminated-by-user"
    assert not is_running(command)


@pytest.mark.extended
def test_termination_that_the_server_did_not_live_to_carry_out_is_carried_out(server, tmp_path):
    group = started(server)
    task_id, command = waiting_task(server, group, tmp_path)
    terminate(server, group)
    server.end(signal.SIGKILL)
    server.start()
    assert server.wait(task_id)["status"] == "executer-terminated-by-user"
    assert not is_running(command)
