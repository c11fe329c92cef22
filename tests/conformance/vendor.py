"""The vendor's client, unchanged, in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.venvs import ROOT, programs

VERSION = "0.18.12"
FOLDER = ROOT / ".venv" / f"vendor-client-{VERSION}"
LOOPBACK_ONLY = Path(__file__).parent / "loopback"


def vendor_programs(folder: Path = FOLDER) -> Path:
    """Return the folder with the vendor's `python` and `inductiva`, installing them if need be."""
    return programs(folder, f"The vendor's client {VERSION}", [f"inductiva=={VERSION}"])


def client_environment(
    url: str, key: str, home: Path, *, attempts: Path | None = None
) -> dict[str, str]:
    """Return the environment in which either client speaks to a local server and to nothing else.

    Parameters
    ----------
    url, key
        Address of the server and its key.
    home
        Home folder of the process, so that nobody's key file or log is touched.
    attempts
        File that gets a line for each refused attempt to reach another machine.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INDUCTIVA_")}
    kept.pop("GITHUB_ACTIONS", None)  # the vendor's client prints less when it sees it
    return {
        **kept,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "TZ": "UTC",
        "PYTHONUTF8": "1",
        "PYTHONPATH": str(LOOPBACK_ONLY),
        "LOOPBACK_ONLY_ATTEMPTS": "" if attempts is None else str(attempts),
        "NO_PROXY": "127.0.0.1",
        "INDUCTIVA_API_URL": url,
        "INDUCTIVA_API_KEY": key,
        "INDUCTIVA_MACHINES_CATALOGUE_API_URL": url,
        "INDUCTIVA_TURN_SERVER_URL": "nowhere.invalid:3478",
    }


@dataclass(frozen=True)
class VendorClient:
    """Runs the vendor's client in a folder, against one server."""

    programs: Path
    folder: Path
    environment: Mapping[str, str] = field(repr=False)

    def run(self, code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run a script with the vendor's package at hand."""
        return self._call([str(self.programs / "python"), "-c", code, *arguments], environment)

    def command(self, *arguments: str, answer: str = "") -> subprocess.CompletedProcess:
        """Run the vendor's command line, as `inductiva ARGUMENTS`."""
        return self._call([str(self.programs / "inductiva"), *arguments], {}, answer)

    def _call(
        self, command: list[str], environment: Mapping[str, str], answer: str = ""
    ) -> subprocess.CompletedProcess:
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **environment},
            input=answer,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


class VendorSession:
    """One process that keeps the vendor's client imported and runs snippets on it.

    In a snippet `arguments` are those of the call, and `answer(value)` hands a value back.
    """

    def __init__(self, client: VendorClient) -> None:
        worker = Path(__file__).parent / "scripts" / "worker.py"
        self._process = subprocess.Popen(
            [str(client.programs / "python"), str(worker)],
            cwd=client.folder,
            env=dict(client.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, folder: Path, code: str, *arguments: str) -> dict[str, Any]:
        """Run a snippet in a folder; gives `answer`, or `error`, and what was `printed`."""
        order = {"folder": str(folder), "code": code, "arguments": arguments}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=20)
