"""Safe extraction of input archives and creation of output archives.

Imports only the standard library, since the supervisor uses it.
"""

from __future__ import annotations

import errno
import os
import stat
import zipfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from inductiva_widgets._atomic import atomic_path
from inductiva_widgets.server.file_names import to_text

ARTIFACTS = "artifacts/"

_CHUNK = 1 << 20


def partial_archive(archive: Path) -> Path:
    """Return the path of an incomplete archive, which a killed supervisor leaves behind.

    Parameters
    ----------
    archive
        The complete archive.
    """
    return archive.with_name(f".{archive.name}.part")


class UnsafeArchiveError(ValueError):
    """An archive has an unsafe entry, which the message names."""


class NoRoomError(OSError):
    """The disk has no space for the archive."""


class ExtractedArchive(NamedTuple):
    """Number and size of the files extracted from an input archive."""

    files: int
    size: int


class CreatedArchive(NamedTuple):
    """Contents of an output archive."""

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


def extract_archive(
    archive: Path, target: Path, top: str, check: Callable[[], object] = lambda: None
) -> ExtractedArchive:
    """Unpack one folder of an archive, executable bits included.

    Parameters
    ----------
    archive
        The archive.
    target
        Folder that receives the content of ``top``; created if missing.
    top
        Folder of the archive; members outside are ignored.
    check
        Called between pieces of the content; may raise to end the extraction.
    """
    target.mkdir(parents=True, exist_ok=True)
    files = size = 0
    with zipfile.ZipFile(archive) as source:
        # Check all names before the first file is written.
        for info, inner in list(members_below(source, top)):
            path = target / inner
            check()
            if info.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with source.open(info) as packed, path.open("wb") as file:
                while chunk := packed.read(_CHUNK):
                    check()
                    file.write(chunk)
            if permissions := (info.external_attr >> 16) & 0o777:
                path.chmod(permissions | 0o600)
            files += 1
            size += info.file_size
    return ExtractedArchive(files, size)


def extracted_size(archive: Path, top: str) -> int:
    """Return the number of bytes that ``extract_archive`` will write."""
    with zipfile.ZipFile(archive) as source:
        return sum(info.file_size for info, _ in members_below(source, top))


def describe_archive(output: Path) -> CreatedArchive:
    """Return the contents of an existing output archive.

    Parameters
    ----------
    output
        The archive.
    """
    with zipfile.ZipFile(output) as archive:
        files = [member for member in archive.infolist() if not member.is_dir()]
    return CreatedArchive(
        len(files), sum(member.file_size for member in files), output.stat().st_size, []
    )


def create_archive(
    folder: Path,
    archive: Path,
    check: Callable[[], object] = lambda: None,
    only: Collection[str] | None = None,
) -> CreatedArchive:
    """Pack a folder atomically into an archive, below ``artifacts/``.

    Sockets, pipes and links that lead out of the folder are skipped, and listed in the result.

    Parameters
    ----------
    folder
        The folder.
    archive
        The archive to create.
    check
        Called between pieces of the content; may raise to end the packing.
    only
        Names of the files to pack, at the top of the folder; by default all of its content.

    Raises
    ------
    NoRoomError
        There is no space; the incomplete archive is removed, as after any other error.
    """
    files = size = 0
    skipped: list[str] = []
    try:
        with (
            atomic_path(archive, partial_archive(archive)) as partial,
            partial.open("wb") as file,
        ):
            with zipfile.ZipFile(
                file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False
            ) as target:
                # Clients recognise a complete output archive by this entry.
                target.writestr(zipfile.ZipInfo(ARTIFACTS, (1980, 1, 1, 0, 0, 0)), b"")
                for path, name in _contents(folder):
                    if only is not None and name.removeprefix(ARTIFACTS) not in only:
                        continue
                    check()
                    if path.is_dir() and not path.is_symlink():
                        target.write(path, name + "/")
                    elif (added := _add(target, path, name, folder, check)) is None:
                        skipped.append(name.removeprefix(ARTIFACTS))
                    else:
                        files += 1
                        size += added
            file.flush()
            # Synced, since the caller removes the packed files next.
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoomError(*error.args) from error
        raise
    return CreatedArchive(files, size, archive.stat().st_size, skipped)


def _add(
    target: zipfile.ZipFile, path: Path, name: str, folder: Path, check: Callable[[], object]
) -> int | None:
    """Add a file; return its size, or None if it is skipped."""
    if not _is_output(path, folder):
        return None
    try:
        info = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
        source = path.open("rb")
    except (PermissionError, FileNotFoundError):
        return None
    info.compress_type = zipfile.ZIP_DEFLATED
    size = 0
    # Declared in advance, since a long size is stored before the content.
    large = info.file_size > zipfile.ZIP64_LIMIT // 2
    with source, target.open(info, "w", force_zip64=large) as member:
        while chunk := source.read(_CHUNK):
            check()
            member.write(chunk)
            size += len(chunk)
    return size


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
    # A file name may not be valid UTF-8, a name in the archive has to be.
    return ARTIFACTS + to_text(path.relative_to(folder).as_posix())


def _is_output(path: Path, folder: Path) -> bool:
    return path.is_file() and path.resolve().is_relative_to(folder.resolve())
