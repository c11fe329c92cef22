"""Clean virtual environments with the wheel, made by uv; its cache makes the second time quick."""

from __future__ import annotations

import os
import subprocess
import zipfile
from collections.abc import Iterator
from importlib.metadata import PathDistribution
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement

from tests.release.interpreters import UV


def make(interpreter: Path, folder: Path, wheel: Path, extras: set[str], resolution: str) -> Path:
    """Install a wheel and what it needs, and return the environment's Python.

    Parameters
    ----------
    interpreter
        The Python of the environment.
    folder
        Where it is made.
    extras
        The extras that are asked for.
    resolution
        What uv takes of each dependency: ``"lowest-direct"`` or ``"highest"``.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    _run("venv", "--python", interpreter, folder)
    # For uv, what a wheel needs is not direct. So its needs are given as if they were the user's.
    asked, locked = folder / "asked.txt", folder / "locked.txt"
    asked.write_text("\n".join(_needs(wheel, extras)))
    choice = ["--resolution", resolution, "--output-file", locked, asked]
    _run("pip", "compile", "--python", python, "--no-header", "--no-annotate", *choice)
    # Of the lowest versions, too, there is one that was built for this Python.
    _run("pip", "sync", "--python", python, "--no-build", locked)
    _run("pip", "install", "--python", python, "--no-deps", "--no-index", wheel)
    _run("pip", "check", "--python", python)
    return python


def _needs(wheel: Path, extras: set[str]) -> Iterator[str]:
    """Give the requirements of a wheel with its extras, without the condition on the extra."""
    (about,) = (one for one in zipfile.Path(wheel).iterdir() if one.name.endswith(".dist-info"))
    for line in PathDistribution(about).requires or ():
        need = Requirement(line)
        marker, condition, extra = str(need.marker or "").rpartition('extra == "')
        if not condition:
            yield line
        elif extra.rstrip('"') in extras:
            rest = marker.removesuffix(" and ")
            need.marker = Marker(rest) if rest else None
            yield str(need)


def _run(*arguments: str | Path) -> None:
    done = subprocess.run([*UV, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"uv {arguments[0]} {arguments[1]}: {done.stderr}"
