import time

import pytest

from inductiva_widgets.errors import APIConnectionError, InputError, NotFoundError, TaskError
from inductiva_widgets.tasks import Task, TaskList
from tests.unit.conftest import wire_task

ID = "n7pbtxunxqzuca6nwe9v0gn75"


@pytest.fixture
def make(service):
    def make(**fields):
        return Task(ID, client=service(wire_task(**fields)))

    return make


@pytest.fixture
def no_sleep(monkeypatch):
    """Make waits pass at once; what should happen meanwhile is done by the given function."""

    def install(action=lambda: None):
        monkeypatch.setattr("time.sleep", lambda _: action())

    return install


def requests(task):
    return task.client.transport.requests


def finish(task, status="success"):
    task.client.transport.tasks[ID].update(wire_task(status=status))


def test_making_a_task_costs_no_request(make):
    task = make()
    assert requests(task) == []
    assert repr(task) == f"Task('{ID}')"


@pytest.mark.parametrize("task_id", ["", "  ", None, 5])
def test_what_is_no_id_is_refused(service, task_id):
    with pytest.raises(InputError, match="task id"):
        Task(task_id, client=service())


def test_unknown_id_is_not_found(service):
    with pytest.raises(NotFoundError):
        Task("nope", client=service()).get_status()


def test_status_prints_as_its_code(make):
    assert str(make(status="submitted").get_status()) == "submitted"


def test_status_of_an_ended_task_costs_no_further_request(make):
    task = make()
    assert task.get_status() == "success"
    assert requests(task) == [f"GET /tasks/{ID}/status"]
    assert task.get_status() == "success"
    assert len(requests(task)) == 1
    assert task.is_terminal()
    before = len(requests(task))
    assert task.get_status() == "success"
    assert task.get_machine_type() == "c2-standard-16"
    assert task.get_computation_time() == 10
    assert len(requests(task)) == before


def test_status_of_a_live_task_is_asked_each_time(make):
    task = make(status="computation-started")
    assert task.is_running()
    finish(task)
    assert task.get_status() == "success"
    assert not task.is_running()


def test_machine_type_is_none_until_there_is_one(make):
    task = make(status="submitted")
    with pytest.warns(UserWarning, match=r'status: In Queue.*wait_for_status\("started"\)'):
        assert task.get_machine_type() is None
    finish(task)
    assert task.get_machine_type() == "c2-standard-16"


def test_times_are_seconds(make):
    task = make()
    assert task.get_computation_time() == task.get_execution_time() == 10.0
    asked = len(requests(task))
    assert (task.get_computation_time(cached=True), task.get_total_time(cached=True)) == (10, 28)
    assert len(requests(task)) == asked
    assert task.get_total_time() == 28.0


def test_late_news_do_not_revive_an_ended_task(make):
    task = make()
    ended = task.get_info()
    late = task._from_info(ended, task.client).client.get_task(ID)
    task.client.transport.tasks[ID].update(wire_task(status="computation-started"))
    stale = task.client.get_task(ID)
    assert not stale.is_terminal
    assert task._state.update(stale).is_terminal
    assert late.is_terminal


def test_answer_that_was_overtaken_takes_nothing_back(make, monkeypatch):
    task = make(status="submitted")
    ask = task.client.get_task

    def slow(task_id):
        answer = ask(task_id)
        # Somebody else asks later, and is answered before.
        monkeypatch.setattr(task.client, "get_task", ask)
        task.client.transport.tasks[ID].update(wire_task(status="computation-started"))
        assert task.get_info().status == "computation-started"
        return answer

    monkeypatch.setattr(task.client, "get_task", slow)
    assert task.get_info().status == "computation-started"
    assert task._state.last_info.status == "computation-started"


def test_overtaken_queue_position_is_not_taken(make):
    task = make(status="submitted")
    info = task.get_info()
    asked_at = time.monotonic()
    task._state.update(info, 1)
    task._state.update(info, 4, asked_at)
    assert task._state.queue_position == 1


def test_listing_row_does_not_lose_the_history(make):
    task = make(status="computation-started", status_history=[{"status": "submitted"}])
    task.get_info()
    row = task.client.list_tasks().tasks[0]
    row = type(row)(task_id=ID, status=row.status, estimated_computation_cost=0.5)
    task._state.update(row)
    assert task.info.status_history
    assert task.info.estimated_computation_cost == 0.5


def test_refresh_takes_news_that_somebody_else_just_got(make):
    task = make(status="computation-started")
    task.get_info()
    before = len(requests(task))
    task.refresh(max_age=60)
    assert len(requests(task)) == before
    task.refresh()
    assert requests(task)[before:] == [f"GET /tasks/{ID}/status"]


def test_wait_ends_with_the_task(make, no_sleep):
    task = make(status="computation-started")
    no_sleep(lambda: finish(task, "failed"))
    assert task.wait(silent_mode=True, download_std_on_completion=False) == "failed"


