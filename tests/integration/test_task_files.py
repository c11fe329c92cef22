"""Files of a task read where they lie: tails while it runs, one output by ranges, inputs."""

import io

import pandas as pd
import pytest

from inductiva_widgets import errors, tasks
from tests.integration.conftest import CASES


def test_open_output_is_seekable_and_exact(finished, tmp_path):
    folder = finished.download_outputs(["outflows.txt", "model.out"], tmp_path)
    with finished.open_output("model.out") as remote:
        whole = (folder / "model.out").read_bytes()
        remote.seek(-100, 2)
        assert remote.read() == whole[-100:]
        remote.seek(1000)
        assert remote.read(50) == whole[1000:1050]


def test_outputs_of_a_list_are_downloaded_and_the_ones_without_are_named(swmm, finished, tmp_path):
    queued = swmm.run(CASES / "swmm_long")
    both = tasks.TaskList([queued, finished])
    with pytest.raises(errors.DownloadError, match=f"1 of 2 downloads failed, .*{queued.id}"):
        both.download_outputs(["stdout.txt"], tmp_path / "all")
    queued.kill(wait_timeout=20)
    assert (tmp_path / "all" / finished.id / "stdout.txt").is_file()
    assert both[1:].download_outputs(["model.rpt"], tmp_path / "all") == [
        tmp_path / "all" / finished.id
    ]


def test_open_output_feeds_pandas(finished):
    with finished.open_output("outflows.txt") as remote:
        frame = pd.read_csv(remote, sep="\t", header=None, names=["line"], on_bad_lines="skip")
    assert len(frame) > 10


def test_open_output_names_a_missing_file(finished):
    with pytest.raises(errors.InputError, match=r"model\.rptt"):
        finished.open_output("model.rptt")


def test_inputs_come_back_as_they_were_sent(finished, short_storm):
    folder = finished.download_inputs()
    assert folder.as_posix() == f"inductiva_output/{finished.id}/inputs"
    assert (folder / "model.inp").read_bytes() == (short_storm / "model.inp").read_bytes()


def test_tail_of_an_ended_task(finished, capsys):
    finished.tail_files(lines=2)
    printed = capsys.readouterr().out
    assert "==> stdout.txt <==" in printed
    assert "Done in" in printed
    assert len(printed.splitlines()) == 4


def test_tail_follows_a_running_task_to_its_end(swmm, short_storm, capsys):
    task = swmm.run(short_storm)
    task.tail_files("stdout.txt", lines=1000, follow=True)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("EPA SWMM")
    assert printed[-1].startswith("Done in")
    task.tail_files("stdout.txt", lines=1000)
    assert capsys.readouterr().out.splitlines() == printed


def test_tail_of_a_running_task_shows_what_is_there(swmm, capsys):
    task = swmm.run(CASES / "swmm_long")
    task.wait_for_status("computation-started", 0.1, silent_mode=True)
    try:
        printed = ""
        while "EPA SWMM" not in printed:
            task.tail_files("stdout.txt", lines=50)
            printed += capsys.readouterr().out
    finally:
        task.kill(wait_timeout=20)


def test_tail_refuses_a_bad_count(finished):
    for lines in (-1, 1.5, True):
        with pytest.raises(errors.InputError, match="lines"):
            finished.tail_files(lines=lines)


def test_removed_files_are_gone(swmm, short_storm, capsys):
    task = swmm.run(short_storm)
    task.wait(0.1, silent_mode=True, download_std_on_completion=False)
    assert task.remove_remote_files() is True
    with pytest.raises(errors.InductivaError):
        task.download_outputs()
    task.remove_remote_files(verbose=True)
    assert capsys.readouterr().out == f"Task {task.id}: It has no remote files.\n"


def test_archive_is_kept_and_remote_files_are_removed_if_asked(swmm, short_storm, tmp_path):
    task = swmm.run(short_storm)
    task.wait(0.1, silent_mode=True, download_std_on_completion=False)
    inputs = task.download_inputs(None, tmp_path / "in", rm_downloaded_zip_archive=False)
    assert {"model.inp", "input.zip"} <= {path.name for path in inputs.iterdir()}
    outputs = task.download_outputs(None, tmp_path / "out", rm_remote_files=True)
    assert outputs == tmp_path / "out"
    assert (outputs / "model.rpt").is_file()
    assert not (outputs / "output.zip").exists()
    with pytest.raises(errors.InductivaError):
        task.download_outputs()


def test_tail_is_printed_to_the_file_given(finished, capsys):
    file = io.StringIO()
    finished.tail_files(["stdout.txt"], 2, False, file)
    assert len(file.getvalue().splitlines()) == 2
    assert capsys.readouterr().out == ""


def test_kill_prints_what_came_of_it_if_asked(swmm, capsys):
    task = swmm.run(CASES / "swmm_long")
    task.kill(verbosity_level=1)
    assert capsys.readouterr().out == f"Task {task.id}: Kill requested\n"
    task.kill(20, 2)
    assert capsys.readouterr().out == f"Task {task.id}: killed\n"


def test_wait_says_why_a_task_failed(swmm, capsys):
    task = swmm.run(CASES / "swmm_fail")
    assert task.wait(0.1, download_std_on_completion=False) == "failed"
    *_, status, reason = capsys.readouterr().err.rstrip().partition("Reason: ")
    assert status == "Reason: "
    assert reason
