"""What the tests of other hosts than JupyterLab share: tasks to show, and looks at them."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import expect

from tests.browser.conftest import ARTIFACTS, free_port, jupyter_folders, running

CONNECT = 'import inductiva_widgets as inductiva\ninductiva.connect("local")'


@contextlib.contextmanager
def voila(notebook: Path, environment: dict[str, str]) -> Iterator[str]:
    """Serve a notebook as a page, until the block is left; gives the address."""
    folder, port = notebook.parent, free_port()
    command = [
        sys.executable, "-m", "voila", notebook.name, "--no-browser", f"--port={port}",
        "--Voila.ip=127.0.0.1", "--ServerApp.allow_root=True",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    # The address that answers before the notebook runs.
    static = f"{url}/voila/static/voila.js"
    settings = jupyter_folders(folder) | environment
    with running(command, settings, folder / "voila.log", static, folder):
        yield url


def kill_by_its_buttons(card) -> None:
    """Kill the task of a card and wait until the card says so."""
    badge = card.get_by_role("status").first
    expect(badge).to_have_attribute("data-status", "computation-started", timeout=60_000)
    for _ in range(3):
        card.get_by_role("button", name="Kill", exact=True).click()
        # The question goes away by itself: a busy machine may come too late, and asks again.
        with contextlib.suppress(PlaywrightTimeoutError):
            card.get_by_role("button", name="Confirm kill").click(timeout=4000)
            break
    expect(badge).to_have_attribute("data-status", "killed", timeout=30_000)


def shows_the_card_and_the_list(page, task, front_end: str) -> None:
    """Look at the card of a running task and at the list that holds it, and kill it."""
    host = front_end.lower().replace(" ", "-")
    card = page.get_by_role("region", name=f"Task {task.id}").first
    expect(card).to_contain_text("arbitrary_commands", timeout=90_000)
    row = page.get_by_role("row").filter(has_text=task.id[:8]).first
    expect(row).to_be_visible(timeout=30_000)
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"host-{host}.png", full_page=True)
    kill_by_its_buttons(card)
    expect(row).to_contain_text(re.compile("Killed"), timeout=30_000)
    page.screenshot(path=ARTIFACTS / f"host-{host}-killed.png", full_page=True)
