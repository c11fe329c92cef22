"""Cards in JupyterLab while the service fails for one task, or does not answer at all."""

import re
from datetime import datetime, timedelta, timezone

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import take
from tests.fault_proxy import Fault
from tests.task_service import task_service
from tests.unit.conftest import CANARY, wire_task

PATIENCE = 60_000
SETUP = """import inductiva_widgets as inductiva
client = inductiva.connect({url!r}, api_key={key!r})"""


@pytest.fixture
def tasks():
    """Tasks that began a minute ago, by id."""
    begun = (datetime.now(timezone.utc) - timedelta(minutes=1)).isoformat()
    times = ("create_time", "input_submit_time", "start_time", "computation_start_time")
    facts = dict.fromkeys(times, begun)
    return {key: wire_task(key, "computation-started", **facts) for key in ("removed", "remaining")}


@pytest.fixture
def service(tasks):
    with task_service(tasks) as proxy:
        yield proxy


def card(page, task_id):
    return page.get_by_role("region", name=f"Task {task_id}", exact=True)


@pytest.mark.extended
def test_card_of_a_removed_task_says_so_beside_one_that_goes_on(
    lab, open_notebook, page, tasks, service
):
    name = lab.write(
        "removed.ipynb",
        SETUP.format(url=service.url, key=CANARY),
        'inductiva.Task("removed")',
        'inductiva.Task("remaining")',
    )
    open_notebook(name).run_all()
    gone, good = card(page, "removed"), card(page, "remaining")
    expect(gone.get_by_role("button", name="Kill")).to_be_visible(timeout=PATIENCE)
    del tasks["removed"]
    note = gone.get_by_role("note")
    expect(note).to_contain_text("does not know this task any more", timeout=PATIENCE)
    expect(gone).to_contain_text("unknown to the service since")
    expect(gone).to_contain_text("last known")
    expect(gone.get_by_role("button", name="Kill")).to_have_count(0)
    expect(good).to_contain_text(re.compile("updated .* ago"))
    expect(good.get_by_role("note")).to_have_count(0)
    take(page, page.locator(".jp-Notebook"), "removed-task")
    service.add(Fault(delay=1000.0, times=None))
    expect(good).to_contain_text("not answering since", timeout=PATIENCE)
    take(page, page.locator(".jp-Notebook"), "not-answering")
    service.clear()
    tasks["remaining"].update(wire_task("remaining", "success"))
    status = good.get_by_role("status").first
    expect(status).to_have_attribute("data-status", "success", timeout=PATIENCE)
    expect(note).to_be_visible()
