import json

import msgspec
import pytest

from inductiva_widgets.errors import DownloadError
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.polling import PollStatus
from inductiva_widgets.status import KNOWN_STATUSES, Status
from inductiva_widgets.widgets import view_models
from inductiva_widgets.widgets.log_tail import last_lines
from tests.unit.conftest import START, at, wire_task

T0 = START.timestamp() * 1000
ENDED = {code for code in KNOWN_STATUSES if code not in (
    "pending-input", "submitted", "started", "computation-started", "computation-ended",
    "pending-kill")}  # fmt: skip


def info(**fields):
    return msgspec.json.decode(msgspec.json.encode(wire_task(**fields)), type=TaskInfo)


def test_every_status_makes_a_card_that_is_plain_json():
    for status in (*KNOWN_STATUSES, "teleported"):
        view = view_models.task_view(info(status=status, is_terminated=status in ENDED))
        assert json.loads(json.dumps(view)) == view
        assert view["alias"], status
        assert view["meaning"], status


def test_only_a_live_task_whose_kill_is_not_under_way_can_be_killed():
    views = {
        status: view_models.task_view(info(status=status, is_terminated=status in ENDED))
        for status in KNOWN_STATUSES
    }
    can_be_killed = {status for status, view in views.items() if view["can_kill"]}
    assert can_be_killed == set(KNOWN_STATUSES) - ENDED - {"pending-kill"}


def test_running_computation_is_counted_by_the_page():
    view = view_models.row_view(info(status="computation-started"))
    assert view["computation"] == {"seconds": None, "since": T0 + 16_000}
    assert view["marks"][2:] == [T0 + 16_000, None, None]


def test_ended_computation_is_a_number():
    assert view_models.row_view(info())["computation"] == {"seconds": 10.0, "since": None}


def test_queue_position_is_shown_in_the_queue_alone():
    assert view_models.task_view(info(status="submitted"), 2)["queue_ahead"] == 2
    assert view_models.task_view(info(status="started"), 2)["queue_ahead"] is None


def test_failure_gives_reason_and_next_step():
    reason = "The command ended with exit code 1: runswmm\nERROR 209: undefined object J44"
    failure = view_models.task_view(info(status="failed", error_detail=reason))["failure"]
    assert failure["title"] == "The command ended with exit code 1: runswmm"
    assert failure["detail"] == "ERROR 209: undefined object J44"
    assert "stderr.txt" in failure["advice"]


def test_failure_of_the_machine_gives_the_machines_reason():
    executer = {"vm_type": "c2", "error_detail": "No space left on device"}
    view = view_models.task_view(info(status="executer-failed", executer=executer))
    assert view["failure"]["title"] == "No space left on device"


def test_kill_says_what_it_means_and_that_nothing_needs_to_be_done():
    failure = view_models.task_view(info(status="killed"))["failure"]
    assert failure["title"] == "You killed this task."
    assert failure["advice"].startswith("Nothing needs to be corrected")


def test_every_task_that_ended_without_success_is_given_a_next_step():
    for status in (code for code in KNOWN_STATUSES if Status(code).is_failed):
        failure = view_models.task_view(info(status=status))["failure"]
        assert failure["title"], status
        assert "again" in failure["advice"], status


def test_machine_that_says_more_than_the_service_is_heard():
    machine = {"vm_type": "c2", "host_type": "GCP", "error_detail": "No space left on device"}
    view = view_models.task_view(
        info(status="executer-failed", error_detail="Disk", executer=machine)
    )
    assert view["failure"]["title"] == "Disk"
    assert view["failure"]["detail"] == "No space left on device"


def test_lines_of_the_reason_that_are_among_the_last_words_are_not_said_twice():
    reason = "Exit code 1: swmm\n(an error of the program)\nstep 3\nERROR 209"
    words = [{"name": "stderr.txt", "text": "  step 3\nERROR 209\n"}]
    view = view_models.task_view(info(status="failed", error_detail=reason), last_words=words)
    assert view["failure"]["detail"] == "(an error of the program)"
    assert view["failure"]["last_words"] == words


