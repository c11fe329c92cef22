"""Widgets that show tables, of the versions that the README's table speaks of."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from tests.conformance.venvs import ROOT, programs

VERSIONS = {
    "quak": "0.3.5",
    "perspective-python": "5.6.1",
    "ipydatagrid": "1.4.0",
    "itables": "2.9.1",
}
_FOLDER = ROOT / ".venv" / "peers"
_SCRIPT = Path(__file__).parent / "scripts" / "peer_tables.py"
_NAMES = {"perspective-python": "perspective"}


@cache
def told(peer: str) -> dict[str, Any]:
    """Return what a widget of 100,000 rows told of itself; see `scripts/peer_tables.py`.

    Raises
    ------
    NotInstalledError
        There is no package index, and the widgets have never been installed.
    """
    wanted = [f"{name}=={version}" for name, version in VERSIONS.items()]
    python = programs(_FOLDER, "What draws tables elsewhere", [*wanted, "pandas"]) / "python"
    command = [str(python), str(_SCRIPT), _NAMES.get(peer, peer)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
