"""The Pythons of this machine; none is fetched."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# Those of the classifiers, and the next one.
SUPPORTED = ("3.10", "3.11", "3.12", "3.13")
NEXT = "3.14"

UV = [sys.executable, "-m", "uv", "--quiet", "--no-python-downloads", "--no-config"]


def find(version: str) -> Path | None:
    """Return an interpreter of a version such as "3.12", None where there is none."""
    return next((path for path in _candidates(version) if _answer(path) == version), None)


def _candidates(version: str) -> Iterator[Path]:
    yield Path(sys.executable)
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    pyenv = os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv"
    folders = Path(pyenv, "versions").glob(f"{version}.*")
    for folder in sorted(folders, key=_release, reverse=True):
        yield folder / "bin" / "python"
    found = subprocess.run(
        [*UV, "python", "find", "--no-project", "--managed-python", version],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode == 0:
        yield Path(found.stdout.strip())


def _release(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", folder.name)]


def _answer(interpreter: Path) -> str | None:
    """Return the version that an interpreter says it has; a shim of pyenv may have none."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [interpreter, "-I", "-c", code], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
