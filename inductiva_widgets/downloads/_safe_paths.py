"""Safe output paths for zip entries: inside the target folder, and distinct.

Entry names are untrusted. A name that points outside the folder is refused; a name that is not a
valid path is replaced by a safe one, which the caller reports.
"""

from __future__ import annotations

import bisect
import hashlib
import os
import re
import stat
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from inductiva_widgets.errors import DownloadError, UnsafePathError

# The vendor's client replaces these on every system, so that the paths are the same everywhere.
_FORBIDDEN = re.compile(r'[<>:"|?*\x01-\x1f\x7f]')
_DRIVE = re.compile(r"[A-Za-z]:/")
_UPWARDS = re.compile(r"(?:^|/)\.\.[. ]*(?:/|\Z)")
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{kind}{n}" for kind in ("COM", "LPT") for n in "123456789¹²³"]
)
_MAX_PART_BYTES = 255
_MAX_PATH_BYTES = 3500  # of 4096 on Linux; the rest is for the target folder
_MAX_DEPTH = 128  # about the limit of Windows

# Name of the staging folder in the target folder; no entry may be written into it.
WORK_FOLDER = ".inductiva-download"
# Its short names (8.3) on Windows.
_SHORT_WORK_FOLDER = re.compile(r"(?:induct|in[0-9a-f]{4})~\d+", re.IGNORECASE)


@dataclass(frozen=True)
class PathMap:
    """Output path of each entry.

    Parameters
    ----------
    paths
        Relative paths by entry name, with ``/`` as separator; empty for the target folder itself.
    renamed
        Paths that differ from the entry name, by entry name.
    refused
        Reasons why entries have no path, by entry name.
    """

    paths: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> str:
        """Return the relative path of an entry.

        Parameters
        ----------
        name
            Entry name.

        Raises
        ------
        UnsafePathError
            If the name is refused.
        """
        if name in self.refused:
            raise UnsafePathError(f"Entry {name!r:.120} cannot be extracted: {self.refused[name]}.")
        return self.paths[name]


def assign_paths(
    names: Iterable[str], *, fold_case: bool, windows: bool = os.name == "nt"
) -> PathMap:
    """Assign an output path to each entry of an archive.

    Pass all entries, also if only some are extracted, so that a name has one path in all calls.

    Parameters
    ----------
    names
        Names as in the archive; folders end in ``/``.
    fold_case
        If True, the file system is case-insensitive.
    windows
        If True, device names and trailing dots are not allowed.
    """
    path_map = PathMap()
    # Many entries are in the same folder, so each folder is checked only once.
    known: dict[str, _Folder] = {}
    as_named: list[_File] = []
    altered: list[_File] = []
    for name in dict.fromkeys(names):
        # Old Windows archivers used backslashes.
        above, _, last = name.replace("\\", "/").rpartition("/")
        try:
            _check(name.replace("\\", "/"))
            folder = known.get(above)
            if folder is None:
                path = _safe_folder(above, windows=windows)
                folder = known[above] = _Folder(path, _key(path, fold_case=fold_case))
            if last:
                last = _safe_part(last, windows=windows, first=not folder.path)
            path = folder.path + last
            if _length(path) > _MAX_PATH_BYTES:
                raise UnsafePathError("its path is too long")
        except UnsafePathError as exc:
            path_map.refused[name] = str(exc)
            continue
        if last:
            (as_named if path == name else altered).append((name, folder, last))
        else:
            path_map.paths[name] = path.rstrip("/")
    # Altered names come last, so that they do not take the path of an unaltered name.
    folders = sorted({folder.key for folder in known.values()})
    path_map.paths.update(_settle(as_named + altered, folders, fold_case=fold_case))
    for name, path in path_map.paths.items():
        if path != name and path != "/".join(_parts(name)):
            path_map.renamed[name] = path
    return path_map


def safe_file_name(name: str, default: str = "download") -> str:
    """Return a safe file name for an untrusted name.

    Parameters
    ----------
    name
        File name, possibly with folders.
    default
        Name to use if nothing valid is left.

    Examples
    --------
    >>> safe_file_name("../../etc/results: 1.zip"), safe_file_name("..")
    ('results_ 1.zip', 'download')
    """
    last = name.replace("\0", "").replace("\\", "/").rstrip("/").rpartition("/")[2].strip()
    return default if last in {"", ".", ".."} else _safe_part(last, windows=os.name == "nt")


def is_case_insensitive(folder: Path) -> bool:
    """Return whether a file system is case-insensitive, without writing to it.

    Parameters
    ----------
    folder
        An existing folder.
    """
    for path in (folder, *folder.parents):
        swapped = path.name.swapcase()
        if swapped != path.name:
            try:
                return (path.parent / swapped).samefile(path)
            except OSError:
                return False
    return sys.platform in {"win32", "darwin"}


