"""The sdist, and the wheel that is built from it without Node; made once for all tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def sdist(_built) -> Path:
    (path,) = _built.glob("*.tar.gz")
    return path


@pytest.fixture(scope="session")
def wheel(_built) -> Path:
    (path,) = _built.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def _built(tmp_path_factory) -> Path:
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # which the workers share
    folder = base / "built"
    with FileLock(base / "built.lock"):
        if not folder.exists():
            made = tmp_path_factory.mktemp("made")
            _build("sdist", ROOT, made)
            (archive,) = made.iterdir()
            unpacked = tmp_path_factory.mktemp("unpacked")
            with tarfile.open(archive) as tar:
                tar.extractall(unpacked, filter="data")
            (source,) = unpacked.iterdir()
            _build("wheel", source, made, PATH=str(tmp_path_factory.mktemp("no-npm")))
            made.rename(folder)
    return folder


def _build(kind: str, source: Path, target: Path, **environment: str) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "-o", target, source]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
