"""List the files in the storage, and the entries of stored zip archives."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from inductiva_widgets.models.tasks import ArchiveEntry
from inductiva_widgets.server.errors import BadRequestError, MissingError
from inductiva_widgets.server.schemas.storage import ByteRange, StoredFacts, StoredFile, ZipContents
from inductiva_widgets.server.work_dir import FileContent

SortBy = Literal["creation_time", "size", "name"]
SORT_KEYS = {
    "creation_time": lambda entry: (entry.creation_time, entry.name),
    "size": lambda entry: (entry.size_bytes, entry.name),
    "name": lambda entry: entry.name,
}


def files_below(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the files below a folder, without links and hidden files, which are in transfer."""
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
    """Return the total size of the files below a folder."""
    return sum(size for size, _ in _facts_below(folder))


def list_dir(folder: Path) -> list[StoredFile]:
    """List the files and folders of a folder.

    The size of a folder is that of all files below, its time that of the oldest. Empty folders are
    not listed, as in an object store.
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
    """Return the entry of a file."""
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


# Reading the directory of a larger archive would exceed the clients' timeout.
MAX_ENTRIES = 500_000

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_SIGNATURE = b"PK\x03\x04"


# Raised by zipfile for archives that are damaged, encrypted or have an unknown compression.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


class _ListedEntry(NamedTuple):
    name: str
    size: int
    compressed_size: int
    start: int
    method: int
    created: datetime | None


def list_contents(archive: Path, folder: str, *, recursive: bool) -> ZipContents:
    """List the entries in a folder of an archive.

    Parameters
    ----------
    archive
        The archive.
    folder
        Folder in the archive; names are relative to it.
    recursive
        If True, list all files below, else one level with the sums of its folders.
    """
    prefix = _folder_prefix(folder)
    entries: dict[str, ArchiveEntry] = {}
    for member in _members_of(archive):
        inner = member.name.removeprefix(prefix)
        if not member.name.startswith(prefix) or not inner or inner.endswith("/"):
            continue
        if recursive or "/" not in inner:
            entries[inner] = _entry(inner, member)
        else:
            top = inner.partition("/")[0] + "/"
            known = entries.get(top, ArchiveEntry(name=top, size=0, compressed_size=0))
            entries[top] = _with_member(known, member)
    return ZipContents(size=archive.stat().st_size, contents=list(entries.values()))


def entry_range(archive: Path, folder: str, filename: str) -> ByteRange:
    """Return the byte range of the compressed data of an archive entry."""
    entry_name = _folder_prefix(folder) + filename.lstrip("/")
    for member in _members_of(archive):
        if member.name == entry_name and not entry_name.endswith("/"):
            return ByteRange(
                range_start=member.start,
                range_end=member.start + member.compressed_size - 1,
                compress_type=member.method,
            )
    raise MissingError(f"There is no {filename!r} in {archive.name}.")


def read_entry(archive: Path, name: str, after: int | None, max_bytes: int) -> FileContent:
    """Read a part of an archive entry, with the size and the time of the entry.

    The data before the part are decompressed and discarded.

    Parameters
    ----------
    archive
        The archive.
    name
        Name of the entry.
    after
        Offset of the first byte; None for the end of the entry.
    max_bytes
        Maximum number of bytes.
    """
    try:
        with zipfile.ZipFile(archive) as source:
            info = source.getinfo(name)
            begin = max(0, info.file_size - max_bytes) if after is None else after
            content = b""
            if begin < info.file_size:
                with source.open(info) as file:
                    file.seek(begin)
                    content = file.read(max_bytes)
    except KeyError:
        raise MissingError(f"There is no {name!r} in {archive.name}.") from None
    except _UNREADABLE as error:
        raise BadRequestError(f"{archive.name} cannot be read as an archive: {error}.") from None
    created = _created(info)
    modified = created.timestamp() if created else archive.stat().st_mtime
    return FileContent(content, info.file_size, modified)


def _folder_prefix(folder: str) -> str:
    plain = folder.strip("/")
    return f"{plain}/" if plain else ""


def _entry(name: str, member: _ListedEntry) -> ArchiveEntry:
    return ArchiveEntry(
        name=name,
        size=member.size,
        compressed_size=member.compressed_size,
        range_start=member.start,
        compress_type=member.method,
        creation_time=member.created,
    )


def _with_member(folder: ArchiveEntry, member: _ListedEntry) -> ArchiveEntry:
    return ArchiveEntry(
        name=folder.name,
        size=(folder.size or 0) + member.size,
        compressed_size=(folder.compressed_size or 0) + member.compressed_size,
    )


def _members_of(archive: Path) -> tuple[_ListedEntry, ...]:
    facts = archive.stat()
    try:
        return _read_members(archive, facts.st_size, facts.st_mtime_ns)
    except _UNREADABLE as error:
        raise BadRequestError(f"{archive.name} cannot be read as an archive: {error}.") from None


@lru_cache(maxsize=16)
def _read_members(archive: Path, _size: int, _changed: int) -> tuple[_ListedEntry, ...]:
    # Size and time are part of the cache key, so that a replaced file is read again.
    with zipfile.ZipFile(archive) as source, archive.open("rb") as raw:
        members = []
        if len(source.infolist()) > MAX_ENTRIES:
            raise zipfile.BadZipFile(f"it has more than {MAX_ENTRIES:,} members")
        for info in source.infolist():
            raw.seek(info.header_offset)
            # Name and extra field may be longer than in the central directory.
            signature, name_size, extra_size = _LOCAL_HEADER.unpack(raw.read(_LOCAL_HEADER.size))
            if signature != _SIGNATURE:
                raise zipfile.BadZipFile(f"{info.filename!r} is not where its directory says")
            start = info.header_offset + _LOCAL_HEADER.size + name_size + extra_size
            members.append(
                _ListedEntry(
                    info.filename,
                    info.file_size,
                    info.compress_size,
                    start,
                    info.compress_type,
                    _created(info),
                )
            )
    return tuple(members)


def _created(info: zipfile.ZipInfo) -> datetime | None:
    try:
        # Zip archives have local times.
        return datetime(*info.date_time).astimezone(timezone.utc)
    except ValueError:
        return None
