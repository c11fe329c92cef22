"""Copy, download and merge files into the storage."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterable
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from inductiva_widgets._atomic import atomic_path
from inductiva_widgets._disk import free_space
from inductiva_widgets.server.archives import ARTIFACTS, UnsafeArchiveError, members_below
from inductiva_widgets.server.errors import BadRequestError, TooLargeError
from inductiva_widgets.server.storage_listing import files_below

MOST_UPLOAD = 64 << 30
"""Maximum size of a file in bytes."""

# Linux takes paths of 4,096 bytes, including the path of the data folder.
_MAX_DEPTH = 200
_MAX_PATH = 2048
_MAX_NAME = 255
_SHOWN = 60
# Free bytes to keep for the store and the running tasks.
_RESERVE = 64 << 20
_CHUNK = 1 << 20
_TIMEOUT = 30.0


def check_room(folder: Path, size: int) -> None:
    """Raise if a number of bytes cannot be added to a folder.

    Raises
    ------
    TooLargeError
        They exceed the maximum size of a file or the free space.
    """
    if size > MOST_UPLOAD:
        raise TooLargeError(f"{size:,} bytes are more than the {MOST_UPLOAD:,} that are taken.")
    free = free_space(folder, _RESERVE)
    # Without free space beyond the reserve, no file may grow.
    if size > free or not free:
        raise TooLargeError(
            f"{size:,} bytes do not fit: the disk of this machine has {free:,} to spare."
        )


def check_growth(folder: Path, received: int) -> None:
    """Raise if a partly received file is too large or fills the disk."""
    if received > MOST_UPLOAD:
        raise TooLargeError(f"The file is larger than the {MOST_UPLOAD:,} bytes that are taken.")
    check_room(folder, 0)


def copy(source: Path, target: Path) -> None:
    """Copy a file or folder atomically."""
    with atomic_path(target) as path:
        if source.is_dir():
            path.mkdir()
            for entry in files_below(source):
                copied = path / Path(entry.path).relative_to(source)
                copied.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(entry.path, copied)
        else:
            shutil.copyfile(source, path)


def fetch(url: str, target: Path) -> None:
    """Download a file over HTTP, without keys or cookies.

    Raises
    ------
    BadRequestError
        The URL is not an HTTP URL, or the download fails.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise BadRequestError(f"Files are fetched from http and https addresses only, not {url!r}.")
    opener = urllib.request.OpenerDirector()
    # Without the default handlers, which also open local files.
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    try:
        with opener.open(url, timeout=_TIMEOUT) as response, atomic_path(target) as path:
            check_room(path.parent, int(response.headers.get("content-length") or 0))
            _receive(response, path)
    except urllib.error.HTTPError as error:
        raise BadRequestError(f"The other server answered {error.code} for {url!r}.") from None
    except (urllib.error.URLError, HTTPException, TimeoutError, ValueError) as error:
        raise BadRequestError(f"{url!r} cannot be fetched: {error}.") from None


def _receive(response: object, path: Path) -> None:
    received = 0
    with path.open("xb") as file:
        while chunk := response.read(_CHUNK):  # type: ignore[attr-defined]
            received += len(chunk)
            check_growth(path.parent, received)
            file.write(chunk)


class Asset(NamedTuple):
    """A stored file or folder that is an input of a task: its storage path, and its path."""

    name: str
    path: Path

    def files(self) -> list[Asset]:
        """Return the file, or the files below the folder, sorted."""
        if not self.path.is_dir():
            return [self]
        below = sorted(Path(entry.path) for entry in files_below(self.path))
        return [
            Asset(f"{self.name}/{path.relative_to(self.path).as_posix()}", path) for path in below
        ]


