"""Input and output archives: unpacked without surprises, packed as they stream by.

Needs nothing but the standard library, since the supervisor uses it.
"""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ARTIFACTS = "artifacts/"


class UnsafeArchiveError(ValueError):
    """An archive with a member that must not be unpacked; the text names it."""


class Unpacked(NamedTuple):
    """What came out of an input archive."""

    files: int
    size: int


class Packed(NamedTuple):
    """What went into an output archive."""

    files: int
    size: int
    zipped_size: int
    skipped: list[str]


def safe_member(name: str) -> PurePosixPath:
    """Return a member's name as a relative path.

    Parameters
    ----------
    name
        The name in the archive.

    Raises
    ------
    UnsafeArchiveError
        The name is absolute or leads out of its folder.
    """
    path = PurePosixPath(name)
    if not name or "\\" in name or "\0" in name or path.is_absolute() or ".." in path.parts:
        raise UnsafeArchiveError(f"The archive has a member with an unsafe name: {name!r}.")
    return path


def members_below(archive: zipfile.ZipFile, top: str) -> Iterator[tuple[zipfile.ZipInfo, Path]]:
    """Yield the members under a folder of an archive with their path inside that folder.

    Parameters
    ----------
    archive
        The open archive.
    top
        Folder of the archive, such as ``"sim_dir"``.

    Raises
    ------
    UnsafeArchiveError
        A member is a link, or has a name that leads out of its folder.
    """
    for info in archive.infolist():
        path = safe_member(info.filename)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise UnsafeArchiveError(f"The archive has a link among its members: {path}.")
        if len(path.parts) > 1 and path.parts[0] == top:
            yield info, Path(*path.parts[1:])


def unpack(archive: Path, target: Path, top: str) -> Unpacked:
    """Unpack one folder of an archive, executable bits included.

    Parameters
    ----------
    archive
        The archive.
    target
        Folder that receives the content of ``top``; made where missing.
    top
        Folder of the archive; members outside it are left alone.
    """
    target.mkdir(parents=True, exist_ok=True)
    files = size = 0
    with zipfile.ZipFile(archive) as source:
        # Look at every name before the first file is written.
        for info, inner in list(members_below(source, top)):
            path = target / inner
            if info.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with source.open(info) as packed, path.open("wb") as file:
                shutil.copyfileobj(packed, file, 1 << 20)
            if permissions := (info.external_attr >> 16) & 0o777:
                path.chmod(permissions | 0o600)
            files += 1
            size += info.file_size
    return Unpacked(files, size)


def pack(folder: Path, archive: Path) -> Packed:
    """Pack a folder into an archive, everything under ``artifacts/``.

    The archive appears under its name when it is whole. Sockets, pipes and links that lead out of
    the folder are no output of a simulation: they are skipped and named.

    Parameters
    ----------
    folder
        The folder.
    archive
        The archive to make.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    beside = archive.with_name(f".{archive.name}.part")
    files = size = 0
    skipped: list[str] = []
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as target:
            # Clients tell a whole output archive from a part of one by this entry.
            target.writestr(zipfile.ZipInfo(ARTIFACTS, (1980, 1, 1, 0, 0, 0)), b"")
            for path, name in _contents(folder):
                if path.is_dir() and not path.is_symlink():
                    target.write(path, name + "/")
                elif not _is_output(path, folder):
                    skipped.append(name.removeprefix(ARTIFACTS))
                else:
                    try:
                        target.write(path, name)
                    except (PermissionError, FileNotFoundError):
                        skipped.append(name.removeprefix(ARTIFACTS))
                        continue
                    files += 1
                    size += target.getinfo(name).file_size
        beside.replace(archive)
    finally:
        beside.unlink(missing_ok=True)
    return Packed(files, size, archive.stat().st_size, skipped)


def _contents(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield files, links and empty folders below a folder, sorted, with their archive names."""
    for current, folders, names in os.walk(folder):
        folders.sort()
        here = Path(current)
        if here != folder and not folders and not names:
            yield here, _archive_name(here, folder)
        linked = [name for name in folders if (here / name).is_symlink()]
        for name in sorted(names + linked):
            yield here / name, _archive_name(here / name, folder)


def _archive_name(path: Path, folder: Path) -> str:
    name = path.relative_to(folder).as_posix()
    # A name that is no text on this machine still has to be text in the archive.
    return ARTIFACTS + os.fsencode(name).decode("utf-8", "replace")


def _is_output(path: Path, folder: Path) -> bool:
    return path.is_file() and path.resolve().is_relative_to(folder.resolve())
