"""The vendor's client and command line read the files of running tasks, unchanged."""

import contextlib
import os
import re
import subprocess
import threading

import pytest

from tests.conformance.cases import make_short_storm, start
from tests.conformance.server import KEY, recorded_server
from tests.conformance.vendor import VendorClient, client_environment
from tests.integration.server.conftest import until

pytestmark = pytest.mark.extended

PROGRESS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d +\d+\.\d% +wall +\d+\.\d s")
# Each of its commands takes three seconds of a processor before it asks for anything.
PATIENCE = 120.0
# A minute on a processor that has nothing else to do, and a line each second of it.
LONG_STORM = "05/20/2024"
NO_AIORTC = "import sys; sys.modules['aiortc'] = None"


@contextlib.contextmanager
def printing(vendor, *arguments):
    """Run the vendor's command line in the background; gives its process."""
    process = subprocess.Popen(
        [str(vendor.programs / "inductiva"), *arguments],
        cwd=vendor.folder,
        env={**vendor.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # What never comes ends the output, so that no test waits for ever.
    limit = threading.Timer(PATIENCE, process.kill)
    limit.start()
    try:
        yield process
    finally:
        limit.cancel()
        process.kill()
        process.communicate()


@pytest.fixture
def storm(served, tmp_path):
    """Return a running SWMM task that has printed some lines, and prints more by and by."""
    task = start(served, make_short_storm(tmp_path, LONG_STORM))
    assert task.wait_for_status("computation-started", 0.1, silent_mode=True)
    until(lambda: len(lines_of(task)) > 2, "progress", PATIENCE)
    yield task
    task.kill(wait_timeout=20)


def lines_of(task):
    """Return the lines of SWMM's progress that a task has written."""
    log = task.client.read_task_file(task.id, "stdout.txt", limit=1 << 16)
    return PROGRESS.findall(log.data.decode())


def progress(process, count):
    """Return so many lines of SWMM's progress from a command's output."""
    found = []
    while len(found) < count:
        line = process.stdout.readline()
        assert line, f"ended after {found}"
        # The client draws a bar before each line.
        if match := PROGRESS.search(line):
            found.append(match.group())
    return found


def test_logs_prints_a_running_swmm_task_line_by_line_until_it_is_killed(vendor, storm):
    with printing(vendor, "logs", storm.id, "--stdout") as process:
        seen = progress(process, 12)
        printed = lines_of(storm)
        begin = printed.index(seen[0])
        assert seen == printed[begin : begin + 12]
        # Those that were there already come at once, the others as they are printed.
        assert process.poll() is None
        storm.kill(wait_timeout=30)
        rest, _ = process.communicate(timeout=30)
    assert process.returncode == 0, rest


def test_tail_list_last_file_and_top_of_a_running_task(vendor, storm):
    done = vendor.command("tasks", "tail", storm.id, "stdout.txt", "-l", "2")
    assert done.returncode == 0, done.stderr
    assert len(PROGRESS.findall(done.stdout)) == 2, done.stdout
    done = vendor.command("tasks", "list-files", storm.id)
    assert {"model.inp", "stdout.txt", "stderr.txt"} <= set(done.stdout.split()), done.stdout
    done = vendor.command("tasks", "last-modified-file", storm.id)
    assert re.search(r"Most Recent File: \S+", done.stdout), done.stdout
    assert re.search(r"Time Since Last Modification: 0:00:0", done.stdout), done.stdout
    done = vendor.command("tasks", "top", storm.id)
    head, _, rows = done.stdout.partition("COMMAND\n")
    assert re.search(r"top - \d\d:\d\d:\d\d up", head), done.stdout
    assert re.search(r"^ *\d+ \S+ .* \d+:\d\d\.\d\d \S+", rows, re.MULTILINE), done.stdout


def test_tail_follows_two_files_at_once(vendor, storm):
    with printing(
        vendor, "tasks", "tail", storm.id, "stdout.txt", "model.inp", "-f", "-l", "3"
    ) as process:
        printed = ""
        while "BASIN 545 340" not in printed or len(PROGRESS.findall(printed)) < 6:
            line = process.stdout.readline()
            assert line, printed
            printed += line
        # More than three, so some were printed after it had begun.
        assert process.poll() is None


def test_tail_ends_with_the_reason_when_one_of_its_files_is_not_there(vendor, storm):
    done = vendor.command("tasks", "tail", storm.id, "stdout.txt", "none.txt", "-f")
    assert "There is no file 'none.txt'." in done.stdout, done


def test_wait_prints_the_output_to_its_end(ask, served, vendor_session, tmp_path):
    long_enough = make_short_storm(tmp_path, "02/29/2024")
    task = start(served, long_enough)
    done = vendor_session.run(
        tmp_path,
        f"""
import inductiva
answer(str(inductiva.tasks.Task("{task.id}").wait(download_std_on_completion=False)))
""",
    )
    assert "Continuity error" in done["printed"], done
    assert "Done in" in done["printed"]
    printed = PROGRESS.findall(done["printed"])
    assert len(printed) == len(set(printed))
    assert "success" in done["answer"].lower()


def test_a_client_that_asks_too_late_is_told_so_and_makes_no_offer(vendor, served, finished):
    done = vendor.command("logs", finished.id)
    assert f"Task {finished.id} has terminated." in done.stderr, done
    assert done.stdout == ""
    paths = {request.path for request in served.recorder.requests}
    assert f"/tasks/{finished.id}" in paths
    assert not any(path.endswith(("/register", "/offer", "/message")) for path in paths)


@pytest.fixture(scope="module")
def without_aiortc(tmp_path_factory):
    blocker = tmp_path_factory.mktemp("blocker")
    (blocker / "sitecustomize.py").write_text(NO_AIORTC)
    path = os.pathsep.join([str(blocker), os.environ.get("PYTHONPATH", "")])
    with recorded_server(tmp_path_factory.mktemp("bare"), PYTHONPATH=path) as served:
        yield served


def test_without_aiortc_the_client_says_that_nobody_is_there(programs, without_aiortc, tmp_path):
    task = start(without_aiortc, make_short_storm(tmp_path, LONG_STORM))
    assert task.wait_for_status("computation-started", 0.05, silent_mode=True)
    environment = client_environment(without_aiortc.url, KEY, tmp_path)
    try:
        done = VendorClient(programs, tmp_path, environment).command("tasks", "list-files", task.id)
    finally:
        task.kill(wait_timeout=20)
    assert "Failed to connect to the task." in done.stdout, done
    statuses = {request.status for request in without_aiortc.recorder.requests}
    assert statuses == {200, 204}
