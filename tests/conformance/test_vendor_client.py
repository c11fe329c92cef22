"""The vendor's own client and command line do their work on the embedded server, unchanged."""

import io
import json
import re
import zipfile

import pytest

from tests.conformance.cases import FAILING
from tests.conformance.server import KEY

IMPORT_REQUESTS = [
    "GET /version-check",
    "GET /users/info",
    "GET /users/costs",
    "GET /users/fees",
    "GET /users/quotas",
]
OUTPUT_NAMES = {
    "final.hsf",
    "model.inp",
    "model.out",
    "model.rpt",
    "outflows.txt",
    "runoff.rof",
    "stderr.txt",
    "stdout.txt",
}
SUBMIT = """
import inductiva

group = inductiva.resources.machine_groups.get_by_name("local")
simulator = inductiva.simulators.SWMM()
task = simulator.run(
    input_dir=arguments[0],
    commands=["runswmm model.inp model.rpt model.out"],
    on=group,
)
"""


def test_import_checks_the_version_and_prints_the_account(vendor, served):
    done = vendor.run("import inductiva")
    assert done.returncode == 0, done.stderr
    assert "Username:" in done.stdout
    assert "Plan: Local" in done.stdout
    assert re.search(r"Machines +1 instance +1 instance", done.stdout)
    assert served.recorder.lines() == IMPORT_REQUESTS
    keys = [request.has_key for request in served.recorder.requests]
    assert keys == [False, True, True, True, True]
    assert {request.status for request in served.recorder.requests} == {200}


@pytest.mark.extended
def test_import_without_the_recorder_in_between(vendor, served):
    done = vendor.run("import inductiva", INDUCTIVA_API_URL=served.direct_url)
    assert "Plan: Local" in done.stdout
    assert served.recorder.requests == []


@pytest.mark.extended
def test_import_with_a_wrong_key_says_so(vendor, served):
    done = vendor.run("import inductiva; inductiva.tasks.get(1)", INDUCTIVA_API_KEY="wrong")
    assert done.returncode != 0
    assert "The API key is missing or not the one of this server." in done.stdout + done.stderr


def test_tasks_are_listed_by_number_by_status_and_all(ask, finished, running):
    found = ask("""
answer({
    "one": [task.id for task in inductiva.tasks.get(last_n=1)],
    "good": [task.info.status for task in inductiva.tasks.get(50, status="success")],
    "killed": len(inductiva.tasks.get(50, status="pending-input")),
    "all": [task.id for task in inductiva.tasks.get_all()],
    "table": inductiva.tasks.to_dict(inductiva.tasks.get_all(status="success")),
})
""")
    assert found["one"] == [running.id]
    assert set(found["good"]) == {"success"}
    assert found["killed"] == 0
    assert {running.id, finished.id} <= set(found["all"])
    row = found["table"]["ID"].index(finished.id)
    assert found["table"]["Simulator"][row] == "swmm"
    assert found["table"]["Status"][row] == "Success"
    assert re.fullmatch(r"0:00:\d\d", found["table"]["Computation Time"][row])
    assert found["table"]["Resource Type"][row] == "LOCAL local"


def test_submission_on_the_machine_group_found_by_name_runs_to_success(
    ask, served, short_storm, tmp_path
):
    task_id, status = ask(SUBMIT + "answer([task.id, task.wait().value])", str(short_storm))
    assert re.fullmatch(r"[a-z0-9]{25}", task_id)
    assert status == "success"
    requests = served.recorder.requests
    assert {request.status for request in requests} <= {200, 202, 204, 206}
    (upload,) = [request for request in requests if request.method == "PUT"]
    assert upload.chunked
    assert not upload.has_key
    with zipfile.ZipFile(io.BytesIO(upload.body)) as archive:
        assert "sim_dir/model.inp" in archive.namelist()
    # What wait() fetches by itself at the end.
    folder = tmp_path / "inductiva_output" / task_id / "outputs"
    assert {path.name for path in folder.iterdir()} == {"stdout.txt", "stderr.txt"}
    assert "EPA SWMM" in (folder / "stdout.txt").read_text()


def test_failing_task_says_why(ask, tmp_path):
    task_id, status, failed = ask(
        SUBMIT + "answer([task.id, task.wait(silent_mode=True).value, task.is_failed()])",
        str(FAILING),
    )
    assert (status, failed) == ("failed", True)
    folder = tmp_path / "inductiva_output" / task_id / "outputs"
    assert "ERROR 209" in "".join(path.read_text() for path in folder.iterdir())


