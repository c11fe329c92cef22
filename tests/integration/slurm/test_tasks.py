"""Tasks of the embedded server as jobs of a real cluster."""

from __future__ import annotations

import shutil
import signal
import time

import pytest

from inductiva_widgets._secret import Secret
from inductiva_widgets.config import Settings
from inductiva_widgets.http.client import Client
from inductiva_widgets.http.transport import Transport
from inductiva_widgets.tasks import Task
from inductiva_widgets.widgets import view_models
from tests.integration.server.conftest import RUN_SWMM, case_files, until

pytestmark = pytest.mark.extended

SLEEP = "python -c 'import time; print(1, flush=True); time.sleep(600)'"


def description(server, task_id: str, status: str) -> str:
    """Return the description of a task's last entry in a status."""
    history = server.get(f"/tasks/{task_id}")["status_history"]
    return [entry["description"] for entry in history if entry["status"] == status][-1]


def job_of(cluster, task_id: str) -> str:
    """Return the number of a task's job."""
    return until(
        lambda: cluster.call("squeue", f"--name={task_id}", "--noheader", "--format=%i"),
        "a job",
    )


def jobs(cluster) -> list[str]:
    return cluster.call("squeue", "--noheader", "--format=%j").split()


def test_slurm_runs_a_simulation_to_its_success(server, cluster):
    files = case_files("swmm_storm", "01/11/2024")
    task_id = server.run(RUN_SWMM, files=files)
    task = server.wait(task_id)
    assert task["status"] == "success", task["error_detail"]
    assert task["computation_start_time"] >= task["start_time"] >= task["input_submit_time"]
    assert "model.out" in "".join(server.archive(task_id).namelist())
    until(lambda: "Slurm job" in description(server, task_id, "started"), "the number of the job")
    assert description(server, task_id, "started").startswith("Slurm job ")
    assert any(node in description(server, task_id, "started") for node in cluster.NODES)


def test_slurm_task_can_be_read_and_killed_while_it_runs(server, cluster):
    task_id = server.run(SLEEP, files={"a": "b"})
    server.wait(task_id, "computation-started")
    listed = until(lambda: server.get(f"/tasks/{task_id}/files"), "files")
    assert "stdout.txt" in str(listed)
    assert "PID USER" in server.get(f"/tasks/{task_id}/top")
    began = time.monotonic()
    server.call("POST", f"/tasks/{task_id}/kill")
    assert server.wait(task_id)["status"] == "killed"
    assert time.monotonic() - began < 20
    assert server.output(task_id, "stdout.txt") == "1\n"
    until(lambda: task_id not in jobs(cluster), "the end of the job")


def test_slurm_task_that_waits_says_why_and_can_be_killed(server, full_cluster):
    task_id = server.run(SLEEP, files={"a": "b"})
    until(
        lambda: "waiting for free cores" in description(server, task_id, "submitted"), "the reason"
    )
    number = job_of(full_cluster, task_id)
    assert f"Slurm job {number} in partition main" in description(server, task_id, "submitted")
    status = server.get(f"/tasks/{task_id}/status")
    assert (status["status"], status["position_in_queue"]["tasks_ahead"]) == ("submitted", 0)
    server.call("POST", f"/tasks/{task_id}/kill")
    assert server.wait(task_id)["status"] == "killed"
    assert task_id not in jobs(full_cluster)


def test_slurm_task_goes_on_when_the_server_is_killed_and_the_next_one_adopts_it(
    start_server, tmp_path
):
    server = start_server(data_dir=tmp_path / "data")
    running = server.run("sleep 3", files={"a": "b"})
    server.wait(running, "computation-started")
    waiting = [server.run("sleep 0.1", files={"a": "b"}) for _ in range(3)]
    server.end(signal.SIGKILL)
    later = start_server(data_dir=tmp_path / "data")
    for task_id in [running, *waiting]:
        assert later.wait(task_id)["status"] == "success"


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1, 0.3, 1.0])
def test_slurm_runs_each_task_once_wherever_the_server_is_killed(start_server, tmp_path, delay):
    marks = tmp_path / "marks"
    server = start_server(data_dir=tmp_path / "data")
    tasks = [server.run(f"sh -c 'echo x >> {marks}'", files={"a": "b"}) for _ in range(3)]
    time.sleep(delay)
    server.end(signal.SIGKILL)
    later = start_server(data_dir=tmp_path / "data")
    for task_id in tasks:
        assert later.wait(task_id)["status"] == "success"
    assert marks.read_text() == "x\n" * len(tasks)