def test_wait_ends_well_even_if_the_standard_files_cannot_be_had(make, no_sleep):
    task = make(status="computation-started")
    no_sleep(lambda: finish(task))

    def fail():
        raise APIConnectionError("storage is away")

    task.client.transport.hooks["GET /storage/signed-urls"] = fail
    with pytest.warns(UserWarning, match="storage is away"):
        assert task.wait(1e-9, silent_mode=True) == "success"


def test_wait_survives_a_service_that_is_away(make, no_sleep):
    task = make(status="computation-started")
    task.get_info()
    transport, steps = task.client.transport, []

    def meanwhile():
        steps.append(1)
        transport.fail_with = APIConnectionError("gone") if len(steps) < 4 else None
        if len(steps) == 5:
            finish(task)

    no_sleep(meanwhile)
    assert task.wait(1e-9, silent_mode=True, download_std_on_completion=False) == "success"
    assert len(steps) == 5


def test_interrupt_ends_the_wait_and_leaves_the_task_alone(make, no_sleep):
    task = make(status="computation-started")

    def interrupt():
        raise KeyboardInterrupt

    no_sleep(interrupt)
    with pytest.raises(KeyboardInterrupt):
        task.wait(silent_mode=True)
    assert "POST" not in " ".join(requests(task))


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_sync_context_kills_and_raises_again(make, error):
    task = make(status="computation-started")
    with pytest.raises(error), task.sync_context():
        raise error
    assert f"POST /tasks/{ID}/kill" in requests(task)


def test_sync_context_without_an_accident_kills_nothing(make):
    task = make(status="computation-started")
    with task.sync_context():
        pass
    assert requests(task) == []


@pytest.mark.parametrize("period", [0, -1, "1", True])
def test_wait_refuses_a_bad_period(make, period):
    with pytest.raises(InputError, match="polling_period"):
        make().wait(polling_period=period)


def test_wait_for_status(make, no_sleep):
    task = make(status="submitted")
    no_sleep(lambda: finish(task, "computation-started"))
    assert task.wait_for_status("computation-started", silent_mode=True) is True
    no_sleep(lambda: finish(task, "killed"))
    assert task.wait_for_status("computation-ended", silent_mode=True) is False


def test_wait_for_unknown_status_lists_the_known_ones(make):
    with pytest.raises(InputError, match="computation-started, computation-ended"):
        make().wait_for_status("finished")


def test_wait_for_a_new_status_of_the_service_ends_with_it(make):
    assert make(status="teleported").wait_for_status("teleported", silent_mode=True)


@pytest.mark.parametrize(("wait_timeout", "answer"), [(None, None), (1, True)])
def test_kill(make, wait_timeout, answer):
    task = make(status="computation-started")
    assert task.kill(wait_timeout) is answer
    assert task.get_status() == "killed"


def test_killing_an_ended_task_is_no_error_and_no_request_to_kill(make):
    task = make()
    assert task.kill() is None
    assert task.kill(wait_timeout=0) is True
    assert f"POST /tasks/{ID}/kill" not in requests(task)


def test_kill_that_takes_longer_than_the_wait_is_false(make, no_sleep):
    task = make(status="computation-started")
    task.client.transport.hooks[f"POST /tasks/{ID}/kill"] = lambda: None
    task.client.kill_task = lambda _: None
    no_sleep()
    assert task.kill(wait_timeout=0) is False


@pytest.mark.parametrize("wait_timeout", ["1", True, [1]])
def test_kill_refuses_what_is_no_number(make, wait_timeout):
    with pytest.raises(TypeError):
        make().kill(wait_timeout)


def test_kill_refuses_a_negative_wait(make):
    with pytest.raises(ValueError, match="negative"):
        make().kill(-1)


@pytest.mark.parametrize(
    ("status", "said"),
    [("computation-started", "no output yet"), ("zombie", "ended while the task was still")],
)
def test_outputs_that_are_not_there_are_explained(make, status, said):
    with pytest.raises(TaskError, match=said):
        make(status=status).get_output_info()


def test_bad_download_arguments_are_told_before_any_request(make):
    task = make()
    with pytest.raises(InputError, match="list of names"):
        task.download_outputs("stdout.txt")
    with pytest.raises(InputError, match="whole archive"):
        task.download_outputs(["a"], uncompress=False)
    assert requests(task) == []


def test_metadata_must_be_text(make):
    with pytest.raises(InputError):
        make().set_metadata({"a": ""})


def test_tasks_are_equal_by_id_and_service(make, service):
    task = make()
    assert task == Task(ID, client=service())
    assert len({task, Task(ID, client=service())}) == 1
    assert task != Task("other", client=service())


def test_outside_a_notebook_a_task_shows_as_text(make):
    task = make()
    data, _ = task._repr_mimebundle_()
    assert data == {"text/plain": repr(task)}


