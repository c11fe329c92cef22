"""What becomes of tasks: the good end, the bad ends and what is told of them."""

from __future__ import annotations

import sys
from datetime import datetime
from itertools import pairwise

import pytest

from tests.integration.server.conftest import RUN_SWMM, case_files, input_zip, until

PRINT_INPUT = "import sys\nprint(sys.stdin.read().split())"


def test_storm_succeeds_with_history_metrics_and_output(shared):
    task_id = shared.run(RUN_SWMM, files=case_files("swmm_storm", end="01/11/2024"))
    task = shared.wait(task_id)

    assert (task["status"], task["status_alias"], task["is_terminated"]) == (
        "success",
        "Success",
        True,
    )
    codes = [entry["status"] for entry in task["status_history"]]
    assert codes == [
        "pending-input",
        "submitted",
        "started",
        "computation-started",
        "computation-ended",
        "success",
    ]
    [operation] = task["status_history"][3]["operations"]
    assert operation["attributes"].items() >= {"command": RUN_SWMM, "exit_code": 0}.items()
    assert operation["attributes"]["cpu_seconds"] > 0
    assert operation["attributes"]["peak_memory_bytes"] > 1_000_000
    assert operation["attributes"]["peak_processes"] >= 1
    assert operation["status"] == "OK"
    metrics = task["metrics"]
    assert 0 < metrics["computation_seconds"] < metrics["total_seconds"] == task["duration_seconds"]
    with shared.archive(task_id) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    expected = {"model.inp", "model.rpt", "model.out", "stdout.txt", "stderr.txt"}
    assert "artifacts/" in names
    assert {f"artifacts/{name}" for name in expected} <= names
    assert all(name.startswith("artifacts/") for name in names)
    assert metrics["output_total_files"] == len(names) - 1
    assert metrics["output_size_bytes"] == sum(sizes.values())
    assert "100.0%" in shared.output(task_id, "stdout.txt")


def test_history_times_have_offsets_and_each_status_ends_when_the_next_begins(shared):
    task = shared.wait(shared.run("python -c pass", files={}))
    history = task["status_history"]
    for entry, following in pairwise(history):
        assert entry["end_timestamp"] == following["timestamp"]
        assert entry["timestamp"].endswith("+00:00")
    times = [datetime.fromisoformat(entry["timestamp"]) for entry in history]
    assert times == sorted(times)
    assert history[-1]["end_timestamp"] is not None


def test_failed_command_tells_its_reason(shared):
    task = shared.wait(shared.run(RUN_SWMM, files=case_files("swmm_fail")))
    assert task["status"] == "failed"
    assert task["error_detail"].startswith(f"The command ended with exit code 1: {RUN_SWMM}")
    assert "undefined object J44" in task["error_detail"]
    assert task["status_history"][-1]["description"] == task["error_detail"]
    assert "ERROR 209" in shared.output(task["task_id"], "stderr.txt")


def test_task_of_an_unknown_program_fails_before_it_computes(shared):
    task = shared.wait(shared.run("/REEF3D/bin/REEF3D", files={"ctrl.txt": "1"}))
    assert task["status"] == "executer-failed"
    assert task["computation_start_time"] is None
    assert "computation-started" not in [entry["status"] for entry in task["status_history"]]
    for word in ("'REEF3D'", "INDUCTIVA_PROGRAM_REEF3D", "PATH (REEF3D, reef3d)"):
        assert word in task["error_detail"]
    assert task["executer"]["error_detail"] == task["error_detail"]
    assert "INDUCTIVA_PROGRAM_REEF3D" in shared.output(task["task_id"], "stderr.txt")


def test_command_that_cannot_be_started_tells_why(shared):
    task = shared.wait(shared.run("./tool 1", files={"tool": "no program"}))
    assert task["status"] == "executer-failed"
    cause = "Permission denied (./tool): ./tool 1"
    assert task["error_detail"] == f"The command cannot be started: {cause}"
    [operation] = task["status_history"][3]["operations"]
    assert (operation["status"], operation["attributes"]["exit_code"]) == ("FAILED", None)


def test_commands_do_not_inherit_ignored_signals(shared):
    program = (
        "import signal\n"
        "print([s.name for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)"
        " if signal.getsignal(s) == signal.SIG_IGN])"
    )
    task_id = shared.run("python ask.py", files={"ask.py": program})
    assert shared.wait(task_id)["status"] == "success"
    assert shared.output(task_id, "stdout.txt").strip() == "[]"


def test_death_by_signal_is_told_in_words(shared):
    program = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"
    task = shared.wait(shared.run("python die.py", files={"die.py": program}))
    assert task["status"] == "failed"
    assert "ended by signal 11 (segmentation fault): python die.py" in task["error_detail"]


def test_commands_run_in_order_into_one_log_until_one_fails(shared):
    task_id = shared.run(
        "python say.py one",
        "python say.py two",
        "python nothing.py",
        "python say.py never",
        files={"say.py": "import sys\nprint(sys.argv[1])"},
    )
    task = shared.wait(task_id)
    assert task["status"] == "failed"
    assert shared.output(task_id, "stdout.txt").split() == ["one", "two"]
    operations = task["status_history"][3]["operations"]
    assert [op["status"] for op in operations] == ["OK", "OK", "FAILED"]


