"""What callbacks print in a real kernel appears in the cell that registered them."""

import pytest

from tests.integration.test_busy_kernel import CASE, old_ipykernel, start_kernel

__all__ = ["old_ipykernel", "start_kernel"]

SETUP = f"""
import inductiva_widgets as inductiva
inductiva.connect("local")
task = inductiva.simulators.CustomImage("none").run({str(CASE)!r}, commands=["sleep 3600"])
print(task.id)
"""


def is_idle(cell):
    return lambda message: (
        message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
        and message["parent_header"].get("msg_id") == cell
    )


@pytest.mark.parametrize(
    "is_old",
    [
        pytest.param(False, id="ipykernel"),
        pytest.param(True, id="ipykernel-6", marks=pytest.mark.extended),
    ],
)
@pytest.mark.extended
def test_on_status_prints_each_change_into_its_own_cell(start_kernel, request, is_old):
    front = start_kernel(request.getfixturevalue("old_ipykernel") if is_old else "")
    task_id = front.run(SETUP).split()[-1]
    own = front.client.execute("task.on_status(print)")
    seen = front.until(is_idle(own))
    values = [m["content"]["data"] for m in seen if m["msg_type"] == "execute_result"]
    (value,) = values
    assert value["text/plain"].startswith("<print at each status of task")
    # Other cells run and print while the task goes through its statuses.
    waiting = front.client.execute(
        "task.wait_for_status('computation-started', silent_mode=True)\n"
        "task.kill()\nprint(task.wait(silent_mode=True))"
    )
    seen += front.until(is_idle(waiting))

    def printed(message):
        return message["msg_type"] == "stream" and task_id in message["content"]["text"]

    while not any(printed(m) and " killed" in m["content"]["text"] for m in seen):
        seen += front.until(printed)
    assert {m["parent_header"]["msg_id"] for m in seen if printed(m)} == {own}
    text = "".join(m["content"]["text"] for m in seen if printed(m))
    statuses = [line.split()[-1] for line in text.splitlines()]
    assert statuses[-1] == "killed"
    assert "computation-started" in statuses
    assert len(statuses) == len(set(statuses))


@pytest.mark.extended
def test_interrupted_wait_shows_the_line_of_the_user_and_one_sentence(start_kernel):
    front = start_kernel()
    task_id = front.run(SETUP).split()[-1]
    cell = front.client.execute("print('be' + 'gun', flush=True)\ntask.wait()")
    front.until(lambda m: m["msg_type"] == "display_data")
    front.manager.interrupt_kernel()
    seen = front.until(is_idle(cell))
    (error,) = [m["content"] for m in seen if m["msg_type"] == "error"]
    assert error["ename"] == "KeyboardInterrupt"
    assert error["evalue"] == f"The wait was interrupted; task {task_id} goes on."
    assert len("\n".join(error["traceback"]).splitlines()) < 12
    assert "waiting.py" not in "\n".join(error["traceback"])
    assert front.run("task.kill(); print(task.wait(silent_mode=True))") == "killed"


@pytest.mark.extended
def test_wait_for_a_status_that_is_reached_shows_nothing(start_kernel):
    front = start_kernel()
    front.run(SETUP)
    front.run("task.wait_for_status('computation-started', silent_mode=True); print('there')")
    cell = front.client.execute("is_there = task.wait_for_status('computation-started')")
    seen = front.until(is_idle(cell))
    assert not any(m["msg_type"] in ("display_data", "stream", "error") for m in seen)
    assert front.run("print(is_there)") == "True"