MISSING_PROGRAM = (
    "The program 'ccx' was not found on this machine.\n"
    "To provide it: put it on the PATH of the embedded server.\n"
    f"Looked at: the PATH ({'/opt/bin:' * 60})."
)


@pytest.mark.parametrize("reason", [MISSING_PROGRAM, MISSING_PROGRAM.replace("\n", " ")])
def test_reason_written_to_stderr_by_the_server_is_said_once(reason):
    words = [{"name": "stderr.txt", "text": last_lines(reason.encode())}]
    failure = view_models.task_view(
        info(status="executer-failed", error_detail=reason), last_words=words
    )["failure"]
    assert failure["title"] == "The program 'ccx' was not found on this machine."
    assert "To provide it: put it on the PATH of the embedded server." in failure["detail"]
    assert failure["last_words"] == []


def test_advice_about_disk_and_memory_is_given_unless_the_reason_is_another():
    def advice(reason):
        return view_models.task_view(info(status="executer-failed", error_detail=reason))[
            "failure"
        ]["advice"]

    assert "larger disk or more memory" in advice(None)
    assert "larger disk or more memory" in advice("No space left on device")
    assert "disk" not in advice(MISSING_PROGRAM)


def test_reason_is_plain_text():
    reason = "Exit code 1: \x1b[1mswmm\x1b[0m\n10 %\r20 %\n\x1b[31mERROR 209\x1b[0m"
    words = [{"name": "stderr.txt", "text": "ERROR 209"}]
    view = view_models.task_view(info(status="failed", error_detail=reason), last_words=words)
    assert view["failure"]["title"] == "Exit code 1: swmm"
    assert view["failure"]["detail"] == "20 %"


@pytest.mark.parametrize("status", ["success", "pending-kill", "computation-started"])
def test_what_is_no_failure_has_none(status):
    assert view_models.task_view(info(status=status))["failure"] is None


def test_commands_come_with_their_time_and_verdict():
    operation = {
        "name": "exec_command",
        "start_timestamp": at(16),
        "end_timestamp": at(20),
        "status": "OK",
        "attributes": {"command": "runswmm a b", "exit_code": 3},
    }
    running = {**operation, "end_timestamp": None, "status": "RUNNING"}
    other = {**operation, "name": "download_input"}
    history = [{"status": "computation-started", "operations": [operation, running, other]}]
    first, second = view_models.task_view(info(status_history=history))["commands"]
    assert first == {
        "command": "runswmm a b",
        "elapsed": {"seconds": 4.0, "since": None},
        "ok": True,
        "exit_code": 3,
    }
    assert second["elapsed"]["since"] == T0 + 16_000
    assert second["ok"] is None


def test_console_link_is_for_the_real_service_alone():
    assert view_models.task_view(info(), is_local=True)["console_url"] is None
    assert view_models.task_view(info(task_id="a/b"))["console_url"].endswith("/a%2Fb")


def test_own_errors_are_shown_as_they_are():
    view = view_models.error_view("No", DownloadError("The disk is full."))
    assert view == {
        "title": "No",
        "detail": "The disk is full.",
        "report": "No: DownloadError: The disk is full.",
    }


def test_text_of_foreign_errors_is_not_shown_as_it_may_hold_a_signed_link():
    try:
        raise OSError("https://host/file?signature=SECRET")
    except OSError as error:
        view = view_models.error_view("No", error)
    assert "SECRET" not in str(view)
    assert "OSError in test_text" in view["report"]


def test_feed_is_in_milliseconds():
    assert view_models.poll_status_view(PollStatus(1.5, 2.0, "gone", "offline"), 3.0) == {
        "updated": 1500,
        "offline_since": 2000,
        "error": "gone",
        "problem": "offline",
        "notice": None,
        "is_final": False,
        "skew": 3000,
        "is_paused": False,
    }
