"""What programs of Slurm print, and what it means for tasks; without any Slurm."""

from __future__ import annotations

import subprocess
import time
from types import SimpleNamespace

import pytest

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.server.executor import RunState
from inductiva_widgets.server.slurm import commands, job_states
from inductiva_widgets.server.slurm.commands import Job, RejectedError, SlurmError
from inductiva_widgets.server.slurm.job_table import JobTable
from inductiva_widgets.server.slurm.options import SlurmOptions
from inductiva_widgets.status import Status


def job(state: str, **fields) -> Job:
    given = {"job_id": "7", "reason": "None", "start": "N/A", "nodes": "n1", "time_limit": None}
    return Job(**{**given, "partition": "main", "name": "task", **fields, "state": state})


@pytest.fixture
def answer(monkeypatch):
    """Return a function that sets what the next programs print, and their exit code."""
    calls = []

    def say(out: str = "", err: str = "", code: int = 0):
        def run(command, **more):
            calls.append((command, more))
            return SimpleNamespace(stdout=out, stderr=err, returncode=code)

        monkeypatch.setattr(subprocess, "run", run)
        return calls

    return say


def test_rows_of_jobs_are_read_whatever_their_name(answer):
    answer(
        "12|PENDING|Priority|N/A||1-00:00:00|main|a|b\n"
        "13|RUNNING|None|2026-11-30T10:00:00|n[1-2]|UNLIMITED|main|task\n"
        "14_3|RUNNING|None|N/A|n1|1:00|main|array\n"
    )
    jobs = commands.list_jobs()
    assert [*jobs] == ["12", "13"]
    assert (jobs["12"].name, jobs["12"].time_limit) == ("a|b", 86400.0)
    assert (jobs["13"].nodes, jobs["13"].time_limit) == ("n[1-2]", None)


def test_cancellation_of_the_accounting_is_read(answer, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: name)
    answer("12|CANCELLED by 0|None|2026-11-30T10:00:00|n1|UNLIMITED|main|task\n")
    assert commands.read_accounting("12").state == "CANCELLED"
    answer(err="Slurm accounting storage is disabled", code=1)
    assert commands.read_accounting("12") is None


def test_partitions_are_merged_from_their_rows(answer):
    answer(
        "main*|up|infinite|2|64|2|32|256000|idle\n"
        "main*|up|infinite|1|128+|2|64|512000+|mixed*\n"
        "short|down|1:00:00|1|64|2|32|256000|idle\n"
    )
    main, short = commands.list_partitions()
    assert (main.name, main.is_default, main.is_up, main.nodes) == ("main", True, True, 3)
    assert (main.cpus, main.cores, main.memory) == (128, 128, 512000 << 20)
    assert main.node_states == {"idle": 2, "mixed": 1}
    assert (short.is_default, short.is_up, short.time_limit) == (False, False, 3600.0)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("Unable to contact slurm controller (connect failure)", SlurmError),
        ("Socket timed out on send/recv operation", SlurmError),
        ("Job violates accounting/QOS policy (job submit limit, user's size)", SlurmError),
        ("invalid partition specified: nowhere", RejectedError),
        ("Requested node configuration is not available", RejectedError),
    ],
)
def test_submission_is_retried_only_after_temporary_errors(answer, said, error):
    answer(err=f"sbatch: error: {said}", code=1)
    with pytest.raises(error, match=said.partition(" (")[0]):
        commands.submit([], "#!/bin/sh\n", "/")


def test_program_that_does_not_respond_is_an_error_that_says_so(monkeypatch):
    def run(command, timeout, **more):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(SlurmError, match=r"squeue did not respond within 30 s: .* tries again"):
        commands.list_jobs()


def test_jobs_get_neither_keys_nor_the_values_of_the_job_of_the_notebook(answer, monkeypatch):
    monkeypatch.setenv("INDUCTIVA_API_KEY", "secret")
    monkeypatch.setenv("SLURM_MEM_PER_CPU", "1")
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm.conf")
    monkeypatch.setenv("SBATCH_ACCOUNT", "lab")
    calls = answer("5;cluster\n")
    assert commands.submit(["--ntasks=1"], "#!/bin/sh\n", "/") == "5"
    [(command, more)] = calls
    assert command == ["sbatch", "--parsable", "--chdir=/", "--ntasks=1"]
    names = {name for name in more["env"] if name.startswith(("SLURM_", "SBATCH_", "INDUCTIVA_A"))}
    assert names == {"SLURM_CONF", "SLURM_TIME_FORMAT", "SBATCH_ACCOUNT"}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("PENDING", RunState.QUEUED),
        ("CONFIGURING", RunState.QUEUED),
        ("RUNNING", RunState.RUNNING),
        ("COMPLETING", RunState.RUNNING),
        ("SUSPENDED", RunState.RUNNING),
        ("A_STATE_OF_A_LATER_VERSION", RunState.RUNNING),
        ("COMPLETED", RunState.ENDED),
        ("NODE_FAIL", RunState.ENDED),
    ],
)
def test_states_of_jobs_are_those_of_runs(state, expected):
    assert job_states.run_state(job(state)) == expected


