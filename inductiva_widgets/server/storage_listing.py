"""Listings of the storage, and the size of what is stored."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from inductiva_widgets.server.schemas.storage import StoredFacts, StoredFile

SortBy = Literal["creation_time", "size", "name"]
SORT_KEYS = {
    "creation_time": lambda entry: (entry.creation_time, entry.name),
    "size": lambda entry: (entry.size_bytes, entry.name),
    "name": lambda entry: entry.name,
}


def files_below(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the files below a folder; links and files on their way in or out are none."""
    waiting: list[str | Path] = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        yield entry
        except FileNotFoundError:
            # Removed by another request.
            continue


def size_below(folder: Path) -> int:
    """Return how many bytes the files below a folder have."""
    return sum(size for size, _ in _facts_below(folder))


def list_dir(folder: Path) -> list[StoredFile]:
    """Return the files and folders of a folder.

    A folder has the size of all files below and the time of the oldest. Empty folders are not
    listed, since an object store has none.
    """
    found: list[StoredFile] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                facts = list(_facts_below(Path(entry.path)))
                if facts:
                    size, oldest = sum(one for one, _ in facts), min(time for _, time in facts)
                    found.append(_stored(f"{entry.name}/", size, oldest, is_directory=True))
            elif entry.is_file(follow_symlinks=False):
                found.append(one_file(Path(entry.path)))
    return found


def one_file(path: Path) -> StoredFile:
    """Return a file as a listing shows it."""
    facts = path.stat()
    return _stored(path.name, facts.st_size, facts.st_mtime, is_directory=False)


def to_facts(file: StoredFile) -> StoredFacts:
    """Return an entry without its name."""
    return StoredFacts(
        size_bytes=file.size_bytes,
        creation_time=file.creation_time,
        is_directory=file.is_directory,
    )


def _facts_below(folder: Path) -> Iterator[tuple[int, float]]:
    for entry in files_below(folder):
        try:
            facts = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        yield facts.st_size, facts.st_mtime


def _stored(name: str, size: int, changed: float, *, is_directory: bool) -> StoredFile:
    return StoredFile(
        name=name,
        size_bytes=size,
        creation_time=datetime.fromtimestamp(changed, timezone.utc),
        is_directory=is_directory,
    )
