"""What calls cost is what their documentation says: requests are counted as they leave."""

from __future__ import annotations

import re

import pytest
import requests

import inductiva_widgets as inductiva
from tests.integration.conftest import CASES, KEY
from tests.unit.docs.public_names import public_names

WORDS = {0: "0|no|none", 1: "1|one|a", 2: "2|two", 3: "3|three", 6: "6|six"}
DOCSTRINGS = {name.path.partition(".")[2]: name.docstring for name in public_names()}


@pytest.fixture
def count(monkeypatch):
    """Return what calls something, and gives the number of requests that it made."""
    sent = []
    send = requests.Session.send

    def counted(session, request, **options):
        sent.append(f"{request.method} {request.path_url}")
        return send(session, request, **options)

    def count(call):
        sent.clear()
        call()
        return list(sent)

    monkeypatch.setattr(requests.Session, "send", counted)
    return count


@pytest.fixture(scope="module")
def storm(server_url, tmp_path_factory):
    """Return the id of a task that has ended well, the same one for all."""
    folder = tmp_path_factory.mktemp("storm")
    text = (CASES / "swmm_storm" / "model.inp").read_text()
    (folder / "model.inp").write_text(text.replace("01/31/2024", "01/11/2024"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inductiva_widgets.http.default_client._default", None)
        inductiva.connect(server_url, api_key=KEY)
        task = inductiva.simulators.SWMM().run(folder)
        task.wait(0.1, silent_mode=True, download_std_on_completion=False)
    return task.id


@pytest.fixture
def done(storm, client):
    """Return the task with all that is known of one that was waited for."""
    task = inductiva.Task(storm, client=client)
    task.get_info()
    return task


def says(path, number):
    """Return whether a docstring states a number of requests; the number is 0 if it states none."""
    sentences = re.split(r"(?<=\.)\s", DOCSTRINGS[path])
    stated = [one for one in sentences if re.search(r"request|costs", one, re.IGNORECASE)]
    if number == 0 and not any(re.search(r"Requests?\b.*: ", one) for one in stated):
        return True
    return any(re.search(rf"\b({WORDS[number]})\b", one, re.IGNORECASE) for one in stated)


LISTED = {
    "tasks.get": (lambda: inductiva.tasks.get(last_n=3), 1),
    "tasks.get_all": (inductiva.tasks.get_all, 1),
    "tasks.get_tasks": (inductiva.tasks.get_tasks, 1),
    "tasks.clear_history": (inductiva.tasks.clear_history, 0),
    "resources.get": (inductiva.resources.get, 1),
    "resources.MachineGroup": (lambda: inductiva.resources.MachineGroup("c2-standard-4"), 0),
    "resources.BaseMachineGroup.estimate_cost": (
        lambda: inductiva.resources.MachineGroup("c2-standard-4").estimate_cost(),
        1,
    ),
    "Task": (lambda: inductiva.Task("n7pbtxunxqzuca6nwe9v0gn75"), 0),
    "simulators.Simulator.container_image": (
        lambda: inductiva.simulators.SWMM().container_image(),
        1,
    ),
}
# Of a task that was waited for, so that all is known of it.
ENDED = {
    "Task.get_status": (lambda task: task.get_status(), 0),
    "Task.get_info": (lambda task: task.get_info(), 0),
    "Task.refresh": (lambda task: task.refresh(), 0),
    "Task.get_position_in_queue": (lambda task: task.get_position_in_queue(), 1),
    "Task.get_output_files_info": (lambda task: task.get_output_files_info(), 1),
    "Task.get_output_url": (lambda task: task.get_output_url(), 1),
    "Task.get_input_url": (lambda task: task.get_input_url(), 1),
    "Task.get_metadata": (lambda task: task.get_metadata(), 1),
    "Task.set_metadata": (lambda task: task.set_metadata({"case": "storm"}), 1),
    "OutputsWidget": (inductiva.OutputsWidget, 0),
}
# Of an id alone.
UNKNOWN = {
    "Task.get_status": (lambda task: task.get_status(), 1),
    "Task.get_info": (lambda task: task.get_info(), 1),
    "Task.info": (lambda task: task.info, 1),
    "Task.get_machine_type": (lambda task: task.get_machine_type(), 1),
    "Task.get_simulator_name": (lambda task: task.get_simulator_name(), 1),
    "Task.get_storage_path": (lambda task: task.get_storage_path(), 1),
    "TaskWidget": (lambda task: task.widget().close(), 1),
}
# Of a listing with this task.
LISTS = {
    "TaskList.to_frame": (lambda tasks: tasks.to_frame(), 0),
    "TaskList.filter": (lambda tasks: tasks.filter(status="success"), 0),
    "TaskList.from_frame": (lambda tasks: inductiva.TaskList.from_frame(tasks.to_frame()), 0),
    "tasks.to_dict": (inductiva.tasks.to_dict, 0),
    "tasks.compare": (lambda tasks: inductiva.tasks.compare(tasks + tasks), 0),
}


@pytest.mark.parametrize("path", LISTED)
def test_a_call_costs_what_it_says(path, client, count):
    call, number = LISTED[path]
    assert len(count(call)) == number
    assert says(path, number), DOCSTRINGS[path]


def test_calls_on_an_ended_task_cost_what_they_say(done, count):
    costs = {path: len(count(lambda call=call: call(done))) for path, (call, _) in ENDED.items()}
    assert costs == {path: number for path, (_, number) in ENDED.items()}
    assert [path for path, (_, number) in ENDED.items() if not says(path, number)] == []


def test_calls_on_an_id_cost_what_they_say(done, count):
    costs = {}
    for path, (call, _) in UNKNOWN.items():
        task = inductiva.Task(done.id)
        costs[path] = len(count(lambda call=call, task=task: call(task)))
    assert costs == {path: number for path, (_, number) in UNKNOWN.items()}
    assert [path for path, (_, number) in UNKNOWN.items() if not says(path, number)] == []


def test_calls_on_a_listing_cost_what_they_say(done, count):
    assert done.id
    tasks = inductiva.tasks.get()
    costs = {path: len(count(lambda call=call: call(tasks))) for path, (call, _) in LISTS.items()}
    assert costs == dict.fromkeys(LISTS, 0)
    assert [path for path in LISTS if not says(path, 0)] == []


def test_a_run_costs_six_requests_and_a_kill_two(swmm, short_storm, count):
    made = []
    assert len(sent := count(lambda: made.append(swmm.run(short_storm)))) == 6, sent
    assert says("simulators.Simulator", 6)
    (task,) = made
    assert len(sent := count(task.kill)) in {2, 3}, sent
    assert says("Task.kill", 2)
    assert says("Task.kill", 3)
    task.kill(wait_timeout=20)
    assert len(count(task.remove_remote_files)) == 1
    assert says("Task.remove_remote_files", 1)


def test_a_new_project_costs_two_requests_more_and_a_known_one(swmm, short_storm, count):
    def run():
        swmm.run(short_storm, project="storms").kill(wait_timeout=20)

    first, second = ([line for line in count(run) if "projects" in line] for _ in range(2))
    assert (len(first), len(second)) == (2, 1)


def test_downloads_cost_a_link_a_directory_and_fewer_than_the_files(done, count, tmp_path):
    sent = count(lambda: done.download_outputs(output_dir=tmp_path / "all"))
    assert len(sent) <= 3 + done.get_output_files_info().n_files, sent
    archive = inductiva.downloads.RemoteArchive(done.get_output_url())
    assert len(count(archive.namelist)) in {1, 2}
    assert "one or two requests" in DOCSTRINGS["downloads.RemoteArchive"]
    assert count(archive.namelist) == []
    archive.close()


def test_open_output_costs_two_or_three_requests_the_first_time(done, count):
    assert len(count(lambda: done.open_output("stdout.txt"))) in {2, 3}
    assert count(lambda: done.open_output("model.rpt")) == []
    assert "two or three requests" in DOCSTRINGS["Task.open_output"]
    assert count(done.get_output_files_info) == []


def test_history_costs_one_request_the_second_time(done, count):
    assert done.id in inductiva.tasks.history(progress=False).index
    assert len(count(lambda: inductiva.tasks.history(progress=False))) == 1
    assert says("tasks.history", 1)


def test_pictures_and_files_of_a_frame_cost_nothing(done, count, tmp_path):
    frame = inductiva.tasks.get().to_frame()
    assert done.id in frame.index

    def use():
        frame.inductiva.costs()
        frame.inductiva.to_csv(tmp_path / "tasks.csv")
        inductiva.frames.read(tmp_path / "tasks.csv").inductiva.tasks()

    assert count(use) == []
    assert says("frames.TaskFrameAccessor", 0)


def test_connecting_costs_nothing(server_url, count):
    assert count(lambda: inductiva.connect(server_url, api_key=KEY)) == []
    assert says("connect", 0)
