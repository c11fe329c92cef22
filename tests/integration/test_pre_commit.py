"""The hooks of pre-commit run, pass on the repository, and stop what they should.

Those that compile are left out: `make lint` and `make types` run the same.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.extended

ROOT = Path(__file__).parents[2]
LEFT_OUT = "mypy,biome,tsc"


def git(folder, *arguments):
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Return a repository with the files of this one, whose virtual environment is ours."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    folder = tmp_path_factory.mktemp("copy")
    for name in git(ROOT, "ls-files", "-z").split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "All")
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def hooks(folder, *arguments):
    environment = os.environ | {
        "SKIP": LEFT_OUT,
        "PRE_COMMIT_HOME": str(folder / ".git" / "pre-commit"),
    }
    command = [sys.executable, "-m", "pre_commit", "run", "--color", "never", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_hooks_pass_on_every_file(copy):
    done = hooks(copy, "--all-files")
    assert done.returncode == 0, done.stdout + done.stderr


NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": 1,
            "id": "one",
            "metadata": {},
            "outputs": [{"name": "stdout", "output_type": "stream", "text": ["kept\n"]}],
            "source": ["print(1)"],
        }
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
BAD = {
    "ruff": ("inductiva_widgets/bad.py", "import os\n"),
    "ruff-format": ("inductiva_widgets/bad.py", "x = {  1:2 }\n"),
    "nbstripout": ("notebooks/bad.ipynb", json.dumps(NOTEBOOK)),
    "end-of-file-fixer": ("tests/bad.txt", "no end"),
    "trailing-whitespace": ("tests/bad.txt", "blank \n"),
    "check-added-large-files": ("tests/bad.bin", "0" * 400_000),
    "check-merge-conflict": ("tests/bad.txt", "<<<<<<< ours\n=======\n>>>>>>> theirs\n"),
    "check-workflows": (".github/workflows/bad.yml", "on: push\njobs: nothing\n"),
}


@pytest.mark.parametrize("hook", BAD)
def test_hook_stops_what_it_is_for(hook, copy):
    name, text = BAD[hook]
    (copy / name).write_text(text)
    git(copy, "add", name)
    try:
        options = ["--files", name]
        if hook == "check-merge-conflict":
            (copy / ".git" / "MERGE_MSG").write_text("Merge")
            (copy / ".git" / "MERGE_HEAD").write_text(git(copy, "rev-parse", "HEAD"))
        done = hooks(copy, hook, *options)
    finally:
        for left in ("MERGE_MSG", "MERGE_HEAD"):
            (copy / ".git" / left).unlink(missing_ok=True)
        git(copy, "rm", "--quiet", "--force", name)
    assert done.returncode == 1, done.stdout
    assert f"hook id: {hook}" in done.stdout