def test_task_answers_questions_about_itself(ask, finished):
    facts = ask(
        """
task = inductiva.tasks.Task(arguments[0])
answer({
    "status": task.get_status().value,
    "terminal": task.is_terminal(),
    "failed": task.is_failed(),
    "running": task.is_running(),
    "simulator": task.get_simulator_name(),
    "machine": task.get_machine_type(),
    "computation": task.get_computation_time(),
    "total": task.get_total_time(),
    "path": task.get_storage_path(),
    "history": [step["status"] for step in task.info.status_history],
    "summary": task.summary,
})
""",
        finished.id,
    )
    assert facts["status"] == "success"
    assert (facts["terminal"], facts["failed"], facts["running"]) == (True, False, False)
    assert facts["simulator"] == "swmm"
    assert facts["machine"] == "LOCAL-local"
    assert facts["computation"] == pytest.approx(finished.get_computation_time())
    assert facts["total"] == pytest.approx(finished.get_total_time())
    assert facts["path"] == finished.get_storage_path()
    assert facts["history"] == [
        "pending-input",
        "submitted",
        "started",
        "computation-started",
        "computation-ended",
        "success",
    ]
    assert "runswmm model.inp model.rpt model.out" in facts["summary"]


def test_output_listing_has_names_sizes_and_prints(ask, finished):
    listing = ask(
        """
info = inductiva.tasks.Task(arguments[0]).get_output_info()
answer({
    "text": str(info),
    "n_files": info.n_files,
    "total": info.total_size_bytes,
    "files": {file.name: [file.size, file.compressed_size] for file in info.files},
})
""",
        finished.id,
    )
    ours = finished.get_output_info()
    assert listing["files"] == {f.name: [f.size, f.compressed_size] for f in ours.contents}
    assert set(listing["files"]) == OUTPUT_NAMES
    assert listing["n_files"] == len(OUTPUT_NAMES)
    assert listing["total"] == ours.size
    assert "Number of files: 8" in listing["text"]


def test_full_download_is_unpacked_and_the_archive_removed(ask, finished, short_storm, tmp_path):
    folder = ask("answer(inductiva.tasks.Task(arguments[0]).download_outputs())", finished.id)
    assert folder == f"inductiva_output/{finished.id}/outputs"
    files = {path.name: path for path in (tmp_path / folder).iterdir()}
    assert set(files) == OUTPUT_NAMES
    assert files["model.inp"].read_bytes() == (short_storm / "model.inp").read_bytes()
    sizes = {file.name: file.size for file in finished.get_output_info().contents}
    assert {name: path.stat().st_size for name, path in files.items()} == sizes


def test_download_of_the_archive_as_it_is(ask, finished, tmp_path):
    code = "answer(inductiva.tasks.Task(arguments[0]).download_outputs(uncompress=False))"
    folder = tmp_path / ask(code, finished.id)
    with zipfile.ZipFile(folder / "output.zip") as archive:
        assert archive.testzip() is None
        assert "artifacts/" in archive.namelist()


def test_partial_download_asks_for_ranges_and_writes_only_the_wanted_files(
    ask, served, finished, tmp_path
):
    folder = ask(
        "task = inductiva.tasks.Task(arguments[0])\n"
        'answer(task.download_outputs(filenames=["stdout.txt", "model.rpt"]))',
        finished.id,
    )
    files = {path.name: path for path in (tmp_path / folder).iterdir()}
    assert set(files) == {"stdout.txt", "model.rpt"}
    assert "EPA SWMM" in files["stdout.txt"].read_text()
    sizes = {file.name: file.size for file in finished.get_output_info().contents}
    assert files["model.rpt"].stat().st_size == sizes["model.rpt"]
    links = [request for request in served.recorder.requests if "/signed/" in request.path]
    assert {r.status for r in links if r.range} == {206}
    assert not any(request.has_key for request in links)


def test_inputs_are_downloaded_as_they_were_sent(ask, finished, short_storm, tmp_path):
    folder = ask("answer(inductiva.tasks.Task(arguments[0]).download_inputs())", finished.id)
    assert folder == f"inductiva_output/{finished.id}/inputs"
    got = tmp_path / folder / "sim_dir" / "model.inp"
    assert got.read_bytes() == (short_storm / "model.inp").read_bytes()


def test_output_url_is_a_link_without_a_key(ask, served, finished):
    url = ask("answer(inductiva.tasks.Task(arguments[0]).get_output_url())", finished.id)
    assert url.startswith(f"{served.url}/signed/{finished.id}/output.zip?")
    assert KEY not in url


