"""The stored files of tasks: their paths, signed links, and a look inside their archives."""

from __future__ import annotations

import shutil
import struct
import zipfile
from collections.abc import Iterable
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from inductiva_widgets.local import lifecycle
from inductiva_widgets.local.refusals import AbsentError, ConflictError, RefusedError
from inductiva_widgets.local.signing import LinkSigner
from inductiva_widgets.local.store import Store
from inductiva_widgets.local.wire import ByteRange, ZipContents
from inductiva_widgets.models import ArchiveEntry
from inductiva_widgets.status import Status

INPUT = "input.zip"
OUTPUT = "output.zip"

_LOCAL_HEADER = struct.Struct("<26xHH")


class _Member(NamedTuple):
    name: str
    size: int
    compressed_size: int
    start: int
    method: int
    created: datetime | None


class StorageService:
    """What the storage part of the API does.

    Parameters
    ----------
    root
        Folder that holds the stored files.
    store
        Tells which task a file belongs to.
    signer
        Makes the links.
    """

    def __init__(self, root: Path, store: Store, signer: LinkSigner) -> None:
        self._root = root
        self._store = store
        self._signer = signer

    def locate(self, path: str) -> tuple[str, Path]:
        """Return a path of the storage in its plain form, and where it is on the disk.

        A leading slash counts for nothing.

        Raises
        ------
        RefusedError
            The path leads out of the storage, or names no file in it.
        """
        plain = PurePosixPath(path.lstrip("/"))
        parts = plain.parts
        # Names with a leading dot are files on their way in or out.
        if not parts or "\\" in path or "\0" in path or any(part.startswith(".") for part in parts):
            raise RefusedError(f"This is no path of the storage: {path!r}.")
        place = self._root.joinpath(*parts)
        if not place.resolve().is_relative_to(self._root.resolve()):
            raise RefusedError(f"This is no path of the storage: {path!r}.")
        return plain.as_posix(), place

    def download_links(self, paths: Iterable[str]) -> list[str | None]:
        """Return a link for each file, and one per file below for each folder.

        A missing path gives None.

        Raises
        ------
        AbsentError
            None of the paths exists.
        """
        links: list[str | None] = []
        wanted = list(paths)
        for path in wanted:
            plain, place = self.locate(path)
            if place.is_dir():
                below = sorted(file for file in place.rglob("[!.]*") if file.is_file())
                names = [file.relative_to(self._root).as_posix() for file in below]
                links += [self._signer.link("GET", name) for name in names]
            else:
                links.append(self._signer.link("GET", plain) if place.is_file() else None)
        if not any(links):
            raise AbsentError(f"There is no such file in the storage: {', '.join(wanted)}.")
        return links

    def upload_links(self, paths: Iterable[str]) -> list[str | None]:
        """Return one link for each path, in the same order."""
        return [self._signer.link("PUT", self.upload_target(path)[0]) for path in paths]

    def upload_target(self, path: str) -> tuple[str, Path]:
        """Return where an upload goes, after checking that it may.

        Raises
        ------
        RefusedError
            It is not the input archive of a task that waits for one.
        """
        plain, place = self.locate(path)
        record = self._store.task(place.parent.name)
        if record is None or plain != record.info.storage_input_path:
            raise RefusedError(f"Only the input archives of tasks can be uploaded, not {plain}.")
        if record.info.status != Status.PENDING_INPUT:
            raise ConflictError(
                f"Task {record.info.task_id} does not wait for input: it is {record.info.status}."
            )
        return plain, place

    def file(self, path: str) -> Path:
        """Return a file of the storage.

        Raises
        ------
        AbsentError
            There is none.
        """
        plain, place = self.locate(path)
        if not place.is_file():
            raise AbsentError(f"There is no such file in the storage: {plain}.")
        return place

    def remove(self, path: str) -> None:
        """Remove a file or folder for good.

        Raises
        ------
        AbsentError
            There is none.
        ConflictError
            A task that has not ended needs it.
        """
        plain, place = self.locate(path)
        if not place.exists():
            raise AbsentError(f"There is nothing at {plain} in the storage.")
        for record in self._store.tasks_with(list(lifecycle.TRANSITIONS)):
            needed = PurePosixPath(record.info.storage_path or "")
            if needed.is_relative_to(plain) or PurePosixPath(plain).is_relative_to(needed):
                raise ConflictError(
                    f"Task {record.info.task_id} has not ended and needs its files: kill it first."
                )
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()

    def zip_contents(self, path: str, folder: str, *, recursive: bool) -> ZipContents:
        """Return what lies in a folder of an archive.

        Parameters
        ----------
        path
            The archive.
        folder
            Folder inside; names come relative to it.
        recursive
            Whether to list all files below, or one level with its folders, summed up.
        """
        archive = self.file(path)
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

    def zip_file_range(self, path: str, folder: str, filename: str) -> ByteRange:
        """Return where the packed bytes of one member of an archive are."""
        wanted = _folder_prefix(folder) + filename.lstrip("/")
        for member in _members_of(self.file(path)):
            if member.name == wanted:
                return ByteRange(
                    range_start=member.start,
                    range_end=member.start + member.compressed_size - 1,
                    compress_type=member.method,
                )
        raise AbsentError(f"There is no {filename} in {path}.")

    def zip_tail(self, path: str, filename: str, size: int) -> tuple[bytes, int]:
        """Return the end of a file of an output archive, and how long the file is."""
        try:
            with zipfile.ZipFile(self.file(path)) as archive:
                info = archive.getinfo(f"artifacts/{filename}")
                tail = b""
                with archive.open(info) as file:
                    while chunk := file.read(1 << 20):
                        tail = (tail + chunk)[-size:]
        except KeyError:
            raise AbsentError(f"There is no {filename} in {path}.") from None
        return tail, info.file_size


def _folder_prefix(folder: str) -> str:
    plain = folder.strip("/")
    return f"{plain}/" if plain else ""


def _entry(name: str, member: _Member) -> ArchiveEntry:
    return ArchiveEntry(
        name=name,
        size=member.size,
        compressed_size=member.compressed_size,
        range_start=member.start,
        compress_type=member.method,
        creation_time=member.created,
    )


def _with_member(folder: ArchiveEntry, member: _Member) -> ArchiveEntry:
    return ArchiveEntry(
        name=folder.name,
        size=(folder.size or 0) + member.size,
        compressed_size=(folder.compressed_size or 0) + member.compressed_size,
    )


def _members_of(archive: Path) -> tuple[_Member, ...]:
    facts = archive.stat()
    try:
        return _read_members(archive, facts.st_size, facts.st_mtime_ns)
    except zipfile.BadZipFile as error:
        raise RefusedError(f"{archive.name} cannot be read as an archive: {error}.") from None


@lru_cache(maxsize=16)
def _read_members(archive: Path, _size: int, _changed: int) -> tuple[_Member, ...]:
    # Size and time are there to tell a file that was replaced from the one that was read.
    with zipfile.ZipFile(archive) as source, archive.open("rb") as raw:
        members = []
        for info in source.infolist():
            raw.seek(info.header_offset)
            # The name and the extra field may be longer here than in the archive's directory.
            name_size, extra_size = _LOCAL_HEADER.unpack(raw.read(_LOCAL_HEADER.size))
            start = info.header_offset + _LOCAL_HEADER.size + name_size + extra_size
            members.append(
                _Member(
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
        # Archives hold local time.
        return datetime(*info.date_time).astimezone(timezone.utc)
    except ValueError:
        return None