def test_prompts_are_the_standard_input_and_without_any_there_is_nothing(shared):
    task_id = shared.run(
        {"cmd": "python read.py", "prompts": ["first", "second"]},
        {"cmd": "python read.py", "prompts": []},
        files={"read.py": PRINT_INPUT},
    )
    assert shared.wait(task_id)["status"] == "success"
    assert shared.output(task_id, "stdout.txt").splitlines() == ["['first', 'second']", "[]"]


def test_environment_is_merged_and_carries_no_key(make_server):
    server = make_server(INDUCTIVA_API_KEY="canary", OUTER="outer")
    program = (
        "import os\n"
        "for name in ('OMP_NUM_THREADS', 'INNER', 'OUTER', 'INDUCTIVA_API_KEY'):\n"
        "    print(name, os.environ.get(name))"
    )
    server.environment.pop("OMP_NUM_THREADS", None)
    task_id = server.run(
        {"cmd": "python env.py", "prompts": [], "env": {"INNER": "inner", "OMP_NUM_THREADS": "7"}},
        files={"env.py": program},
    )
    assert server.wait(task_id)["status"] == "success"
    told = dict(line.split() for line in server.output(task_id, "stdout.txt").splitlines())
    assert told == {
        "OMP_NUM_THREADS": "7",
        "INNER": "inner",
        "OUTER": "outer",
        "INDUCTIVA_API_KEY": "None",
    }


def test_commands_run_in_the_subfolder_asked_for(shared):
    task_id = shared.run(
        "python here.py",
        files={"case/here.py": "open('made.txt', 'w').write('x')"},
        extra={"run_subprocess_dir": "case"},
    )
    assert shared.wait(task_id)["status"] == "success"
    assert shared.output(task_id, "case/made.txt") == "x"


def test_program_among_the_input_files_runs(shared):
    # Zip entries of clients carry the executable bit; here a command sets it.
    task_id = shared.run(
        "chmod +x ./solver",
        "./solver 42",
        files={"solver": f"#!{sys.executable}\nimport sys\nprint('solved', sys.argv[1])"},
    )
    assert shared.wait(task_id)["status"] == "success"
    assert shared.output(task_id, "stdout.txt").strip() == "solved 42"


def test_time_to_live_ends_a_task_and_keeps_its_output(shared):
    program = "import time\nprint('begun', flush=True)\ntime.sleep(600)"
    task_id = shared.run("python slow.py", files={"slow.py": program}, time_to_live_seconds=0.6)
    task = shared.wait(task_id)
    assert task["status"] == "ttl-exceeded"
    assert task["error_detail"] == "The task ran longer than its time to live of 0.6 s."
    assert shared.output(task_id, "stdout.txt").strip() == "begun"


def test_logs_can_be_read_while_the_task_runs_and_afterwards(shared, tmp_path):
    go_on = tmp_path / "go-on"
    program = (
        "import os, time\nprint('0123456789', flush=True)\n"
        f"while not os.path.exists({str(go_on)!r}): time.sleep(0.01)\nprint('end')"
    )
    task_id = shared.run("python talk.py", files={"talk.py": program})
    shared.wait(task_id, "computation-started")
    url = f"{shared.url}/tasks/{task_id}/files/stdout.txt"

    def tail(size: int) -> tuple[str, str]:
        response = shared.session.get(url, params={"tail_bytes": size})
        assert response.status_code == 200, response.text
        return response.text, response.headers["X-File-Size"]

    until(lambda: tail(100)[1] == "11", "the first line")
    assert tail(4) == ("789\n", "11")
    go_on.touch()
    assert shared.wait(task_id)["status"] == "success"
    assert tail(4) == ("end\n", "15")


def test_live_files_stay_inside_the_task(shared):
    task_id = shared.run("python -c pass", files={})
    shared.wait(task_id)
    for name in ("..%2F..%2Fserver.json", "%2Fetc%2Fpasswd", "a/..%2F..%2F..%2Fapi_key"):
        response = shared.session.get(f"{shared.url}/tasks/{task_id}/files/{name}")
        assert response.status_code in {400, 404}
        assert shared.key not in response.text


@pytest.mark.parametrize(
    ("member", "said"),
    [("../../outside.txt", "unsafe name"), ("/etc/outside.txt", "unsafe name")],
)
def test_input_that_leads_out_of_its_folder_is_refused(shared, member, said):
    task_id = shared.submit("python -c pass")
    shared.upload(
        task_id, input_zip({member: "x"}, top="" if member.startswith("/") else "sim_dir")
    )
    shared.call("POST", f"/tasks/{task_id}/input_uploaded")
    task = shared.wait(task_id)
    assert task["status"] == "executer-failed"
    assert said in task["error_detail"]


def test_input_that_is_no_archive_is_refused_at_once(shared):
    task_id = shared.submit("python -c pass")
    shared.upload(task_id, b"no archive")
    detail = shared.call("POST", f"/tasks/{task_id}/input_uploaded", 400)["detail"]
    assert "no zip archive" in detail
    assert shared.status(task_id) == "pending-input"


def test_input_that_never_came_is_a_conflict(shared):
    task_id = shared.submit("python -c pass")
    assert (
        "was not uploaded" in shared.call("POST", f"/tasks/{task_id}/input_uploaded", 409)["detail"]
    )


def test_telling_twice_of_an_upload_does_no_harm(shared):
    task_id = shared.run("python -c pass", files={})
    shared.call("POST", f"/tasks/{task_id}/input_uploaded")
    task = shared.wait(task_id)
    shared.call("POST", f"/tasks/{task_id}/input_uploaded")
    assert [e["status"] for e in task["status_history"]].count("submitted") == 1
