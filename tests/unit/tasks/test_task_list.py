import random
import threading

import pytest

from inductiva_widgets import tasks
from inductiva_widgets.errors import (
    AuthenticationError,
    InductivaError,
    InputError,
    NotFoundError,
)
from inductiva_widgets.tasks import TaskList
from inductiva_widgets.tasks.text_table import format_task_table
from tests.unit.conftest import wire_task

SEED = """\
       ID                              SIMULATOR          STATUS         SUBMITTED              STARTED                COMPUTATION TIME         RESOURCE TYPE
       n7pbtxunxqzuca6nwe9v0gn75       splishsplash       success        01 Feb, 17:16:17       01 Feb, 17:16:30       0:00:10                  c2-standard-16
       bgnu9i6st2qk9ocghu6w81v5t       reef3d             success        31 Jan, 16:49:14       31 Jan, 16:50:04       0:00:16                  c2d-standard-16
       3m3u1z7rypt0o302ci6x49f46       reef3d             success        31 Jan, 16:49:13       31 Jan, 16:50:04       0:00:15                  c2d-standard-16"""  # noqa: E501


def seed_task(task_id, simulator, submitted, started, seconds, machine):
    return wire_task(
        task_id,
        simulator=simulator,
        input_submit_time=f"2024-{submitted}+00:00",
        start_time=f"2024-{started}+00:00",
        metrics={"computation_seconds": seconds},
        executer={"vm_type": machine, "n_mpi_hosts": 1},
    )


@pytest.fixture
def many(service):
    return service(*(wire_task(f"task{i}") for i in range(1234)))