def test_kill_ends_a_running_task(ask, running):
    ended = ask(
        "task = inductiva.tasks.Task(arguments[0])\n"
        "answer([task.kill(wait_timeout=20), task.get_status().value])",
        running.id,
    )
    assert ended == [True, "killed"]
    assert running.get_status() == "killed"


def test_metadata_is_replaced_and_read_back(ask, finished):
    read = ask(
        """
task = inductiva.tasks.Task(arguments[0])
first = {"study": "storms", "number": "one two/three"}
task.set_metadata(first)
seen = [task.get_metadata()]
task.set_metadata({"study": "floods"})
answer([*seen, task.get_metadata()])
""",
        finished.id,
    )
    assert read == [{"study": "storms", "number": "one two/three"}, {"study": "floods"}]
    assert finished.get_metadata() == {"study": "floods"}


def test_project_is_made_found_again_and_gathers_its_tasks(ask, served, short_storm):
    code = SUBMIT.replace("on=group,", 'on=group, project="harbour study",')
    code += """
project = inductiva.projects.Project("harbour study")
task.wait(silent_mode=True, download_std_on_completion=False)
answer({
    "gathered": [other.id for other in project.get_tasks()] == [task.id],
    "of_task": task.info.project,
    "count": inductiva.projects.Project("harbour study").num_tasks,
    "listed": {"default", "harbour study"} <= {p.name for p in inductiva.projects.get_projects()},
})
"""
    assert ask(code, str(short_storm)) == {
        "gathered": True,
        "of_task": "harbour study",
        "count": 1,
        "listed": True,
    }
    assert served.recorder.lines().count("POST /projects") == 1


def test_unknown_task_is_an_error_with_the_words_of_the_server(ask):
    said = ask("""
try:
    inductiva.tasks.Task("x" * 25).get_status()
except inductiva.client.ApiException as error:
    answer([error.status, error.body])
""")
    assert said[0] == 404
    assert 25 * "x" in json.loads(said[1])["detail"]


def test_command_tasks_list_shows_the_newest_tasks(vendor, served, finished, running):
    done = vendor.command("tasks", "list", "-n", "3")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    header = "ID SIMULATOR STATUS SUBMITTED STARTED COMPUTATION TIME RESOURCE TYPE"
    assert lines[0] == header.split()
    assert lines[1][:2] == [running.id, "swmm"]
    assert lines[1][-2:] == ["LOCAL", "local"]
    (request,) = [r for r in served.recorder.requests if r.path == "/tasks"]
    assert dict(request.query)["per_page"] == "3"
    assert request.user_agent.startswith("CLI/")


@pytest.mark.extended
def test_command_tasks_info_shows_status_timeline_and_data(vendor, finished):
    done = vendor.command("tasks", "info", finished.id)
    assert done.returncode == 0, done.stderr
    assert "Task status: Success" in done.stdout
    for alias in ("Waiting for Input", "In Queue", "In Progress", "Finalizing"):
        assert re.search(rf"\t{alias} +at \d\d/\d\d, \d\d:\d\d:\d\d", done.stdout), alias
    assert re.search(r"└> [\d.]+ s +runswmm model.inp model.rpt model.out", done.stdout)
    assert re.search(r"Number of output files: +8", done.stdout)


@pytest.mark.extended
def test_command_tasks_download_writes_into_a_folder_of_the_task(vendor, finished, tmp_path):
    done = vendor.command("tasks", "download", finished.id, "--dir", "got")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "got" / finished.id / "outputs"
    assert {path.name for path in folder.iterdir()} == OUTPUT_NAMES


@pytest.mark.extended
def test_command_tasks_download_of_named_files(vendor, finished, tmp_path):
    done = vendor.command("tasks", "download", finished.id, "--filenames", "model.rpt")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "inductiva_output" / finished.id / "outputs"
    assert {path.name for path in folder.iterdir()} == {"model.rpt"}


@pytest.mark.extended
def test_command_tasks_kill_asks_first(vendor, running):
    refused = vendor.command("tasks", "kill", running.id, "-w", "20", answer="n\n")
    assert refused.returncode == 1
    assert running.get_status() == "computation-started"


@pytest.mark.extended
def test_command_tasks_kill_kills(vendor, running):
    done = vendor.command("tasks", "kill", running.id, "-w", "20", "-y")
    assert "killed" in done.stdout + done.stderr
    assert running.get_status() == "killed"


@pytest.mark.extended
@pytest.mark.parametrize(
    "arguments", [["user", "info"], ["resources", "list"], ["projects", "list"]], ids=" ".join
)
def test_other_commands_find_what_they_ask_for(vendor, served, arguments):
    done = vendor.command(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {request.status for request in served.recorder.requests} == {200}