def test_kill_waits_on_while_the_service_does_not_answer(make, no_sleep):
    task = make(status="computation-started")
    task.get_info()
    transport = task.client.transport
    transport.hooks[f"POST /tasks/{ID}/kill"] = lambda: setattr(
        transport, "hooks", {f"GET /tasks/{ID}/status": fail}
    )
    fails = [APIConnectionError("gone"), APIConnectionError("gone")]

    def fail():
        if fails:
            raise fails.pop()

    no_sleep()
    assert task.kill(wait_timeout=30) is True
    assert not fails


def test_wait_begins_although_the_service_does_not_answer(make, no_sleep):
    task = make(status="computation-started")
    task.get_info()
    transport = task.client.transport
    transport.fail_with = APIConnectionError("gone")

    def answer_again():
        transport.fail_with = None
        finish(task)

    no_sleep(answer_again)
    assert task.wait(1e-9, silent_mode=True, download_std_on_completion=False) == "success"


def test_task_and_task_list_have_no_base_class_of_this_package():
    assert Task.__mro__ == (Task, object)
    assert [base for base in TaskList.__mro__ if base.__module__.startswith("inductiva_")] == [
        TaskList
    ]


def test_public_names_of_a_task_are_those_that_users_call(make):
    names = {name for name in dir(make()) if not name.startswith("_")}
    assert names == {
        "client",
        "download_inputs",
        "download_outputs",
        "get_computation_time",
        "get_execution_time",
        "get_info",
        "get_input_url",
        "get_machine_type",
        "get_metadata",
        "get_output_files_info",
        "get_output_info",
        "get_output_url",
        "get_position_in_queue",
        "get_simulator_name",
        "get_status",
        "get_storage_path",
        "get_total_time",
        "id",
        "info",
        "is_failed",
        "is_running",
        "is_terminal",
        "kill",
        "last_modified_file",
        "list_files",
        "metrics",
        "on_status",
        "open_output",
        "print_summary",
        "refresh",
        "remove_remote_files",
        "set_metadata",
        "start_download",
        "summary",
        "sync_context",
        "tail_files",
        "top",
        "wait",
        "wait_for_status",
        "watch",
        "widget",
    }


METRICS = {
    "input_size_bytes": 3200,
    "input_zipped_size_bytes": 1100,
    "output_size_bytes": 30_920,
    "output_zipped_size_bytes": 17_420,
    "output_total_files": 6,
}


def test_summary_says_durations_sizes_and_cost(make, capsys):
    task = make(
        metrics=METRICS,
        estimated_computation_cost=0.096,
        orchestration_fee={"amount": 0.01, "charged": True},
    )
    task.print_summary()
    assert capsys.readouterr().out == f"{task.summary}\n"
    assert task.summary.splitlines() == [
        f"Task {ID}: splishsplash on c2-standard-16, Success",
        "  In queue    13 s",
        "  Preparing   2.0 s",
        "  Computing   10 s",
        "  Finalizing  2.0 s",
        "  Total       28 s",
        "Input: 3.12 KiB, 1.07 KiB zipped",
        "Output: 6 files, 30.20 KiB, 17.01 KiB zipped",
        "Cost: 0.11 US$ (computation 0.096 US$, fee 0.010 US$)",
    ]


def test_summary_of_a_running_task_goes_on_and_says_what_is_unknown(make):
    task = make(status="computation-started")
    first, *_, computing, total, cost = task.summary.splitlines()
    assert first.endswith("In Progress")
    assert computing.startswith("  Computing")
    assert computing.endswith("so far")
    assert total.endswith("so far")
    assert cost == "Cost: n/a"


def test_summary_of_a_failed_task_has_the_reason_escaped(make, tmp_path):
    task = make(status="failed", error_detail="disk\x1b[2J full\nTotal 1 s")
    with (tmp_path / "summary.txt").open("w") as file:
        task.print_summary(file)
    assert "Reason: disk\\x1b[2J full\n  Total 1 s\n" in (tmp_path / "summary.txt").read_text()


def test_summary_in_a_notebook_is_the_card(make, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr("inductiva_widgets.tasks._display.in_notebook", lambda: True)
    monkeypatch.setattr("inductiva_widgets.tasks._display._show", shown.append)
    task = make()
    task.print_summary()
    assert [type(view).__name__ for view in shown] == ["TaskWidget"]
    with pytest.raises(NotFoundError):
        Task("nope", client=task.client).print_summary()
    assert capsys.readouterr().out == ""


def test_metrics_have_labels_and_are_there_before_their_values(make):
    info = make(metrics={**METRICS, "computation_seconds": 10.0}).get_info()
    assert info.data_metrics.output_total_files == ("Output total files", 6)
    assert info.data_metrics.output_zipped_size_bytes.label == "Output zipped size"
    assert info.time_metrics.computation_seconds.value == 10
    assert not hasattr(info.data_metrics, "computation_seconds")
    assert make().get_info().data_metrics.output_size_bytes.value is None