def test_slurm_tasks_end_and_are_killed_while_the_controller_is_down(server, cluster):
    short = server.run("sleep 2", files={"a": "b"})
    long = server.run(SLEEP, files={"a": "b"})
    for task_id in (short, long):
        server.wait(task_id, "computation-started")
    cluster.end_daemon("slurmctld")
    try:
        assert server.wait(short)["status"] == "success"
        queued = server.run("sleep 0.1", files={"a": "b"})
        server.call("POST", f"/tasks/{long}/kill")
        assert server.wait(long)["status"] == "killed"
    finally:
        cluster.start_controller()
    assert server.wait(queued)["status"] == "success"


def test_slurm_job_that_is_cancelled_from_outside_ends_its_task_with_the_reason(server, cluster):
    task_id = server.run(SLEEP, files={"a": "b"})
    server.wait(task_id, "computation-started")
    cluster.call("scancel", job_of(cluster, task_id))
    task = server.wait(task_id)
    assert task["status"] == "executer-terminated"
    assert "was cancelled, but not by the embedded server" in task["error_detail"]
    assert server.output(task_id, "stdout.txt") == "1\n"


def test_slurm_job_that_is_cancelled_in_the_queue_ends_its_task(server, full_cluster):
    task_id = server.run(SLEEP, files={"a": "b"})
    full_cluster.call("scancel", job_of(full_cluster, task_id))
    task = server.wait(task_id)
    assert task["status"] == "executer-terminated"
    assert "was cancelled" in server.output(task_id, "stderr.txt")


def test_slurm_task_ends_at_its_time_to_live(server):
    task_id = server.run(SLEEP, files={"a": "b"}, time_to_live_seconds=2)
    task = server.wait(task_id)
    assert task["status"] == "ttl-exceeded"
    assert server.output(task_id, "stdout.txt") == "1\n"


def test_slurm_task_ends_at_the_time_limit_of_its_partition(server):
    task_id = server.run(SLEEP, files={"a": "b"}, resource_pool="short")
    # The limit is one minute, and Slurm looks every half minute.
    task = until(
        lambda: (found := server.get(f"/tasks/{task_id}"))["is_terminated"] and found,
        "the time limit",
        patience=200,
    )
    assert task["status"] == "executer-terminated-ttl-exceeded"
    assert "the time limit of 1 min of partition short" in task["error_detail"]
    assert server.output(task_id, "stdout.txt") == "1\n"


