"""Run, watch, kill, download, list: the client against the real server and the real simulator."""

import zipfile

import pytest

from inductiva_widgets import connect, errors, simulators, tasks
from inductiva_widgets.widgets import TaskWidget, static_html
from tests.integration.conftest import CASES


@pytest.fixture
def storm(swmm, short_storm):
    task = swmm.run(short_storm)
    assert task.wait(0.1, silent_mode=True, download_std_on_completion=False) == "success"
    return task


def test_storm_runs_to_success_with_times_and_outputs(storm):
    assert storm.get_simulator_name() == "swmm"
    assert storm.get_machine_type() == "local"
    assert 0 < storm.get_computation_time() <= storm.get_total_time()
    outputs = storm.get_output_files_info()
    names = {file.name for file in outputs.contents}
    assert {"stdout.txt", "stderr.txt", "model.inp", "model.rpt", "model.out"} <= names
    assert outputs.n_files == storm.info.metrics.output_total_files
    assert "model.rpt" in str(outputs)


def test_history_tells_each_step(storm):
    statuses = [str(event.status) for event in storm.info.status_history]
    assert statuses == [
        "pending-input",
        "submitted",
        "started",
        "computation-started",
        "computation-ended",
        "success",
    ]
    (operation,) = [
        operation
        for event in storm.info.status_history
        for operation in event.operations
        if operation.name == "exec_command"
    ]
    assert operation.attributes["command"] == "runswmm model.inp model.rpt model.out"


def test_download_of_all_outputs(storm, short_storm):
    folder = storm.download_outputs()
    assert folder.as_posix() == f"inductiva_output/{storm.id}/outputs"
    assert (folder / "model.inp").read_bytes() == (short_storm / "model.inp").read_bytes()
    assert "EPA SWMM" in (folder / "stdout.txt").read_text()
    assert len(list(folder.iterdir())) == storm.get_output_info().n_files


def test_download_of_some_outputs_into_a_folder_of_ones_own(storm, tmp_path):
    folder = storm.download_outputs(["stdout.txt", "*.rpt"], tmp_path / "mine")
    assert {path.name for path in folder.iterdir()} == {"stdout.txt", "model.rpt"}


def test_download_of_the_archive_as_it_is(storm):
    folder = storm.download_outputs(uncompress=False)
    with zipfile.ZipFile(folder / "output.zip") as archive:
        assert archive.testzip() is None
        assert "artifacts/model.rpt" in archive.namelist()


def test_failure_says_why(swmm):
    task = swmm.run(CASES / "swmm_fail")
    assert task.wait(0.1, silent_mode=True, download_std_on_completion=False) == "failed"
    text = static_html.task_text(task.info, task._state.server_time)
    assert "exit code 1" in text
    assert "ERROR 209" in text


def test_running_task_is_killed(swmm):
    task = swmm.run(CASES / "swmm_long")
    assert task.wait_for_status("computation-started", 0.1, silent_mode=True)
    assert task.get_computation_time() is not None
    assert task.kill(wait_timeout=15) is True
    assert task.get_status() == "killed"
    assert "stdout.txt" in str(task.get_output_info())


def test_task_in_the_queue_is_killed_and_has_no_output(swmm, client):
    first = swmm.run(CASES / "swmm_long")
    queued = [swmm.run(CASES / "swmm_long") for _ in range(4)]
    last = queued[-1]
    try:
        assert last.get_status() == "submitted"
        assert last.get_position_in_queue() >= 1
        assert last.kill(wait_timeout=60) is True
        with pytest.raises(errors.TaskError, match="no output"):
            last.download_outputs()
    finally:
        for task in (first, *queued):
            task.kill(wait_timeout=15)


def test_sync_context_kills_the_remote_task_on_an_interrupt(swmm):
    task = swmm.run(CASES / "swmm_long")
    with pytest.raises(KeyboardInterrupt), task.sync_context():
        raise KeyboardInterrupt
    assert task.wait(0.1, silent_mode=True, download_std_on_completion=False) == "killed"


def test_listing_and_frame(storm, client):
    found = tasks.get(last_n=50)
    assert storm in found
    frame = found.to_frame()
    assert frame.loc[storm.id, "status"] == "success"
    assert frame.loc[storm.id, "computation_time"].total_seconds() > 0
    assert storm in tasks.get(last_n=50, status="success")
    assert storm not in tasks.get(last_n=50, status="failed")


def test_metadata_round_trip(storm):
    storm.set_metadata({"purpose": "test"})
    assert storm.get_metadata() == {"purpose": "test"}


def test_project_is_made_and_kept(swmm, short_storm):
    task = swmm.run(short_storm, project="sewers")
    assert task.info.project == "sewers"
    assert task in tasks.get(project="sewers")
    task.kill(wait_timeout=15)


def test_card_of_a_finished_task_needs_no_polling(storm):
    widget = TaskWidget(storm)
    assert widget.view["status"] == "success"
    marks = widget.view["marks"]
    # In the queue, preparing, computing, finalizing, ended: none is missing.
    assert marks == sorted(marks)
    assert len(marks) == 5
    assert widget.view["commands"][0]["ok"] is True
    # No console knows a task of the embedded server, also when that was given by its address.
    assert widget.view["console_url"] is None


def test_unknown_simulator_version_lists_the_known_and_submits_nothing(client, short_storm):
    before = client.list_tasks(per_page=1).total_size
    with pytest.raises(errors.InputError, match="expected one of: "):
        simulators.SWMM(version="0.0.1").run(short_storm)
    assert client.list_tasks(per_page=1).total_size == before


def test_missing_program_is_named_with_the_ways_to_provide_it(client, short_storm):
    image = simulators.CustomImage("docker://me/mine:1")
    task = image.run(short_storm, commands=["no-such-program-here --version"])
    assert task.wait(0.1, silent_mode=True, download_std_on_completion=False).is_failed
    text = static_html.task_text(task.info, task._state.server_time)
    assert "no-such-program-here" in text
    assert "PATH" in text


def test_any_program_on_the_path_runs(client, short_storm):
    image = simulators.CustomImage("docker://me/mine:1")
    task = image.run(short_storm, commands=["wc -l model.inp"])
    assert task.wait(0.1, silent_mode=True, download_std_on_completion=False) == "success"
    folder = task.download_outputs(["stdout.txt"])
    assert (folder / "stdout.txt").read_text().split()[1] == "model.inp"


def test_wrong_key_is_one_clear_sentence(server_url):
    with pytest.raises(errors.AuthenticationError, match="INDUCTIVA_API_KEY"):
        connect(server_url, api_key="wrong").list_tasks()


def test_unknown_task_is_not_found(client):
    with pytest.raises(errors.NotFoundError, match="nosuchtask"):
        tasks.Task("nosuchtask").get_status()