def merge_assets(archive: Path, top: str, assets: Iterable[Asset], max_entries: int) -> None:
    """Add stored files to an input archive, below its top folder.

    As on the machines of the Inductiva cloud, a file keeps its storage path without the first
    folder, and the output archive of a task is unpacked into a folder with the storage path of the
    task, which is its id unless the task has a ``storage_dir``. The files of the input replace
    stored files, and the files of later assets those of earlier ones. A repeated call has no
    effect.

    Raises
    ------
    BadRequestError
        An output archive is damaged, or has an unsafe entry.
    TooLargeError
        The files do not fit on the disk, or are more than ``max_entries``.
    """
    files = [file for asset in assets for file in asset.files()]
    outputs = {file: members for file in files if (members := _output_members(file)) is not None}
    size = sum(
        sum(info.file_size for info, _ in outputs[file])
        if file in outputs
        else file.path.stat().st_size
        for file in files
    )
    check_room(archive.parent, archive.stat().st_size + size)
    with atomic_path(archive) as path:
        shutil.copyfile(archive, path)
        with zipfile.ZipFile(path, "a", strict_timestamps=False) as target:
            known = set(target.namelist())
            # Entries cannot be replaced, so begin with the last asset.
            for file in reversed(files):
                first, _, rest = file.name.partition("/")
                if file in outputs:
                    folder = f"{top}/{file.name.rpartition('/')[0]}"
                    _add_output(target, folder, file, outputs[file], known)
                elif (name := f"{top}/{rest or first}") not in known:
                    known.add(name)
                    target.write(file.path, name)
        check_archive(path, path.parent, max_entries)


_Members = list[tuple[zipfile.ZipInfo, Path]]


def _output_members(file: Asset) -> _Members | None:
    """Return the files of an output archive, or None if the file is not one."""
    # The machines of the cloud recognise output archives by the end of their name.
    if not file.name.endswith("output.zip"):
        return None
    try:
        with zipfile.ZipFile(file.path) as source:
            return list(members_below(source, ARTIFACTS.rstrip("/"))) or None
    except UnsafeArchiveError as error:
        raise BadRequestError(f"{file.name} cannot be an input: {error}") from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return None


def _add_output(
    target: zipfile.ZipFile, folder: str, file: Asset, members: _Members, known: set[str]
) -> None:
    try:
        with zipfile.ZipFile(file.path) as source:
            for info, inner in members:
                name = f"{folder}/{inner.as_posix()}{'/' if info.is_dir() else ''}"
                if name in known:
                    continue
                known.add(name)
                added = zipfile.ZipInfo(name, info.date_time)
                added.external_attr, added.file_size = info.external_attr, info.file_size
                with source.open(info) as packed, target.open(added, "w") as unpacked:
                    shutil.copyfileobj(packed, unpacked, _CHUNK)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise BadRequestError(f"{file.name} cannot be unpacked: {error}.") from None


def check_archive(archive: Path, folder: Path, max_entries: int) -> None:
    """Raise if an input archive cannot be extracted into a folder.

    Raises
    ------
    BadRequestError
        The archive is damaged or would fill the disk. The sizes in its directory are reliable,
        since the extraction stops at them.
    """
    try:
        with zipfile.ZipFile(archive) as source:
            members = source.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise BadRequestError(f"The input is no zip archive: {error}. Upload it again.") from None
    if len(members) > max_entries:
        raise TooLargeError(
            f"The input archive has {len(members):,} members, more than the {max_entries:,} "
            "that are taken: put many small files into one."
        )
    for member in members:
        _check_name(member.filename)
        if member.flag_bits & 0x1:
            raise BadRequestError(
                f"The input archive is encrypted ({member.filename!r}): upload it without password."
            )
    check_room(folder, sum(member.file_size for member in members))


def _check_name(name: str) -> None:
    parts = name.split("/")
    depth = len(parts) - 1
    if depth > _MAX_DEPTH:
        raise BadRequestError(
            f"The input archive must have at most {_MAX_DEPTH} nested folders, got {depth} in "
            f"{name[:_SHOWN]!r}. Flatten the folders, or pack them into one file."
        )
    if len(name.encode()) > _MAX_PATH or any(len(part.encode()) > _MAX_NAME for part in parts):
        raise BadRequestError(
            f"The input archive must have names of at most {_MAX_NAME} bytes and paths of at most "
            f"{_MAX_PATH:,}, got {name[:_SHOWN]!r} with {len(name.encode()):,}. Shorten the name."
        )