def test_slurm_task_on_a_node_that_goes_down_ends_with_the_reason(server, cluster):
    task_id = server.run(SLEEP, files={"a": "b"})
    server.wait(task_id, "computation-started")
    node = cluster.call("squeue", f"--name={task_id}", "--noheader", "--format=%N")
    try:
        cluster.call("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
        task = server.wait(task_id)
    finally:
        cluster.call("scontrol", "update", f"NodeName={node}", "State=RESUME", check=False)
    assert task["status"] == "executer-terminated"
    assert f"A node of the task failed (Slurm job {job_number(task)} on {node}" in str(task)


def job_number(task) -> str:
    return task["error_detail"].split("Slurm job ")[1].split()[0]


def test_slurm_partitions_are_machine_groups(server, cluster):
    groups = {group["name"]: group for group in server.get("/compute/groups")}
    assert {"local", "main", "short", "closed"} <= groups.keys()
    main = groups["main"]
    assert (main["num_vms"], main["cpu_info"]["cpu_cores_logical"]) == (3, 2)
    server.call("DELETE", "/compute/group", 409, params={"machine_group_id": "main"})
    task_id = server.run("sleep 0.1", files={"a": "b"}, resource_pool="main")
    assert server.wait(task_id)["status"] == "success"
    waiting = server.run("sleep 0.1", files={"a": "b"}, resource_pool="closed")
    until(
        lambda: "its partition is down" in description(server, waiting, "submitted"), "the reason"
    )


def test_slurm_that_refuses_a_task_fails_it_with_its_reason(start_server):
    server = start_server("--job-options=--mem=900G")
    task = server.wait(server.run("sleep 0.1", files={"a": "b"}))
    assert task["status"] == "executer-failed"
    assert "Slurm does not accept the task" in task["error_detail"]


def test_slurm_job_sources_the_profile_and_has_the_options(start_server, tmp_path):
    profile = tmp_path / "profile.sh"
    profile.write_text("export SITE=here\n")
    server = start_server(
        f"--profile={profile}", "--job-options=--cpus-per-task=2", "--partition=main"
    )
    task_id = server.run("sh -c 'echo $SITE $OMP_NUM_THREADS'", files={"a": "b"})
    assert server.wait(task_id)["status"] == "success"
    assert server.output(task_id, "stdout.txt") == "here 2\n"


def test_slurm_job_without_a_usable_interpreter_says_so(start_server, tmp_path):
    profile = tmp_path / "profile.sh"
    profile.write_text("exit 7\n")
    server = start_server(f"--profile={profile}")
    task = server.wait(server.run("sleep 0.1", files={"a": "b"}))
    assert task["status"] == "executer-failed"
    assert "It wrote no log. Check that the compute nodes see the folder" in task["error_detail"]


def test_slurm_runs_many_tasks(server):
    tasks = [server.run("sleep 0.01", files={"a": "b"}) for _ in range(50)]

    def are_over() -> bool:
        return not server.get("/tasks", 200, per_page=1, active=True)["total_size"]

    until(are_over, "the tasks", patience=300)
    assert {server.status(task_id) for task_id in tasks} == {"success"}


def test_slurm_task_that_packs_can_be_killed(server, cluster):
    write = "sh -c 'head -c 100000000 /dev/urandom > big'"
    task_id = server.run(write, files={"a": "b"})
    server.wait(task_id, "computation-ended", "success")
    server.call("POST", f"/tasks/{task_id}/kill")
    assert server.wait(task_id)["status"] in ("killed", "success")
    until(lambda: task_id not in jobs(cluster), "the end of the job")
    assert server.archive(task_id).testzip() is None


def test_folder_of_slurm_tasks_is_refused_for_tasks_of_this_machine(
    start_server, make_server, tmp_path
):
    start_server(data_dir=tmp_path / "data").end()
    with pytest.raises(AssertionError, match="holds tasks of a Slurm cluster"):
        make_server(data_dir=tmp_path / "data")


def test_server_says_so_if_slurm_is_missing(make_server, tmp_path):
    with pytest.raises(AssertionError, match="This machine has no Slurm: sbatch, squeue"):
        make_server("--executor=slurm", PATH="/dev")


def test_slurm_card_says_why_its_task_waits_and_then_where_it_runs(server, full_cluster):
    client = Client(Transport(Settings(server.url, Secret(server.key), server.url, is_local=True)))
    task = Task(server.run("sleep 2", files={"a": "b"}), client=client)

    def meaning() -> str:
        info = task._state.refresh()
        return view_models.task_view(info, is_local=True)["meaning"]

    until(lambda: "main: waiting for free cores" in meaning(), "the reason")
    assert meaning().startswith("The task waits for a machine. Slurm job ")
    full_cluster.call("scancel", "--name=other")
    until(lambda: task._state.refresh().is_terminal, "the end")
    until(lambda: " on n" in description(server, task.id, "started"), "the node")
    placed = Task(task.id, client=client).info
    assert view_models.task_view(placed, is_local=True)["meaning"].startswith(
        "Finished successfully. Outputs are ready. Slurm job "
    )


@pytest.mark.skipif(shutil.which("mpiexec.hydra") is None, reason="there is no MPICH")
def test_slurm_runs_mpi_over_nodes(start_server, tmp_path):
    server = start_server("--job-options=--ntasks-per-node=1")
    command = {
        "cmd": "sh -c 'echo $PMI_RANK $SLURM_NODEID of $SLURM_NNODES'",
        "prompts": [],
        "mpi_config": {"version": "4", "options": {"np": 3}},
    }
    task_id = server.run(command, files={"a": "b"})
    task = server.wait(task_id)
    assert task["status"] == "success", task["error_detail"]
    lines = sorted(server.output(task_id, "stdout.txt").splitlines())
    assert lines == ["0 0 of 3", "1 1 of 3", "2 2 of 3"]


def test_slurm_group_of_several_machines_takes_so_many_nodes(server):
    group = {"machine_type": "anything", "num_vms": 2}
    made = server.call("POST", "/compute/group", 201, json=group)
    server.call("POST", "/compute/group/start", params={"machine_group_id": made["id"]})
    task_id = server.run("sh -c 'echo $SLURM_NNODES'", files={"a": "b"}, resource_pool=made["name"])
    task = server.wait(task_id)
    assert task["status"] == "success", task["error_detail"]
    assert server.output(task_id, "stdout.txt") == "2\n"


def test_slurm_is_asked_once_in_ten_seconds_while_tasks_only_wait(
    full_cluster, start_server, tmp_path
):
    log = tmp_path / "calls"
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sbatch", "squeue", "scancel", "sinfo"):
        program = programs / name
        program.write_text(
            f'#!/bin/sh\ndate "+%s.%N {name}" >> {log}\nexec {shutil.which(name)} "$@"\n'
        )
        program.chmod(0o755)
    path = f"{programs}:{full_cluster.environment['PATH']}"
    server = start_server(PATH=path)
    tasks = [server.run("sleep 0.1", files={"a": "b"}) for _ in range(10)]
    for task_id in tasks:
        until(lambda one=task_id: "Slurm job" in description(server, one, "submitted"), "a job")
    assert log.read_text().count("sbatch") == len(tasks)
    log.write_text("")
    until(lambda: log.read_text().count("squeue") == 3, "three queries")
    calls = [line.split() for line in log.read_text().splitlines()]
    assert {name for _, name in calls} == {"squeue"}
    times = [float(second) for second, _ in calls]
    # The first may be one of those that follow a submission.
    assert times[2] - times[1] > 9
