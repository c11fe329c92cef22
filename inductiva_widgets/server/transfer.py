"""Copy, download and merge files into the storage."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from inductiva_widgets._atomic import atomic_path
from inductiva_widgets._disk import free_space
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


def merge_assets(archive: Path, top: str, assets: list[Path]) -> None:
    """Add stored files to an input archive, below its top folder.

    Files keep their names, and files of a folder their relative paths. Existing files are kept, so
    the function is idempotent.
    """
    with atomic_path(archive) as path:
        shutil.copyfile(archive, path)
        with zipfile.ZipFile(path, "a", strict_timestamps=False) as target:
            known = set(target.namelist())
            for file, inner in _assets(assets):
                name = f"{top}/{inner}"
                if name not in known:
                    known.add(name)
                    target.write(file, name)


def _assets(assets: list[Path]) -> Iterator[tuple[Path, str]]:
    for asset in assets:
        if asset.is_dir():
            files = sorted(Path(entry.path) for entry in files_below(asset))
            yield from ((file, file.relative_to(asset).as_posix()) for file in files)
        else:
            yield asset, asset.name


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
