"""Runs the same operations with either client and returns what the server was asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.conformance.cases import LONG, finish, make_short_storm
from tests.conformance.comparison import Request, comparable
from tests.conformance.server import KEY, Served
from tests.conformance.vendor import client_environment
from tests.conformance.venvs import ROOT

SCRIPT = Path(__file__).parent / "scripts" / "operations.py"

Measured = Mapping[str, tuple[list[Request], list[Request]]]
"""By operation: the vendor's requests, and ours."""


def measure(served: Served, programs: Path, folder: Path) -> Measured:
    """Run all operations, first with the vendor's client, then with ours.

    Parameters
    ----------
    served
        The server and its recorder.
    programs
        Folder of the vendor's `python`.
    folder
        An empty folder to work in.
    """
    case = make_short_storm(folder)
    given = {"finished": finish(served, case).id, "short": str(case), "long": str(LONG)}
    vendor = _ask(served, str(programs / "python"), "vendor", given, folder)
    ours = _ask(served, sys.executable, "ours", given, folder)
    return {
        operation: (vendor.get(operation, []), ours.get(operation, []))
        for operation in dict.fromkeys([*vendor, *ours])
    }


def _ask(
    served: Served, python: str, whose: str, given: dict[str, str], folder: Path
) -> dict[str, list[Request]]:
    place = folder / whose
    place.mkdir()
    environment = client_environment(served.url, KEY, place)
    if whose == "ours":
        environment["PYTHONPATH"] += os.pathsep + str(ROOT)
    served.recorder.clear()
    done = subprocess.run(
        [python, str(SCRIPT), whose, json.dumps(given)],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    refused = [request for request in served.recorder.requests if request.status >= 400]
    assert not refused, refused
    return comparable(served.recorder.requests)
