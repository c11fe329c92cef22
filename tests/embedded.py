"""Ending an embedded server of the tests with everything that it runs."""

from __future__ import annotations

import json
from pathlib import Path

import psutil

from inductiva_widgets._secret import Secret
from inductiva_widgets.config import Settings
from inductiva_widgets.http.client import Client
from inductiva_widgets.http.transport import Transport
from inductiva_widgets.tasks import get_all

# Seconds: a busy machine needs long to stop a process and to pack what it has written.
PATIENCE = 60.0


def end_server(folder: Path) -> None:
    """Kill the tasks of the server of a data folder, then end the server.

    Tasks outlive their server by design, so a test that ends the server alone leaves them behind.
    """
    record = folder / "server.json"
    if not record.exists():
        return
    server = json.loads(record.read_text())
    client = Client(Transport(Settings(server["url"], Secret(server["api_key"]), server["url"])))
    alive = [task for task in get_all(client=client) if not task.info.is_terminal]
    # Youngest first: a queued task must not take the place of one that has just been killed.
    for task in alive:
        task.kill()
    for task in alive:
        assert task.kill(wait_timeout=PATIENCE), f"{task.id} could not be killed"
    process = psutil.Process(server["pid"])
    process.terminate()
    process.wait(PATIENCE)