def test_description_of_a_job_says_why_it_waits_and_where_it_runs():
    waiting = job("PENDING", reason="Priority", start="2026-11-30T10:00:00", nodes="")
    assert job_states.describe(waiting) == (
        "Slurm job 7 in partition main: behind other jobs; expected to start at 2026-11-30 10:00."
    )
    assert job_states.describe(job("RUNNING")) == "Slurm job 7 on n1."
    assert job_states.describe_reason("QOSMaxCpuPerUserLimit").startswith("a limit of its QOS")
    assert job_states.describe_reason("ReqNodeNotAvail, Reserved") == (
        "the nodes that it needs are down, drained or reserved"
    )
    assert job_states.describe_reason("Unheard") == "waiting (Unheard)"


@pytest.mark.parametrize(
    ("state", "limit", "time_to_live", "expected"),
    [
        ("TIMEOUT", 600.0, 300.0, Status.TTL_EXCEEDED),
        ("TIMEOUT", 600.0, 900.0, Status.EXECUTER_TERMINATED_TTL_EXCEEDED),
        ("TIMEOUT", 600.0, None, Status.EXECUTER_TERMINATED_TTL_EXCEEDED),
        ("PREEMPTED", None, None, Status.SPOT_INSTANCE_PREEMPTED),
        ("NODE_FAIL", None, None, Status.EXECUTER_TERMINATED),
        ("BOOT_FAIL", None, None, Status.EXECUTER_TERMINATED),
        ("CANCELLED", None, None, Status.EXECUTER_TERMINATED),
        ("OUT_OF_MEMORY", None, None, Status.EXECUTER_FAILED),
        ("FAILED", None, None, Status.EXECUTER_FAILED),
    ],
)
def test_final_states_of_jobs_are_those_of_tasks(state, limit, time_to_live, expected):
    found = job_states.ending(job(state, time_limit=limit), time_to_live, "Its log is empty.")
    assert found.status == expected
    assert "Slurm job 7 on n1" in found.reason or "partition main" in found.reason


def test_job_that_completed_implies_nothing():
    assert job_states.ending(job("COMPLETED"), None, "") is None


def test_last_states_stay_in_use_while_slurm_does_not_respond():
    answers = [{"7": job("RUNNING")}, SlurmError("no answer")]

    def query():
        found = answers.pop(0)
        if isinstance(found, SlurmError):
            raise found
        return found

    table = JobTable(query)
    first = table.read(interval=0.0)
    deadline = time.monotonic() + 30
    while answers and time.monotonic() < deadline:
        assert table.read(interval=0.0).jobs == first.jobs
    assert answers == []
    assert table.last() == first.jobs


def test_states_that_were_never_read_are_an_error():
    def query():
        raise SlurmError("no answer")

    with pytest.raises(SlurmError, match="no answer"):
        JobTable(query).read(interval=10.0)


def test_options_are_saved_and_become_arguments(tmp_path):
    options = SlurmOptions("long", "lab", None, "--mem=4G --exclusive", tmp_path / "profile.sh")
    options.write(tmp_path / "slurm.json")
    assert SlurmOptions.read(tmp_path / "slurm.json") == options
    assert SlurmOptions.read(tmp_path / "none") == SlurmOptions()
    assert options.sbatch_arguments("short") == [
        "--mem=4G",
        "--exclusive",
        "--partition=short",
        "--account=lab",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (SlurmOptions(job_options="--mem='4G"), "must be options of sbatch"),
        (SlurmOptions(job_options="--mem=4G -J mine"), "must not contain -J"),
        (SlurmOptions(job_options="--requeue"), "must not contain --requeue"),
    ],
)
def test_options_that_the_server_sets_itself_are_refused(options, message):
    with pytest.raises(LocalServerError, match=message):
        options.check()


def test_profile_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(LocalServerError, match="There is no such file"):
        SlurmOptions(profile=tmp_path / "none").check()
