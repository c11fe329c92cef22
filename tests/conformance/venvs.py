"""Virtual environments for what this package is compared with, so that nothing of it is among ours.

Each is made once, in the git-ignored environment of this repository, and reused.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parents[2]

UV = [sys.executable, "-m", "uv"]
_BIN = "Scripts" if os.name == "nt" else "bin"


class NotInstalledError(Exception):
    """Something could not be installed; the text says why and what to do."""


def programs(folder: Path, what: str, requirements: Sequence[str]) -> Path:
    """Return the folder with the programs of an environment, installed there if need be.

    Several processes may ask at once: one installs, the others wait.
    """
    mark = folder / "complete"
    # Another Python makes another environment: figures are only comparable within one version.
    wanted = f"{' '.join(requirements)} {sys.version}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if mark.exists() and mark.read_text() == wanted:
            return folder / _BIN
        shutil.rmtree(folder, ignore_errors=True)
        made = [*UV, "venv", "--quiet", "--python", sys.executable, str(folder)]
        _run(made, what, "no environment can be made")
        _run(
            [
                *UV, "pip", "install", "--quiet", "--python", str(folder / _BIN / "python"),
                *requirements,
            ],
            what,
            "uv cannot install it; the first run needs a package index, later ones do not",
        )  # fmt: skip
        mark.write_text(wanted)
    return folder / _BIN


def _run(command: list[str], what: str, why: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise NotInstalledError(f"{what} is not there, and {why}.\n{' '.join(command)}\n{last}")