def test_table_is_the_documented_one_to_the_character(service, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    import time

    time.tzset()
    client = service(
        seed_task(
            "n7pbtxunxqzuca6nwe9v0gn75",
            "splishsplash",
            "02-01T17:16:17",
            "02-01T17:16:30",
            10.2,
            "c2-standard-16",
        ),
        seed_task(
            "bgnu9i6st2qk9ocghu6w81v5t",
            "reef3d",
            "01-31T16:49:14",
            "01-31T16:50:04",
            16,
            "c2d-standard-16",
        ),
        seed_task(
            "3m3u1z7rypt0o302ci6x49f46",
            "reef3d",
            "01-31T16:49:13",
            "01-31T16:50:04",
            15,
            "c2d-standard-16",
        ),
    )
    assert format_task_table(tasks.get(3, client=client)) == SEED
    monkeypatch.undo()
    time.tzset()


def test_what_is_not_known_is_na(service):
    row = format_task_table(tasks.get(client=service(wire_task(status="submitted")))).splitlines()[
        1
    ]
    assert row.split()[-3:] == ["n/a", "n/a", "n/a"]


def test_several_hosts_are_told(service):
    client = service(wire_task(executer={"vm_type": "c2", "n_mpi_hosts": 4}))
    assert format_task_table(tasks.get(client=client)).endswith("c2 x4")


def test_get_costs_one_request_and_no_more_for_the_rows(many):
    found = tasks.get(last_n=20, client=many)
    assert len(found) == 20
    assert [task.get_status() for task in found] == ["success"] * 20
    assert found.to_frame().shape[0] == 20
    assert many.transport.requests == ["GET /tasks"]


def test_get_beyond_a_page_fetches_further_pages(many):
    assert len(tasks.get(last_n=1100, client=many)) == 1100
    assert len(tasks.get(last_n=5000, client=many)) == 1234


def test_get_all_finds_everything_once(many):
    found = tasks.get_all(client=many)
    assert len({task.id for task in found}) == len(found) == 1234


def test_paging_loses_and_doubles_nothing_while_tasks_are_submitted(many):
    transport = many.transport
    original = {task["task_id"] for task in transport.tasks.values()}
    fresh = iter(range(10_000, 20_000))

    def submit():
        new = wire_task(f"task{next(fresh)}")
        transport.tasks = {new["task_id"]: new, **transport.tasks}

    transport.hooks["GET /tasks"] = submit
    found = [task.id for task in tasks.get_all(client=many)]
    assert len(found) == len(set(found))
    assert original <= set(found)


@pytest.mark.parametrize("seed", range(20))
def test_pages_read_out_of_order_lose_nothing_while_the_list_grows(service, seed):
    """Pages answer at random moments; between them tasks are submitted."""
    dice, lock = random.Random(seed), threading.Lock()
    client = service(*(wire_task(f"old{i}") for i in range(3100)))
    transport, original = client.transport, set(client.transport.tasks)
    gates = [threading.Event() for _ in range(3)]
    answer = transport._page

    def page(params):
        # Whoever comes while the gate is shut waits for the next one, a while at most.
        gates[dice.randrange(3)].wait(dice.random() / 200)
        with lock:
            if dice.random() < 0.5:
                new = wire_task(f"new{dice.random()}")
                transport.tasks = {new["task_id"]: new, **transport.tasks}
            gates[dice.randrange(3)].set()
            return answer(params)

    transport._page = page
    found = [task.id for task in tasks.get_all(client=client)]
    assert len(found) == len(set(found))
    assert original <= set(found)


def test_pages_travel_ahead_and_none_that_is_not_needed(many):
    list(tasks.get(last_n=1000, client=many))
    asked = sorted(params["page"] for _, _, params, _ in many.transport.calls)
    assert asked == [1, 2]
    many.transport.calls.clear()
    list(tasks.get_all(client=many))
    assert sorted(params["page"] for _, _, params, _ in many.transport.calls) == [1, 2, 3]


def test_filter_by_status_is_asked_of_the_service(service):
    client = service(wire_task("a"), wire_task("b", "failed"))
    assert [task.id for task in tasks.get(status="failed", client=client)] == ["b"]


@pytest.mark.parametrize("last_n", [0, -1, 1.5, "3", True])
def test_get_refuses_a_bad_count(service, last_n):
    with pytest.raises(InputError, match="last_n"):
        tasks.get(last_n, client=service())


def test_get_refuses_an_unknown_status_and_lists_the_known(service):
    with pytest.raises(ValueError, match="pending-input, submitted"):
        tasks.get(status="done", client=service())


def test_a_list_is_an_immutable_sequence(many):
    found = tasks.get(last_n=10, client=many)
    assert isinstance(found[2:4], TaskList)
    assert found[2:4][0] == found[2]
    assert found[0] in found
    assert found == found[:5] + found[5:]
    with pytest.raises(TypeError):
        found[0] = found[1]


def test_a_listing_makes_each_of_its_tasks_once(many):
    found = tasks.get(last_n=10, client=many)
    found.to_frame()
    assert found[3] is found[3] is list(found)[3] is found[2:5][1]
    assert [info.task_id for info in found._infos()] == [task.id for task in found]


def test_a_list_holds_tasks_alone():
    with pytest.raises(InputError, match="str"):
        TaskList(["not a task"])


def test_filter_works_on_what_is_known(service):
    client = service(wire_task("a"), wire_task("b", "failed", simulator="swmm"))
    found = tasks.get(client=client)
    assert [task.id for task in found.filter(status="failed")] == ["b"]
    assert [task.id for task in found.filter(simulator="splishsplash")] == ["a"]
    assert client.transport.requests == ["GET /tasks"]


def test_kill_asks_for_each_live_task(service):
    client = service(wire_task("a"), wire_task("b", "submitted"), wire_task("c", "started"))
    tasks.get(client=client).kill()
    kills = [request for request in client.transport.requests if request.endswith("/kill")]
    assert kills == ["POST /tasks/b/kill", "POST /tasks/c/kill"]


def test_empty_list_says_so(service):
    assert str(TaskList()) == "No tasks found."
    assert repr(TaskList()) == "TaskList(0 tasks)"


def running(service, count=4):
    client = service(*(wire_task(f"t{n}", "computation-started") for n in range(count)))
    return client, TaskList(tasks.Task(f"t{n}", client=client) for n in range(count))


@pytest.mark.parametrize("gone", [["t0"], ["t1", "t2"]])
def test_kill_of_many_goes_on_after_one_that_fails_and_names_it(service, gone):
    client, found = running(service)
    for task_id in gone:
        del client.transport.tasks[task_id]
    with pytest.raises(InductivaError) as caught:
        found.kill()
    assert {task["status"] for task in client.transport.tasks.values()} == {"killed"}
    assert all(task_id in f"{caught.value} {caught.value.__dict__}" for task_id in gone)


def test_wait_for_many_waits_for_the_others_before_it_raises(service, monkeypatch):
    client, found = running(service, 3)
    del client.transport.tasks["t0"]

    def end(_):
        for task_id in ("t1", "t2"):
            client.transport.tasks[task_id].update(wire_task(task_id))

    monkeypatch.setattr("time.sleep", end)
    with pytest.raises(NotFoundError):
        found.wait(1e-9, silent_mode=True)
    assert [task._state.last_info.status for task in found[1:]] == ["success", "success"]


def test_refused_key_ends_an_action_on_many_at_once(service):
    client, found = running(service)
    client.transport.fail_with = AuthenticationError("refused", status=401)
    with pytest.raises(AuthenticationError):
        found.kill()
    assert len(client.transport.calls) == 1


def test_list_with_an_unknown_id_shows_a_row_that_says_so(service):
    client = service(wire_task("good"))
    listed = TaskList([tasks.Task("nope", client=client), tasks.Task("good", client=client)])
    shown = str(listed).splitlines()
    assert any("nope" in line and "not-found" in line for line in shown)
    assert any("good" in line and "success" in line for line in shown)
    assert listed.to_frame()["status"].astype(str).tolist() == ["not-found", "success"]
    assert len(listed.widget().first_rows) == 2
    assert "not-found" in str(listed._repr_mimebundle_())
    with pytest.raises(NotFoundError):
        listed[0].get_info()