def make_safe_dir(root: Path, relative: str) -> Path:
    """Create a folder in the target, unless a link would lead outside it.

    Parameters
    ----------
    root
        Resolved path of the target folder.
    relative
        Relative path, as returned by ``assign_paths``.

    Raises
    ------
    UnsafePathError
        If part of the path is a link to outside the target.
    DownloadError
        If part of the path is a file.
    """
    path = root
    for part in relative.split("/") if relative else ():
        path = path / part
        try:
            path.mkdir()
        except FileExistsError:
            found = path.lstat()
            # Windows junctions are not symbolic links, but reparse points like them.
            is_link = stat.S_ISLNK(found.st_mode) or bool(getattr(found, "st_reparse_tag", 0))
            if is_link and not path.resolve().is_relative_to(root):
                raise UnsafePathError(f"{path} is a link to outside {root}. Remove it.") from None
            if not path.is_dir():
                raise DownloadError(f"{path} must be a folder, but is a file.") from None
    return path


class _Folder(NamedTuple):
    """Safe path of a folder, and its key for comparisons; each part ends in a slash."""

    path: str
    key: str


# Entry name, folder, and last part of the path.
_File = tuple[str, _Folder, str]


def _settle(
    files: list[_File], folders: list[str], *, fold_case: bool
) -> Iterator[tuple[str, str]]:
    """Yield each file's name and a path that no other file and no folder has."""
    taken: set[str] = set()
    conflicts: list[_File] = []
    # Files without a conflict keep their path; the others get a suffix.
    for name, folder, last in files:
        key = folder.key + _key(last, fold_case=fold_case)
        if key in taken or _is_folder(key, folders):
            conflicts.append((name, folder, last))
        else:
            taken.add(key)
            yield name, folder.path + last
    counters: dict[str, int] = {}
    for name, folder, original in conflicts:
        first = folder.key + _key(original, fold_case=fold_case)
        while True:
            # One counter per key: counting from 1 each time would take quadratic time.
            counters[first] = counters.get(first, 0) + 1
            last = _with_suffix(original, f"~{counters[first]}")
            key = folder.key + _key(last, fold_case=fold_case)
            if key not in taken and not _is_folder(key, folders):
                break
        taken.add(key)
        yield name, folder.path + last


def _is_folder(key: str, folders: list[str]) -> bool:
    """Return whether a path is a folder, or a parent of one.

    The parents are found in the sorted list of folders. A set of all parents would need memory
    quadratic in the depth.
    """
    index = bisect.bisect_left(folders, key + "/")
    return index < len(folders) and folders[index].startswith(key + "/")


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in {"", "."}]


def _check(name: str) -> None:
    """Raise an error if a name cannot be made safe; all slashes must be forward."""
    if "\0" in name:
        raise UnsafePathError("its name contains a NUL character")
    if name.startswith("/") or _DRIVE.match(name):
        raise UnsafePathError("its path is absolute")
    if ".." in name and _UPWARDS.search(name):
        raise UnsafePathError("its path leads outside the target folder")
    if name.count("/") > _MAX_DEPTH:
        raise UnsafePathError("its path has too many folders")
    if not name or name == "." or name.endswith("/."):
        raise UnsafePathError("its name is not a file name")


def _safe_folder(name: str, *, windows: bool) -> str:
    return "".join(
        _safe_part(part, windows=windows, first=not index) + "/"
        for index, part in enumerate(_parts(name))
    )


def _safe_part(part: str, *, windows: bool, first: bool = False) -> str:
    safe = _FORBIDDEN.sub("_", part)
    if windows:
        kept = safe.rstrip(" .")
        safe = kept + "_" * (len(safe) - len(kept))
        stem, dot, suffix = safe.partition(".")
        if stem.rstrip(" ").upper() in _DEVICES:
            safe = f"{stem}_{dot}{suffix}"
    if first and _is_work_folder(safe, windows=windows):
        safe = f"{safe.rstrip(' .')}_"
    return safe if _length(safe) <= _MAX_PART_BYTES else _shorten(safe)


def _is_work_folder(part: str, *, windows: bool) -> bool:
    """Return whether a file system may treat a name like that of the staging folder."""
    if windows and _SHORT_WORK_FOLDER.fullmatch(part):
        return True
    if not part.isascii():
        # Some file systems ignore invisible characters, or fold wide and composed ones.
        part = unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode()
    return part.rstrip(" .").lower() == WORK_FOLDER


def _shorten(part: str) -> str:
    """Shorten a name to the limit of file systems, and add a digest to keep it distinct."""
    mark = "~" + hashlib.sha256(part.encode("utf-8", "replace")).hexdigest()[:8]
    suffix = Path(part).suffix if _length(Path(part).suffix) <= 16 else ""
    stem = part.encode("utf-8", "replace")[: _MAX_PART_BYTES - len(mark) - _length(suffix)]
    return stem.decode("utf-8", "ignore") + mark + suffix


def _with_suffix(name: str, mark: str) -> str:
    stem, suffix = (name, "") if name.startswith(".") else (Path(name).stem, Path(name).suffix)
    candidate = f"{stem}{mark}{suffix}"
    return candidate if _length(candidate) <= _MAX_PART_BYTES else _shorten(candidate)


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _key(text: str, *, fold_case: bool) -> str:
    """Return a key that is equal for names that the file system may treat as one."""
    if not fold_case or text.isascii():
        return text.lower() if fold_case else text
    # The folding tables of file systems differ: some fold to upper case, some to lower case.
    # Folding too much costs only a suffix.
    folded = unicodedata.normalize("NFD", text).upper().casefold()
    return unicodedata.normalize("NFC", folded)
