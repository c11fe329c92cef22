"""Safe output paths for zip entries: inside the target folder, and distinct.

Names in an archive come from elsewhere. One that points out of the folder is refused; one that only
cannot stand as it is gets a safe name, and the caller is told.
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

# The service's own client replaces these on every system, so that trees look alike everywhere.
_FORBIDDEN = re.compile(r'[<>:"|?*\x01-\x1f\x7f]')
_DRIVE = re.compile(r"[A-Za-z]:/")
_UPWARDS = re.compile(r"(?:^|/)\.\.[. ]*(?:/|\Z)")
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{kind}{n}" for kind in ("COM", "LPT") for n in "123456789¹²³"]
)
_LONGEST_PART = 255
_LONGEST_PATH = 3500  # of 4096 on Linux, the rest being the target folder's own
_DEEPEST = 128  # about what Windows can hold; a thousand are no files but an attack on the disk

# Stands in the target folder while a download is under way; no member may write into it.
WORK_FOLDER = ".inductiva-download"
# What Windows may call it for programs that know only names of eight letters.
_SHORT_WORK_FOLDER = re.compile(r"(?:induct|in[0-9a-f]{4})~\d+", re.IGNORECASE)


@dataclass(frozen=True)
class PathMap:
    """Where each member goes.

    Parameters
    ----------
    paths
        Member name to relative path, with ``/`` between its parts; empty for the folder itself.
    renamed
        Those of them whose path had to differ from the name.
    refused
        Member name to the reason why it has no path.
    """

    paths: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> str:
        """Return the relative path of a member.

        Parameters
        ----------
        name
            Member name, as it was laid out.

        Raises
        ------
        UnsafePathError
            When the name is refused.
        """
        if name in self.refused:
            raise UnsafePathError(f"{name!r:.120} {self.refused[name]}")
        return self.paths[name]


def assign_paths(
    names: Iterable[str], *, fold_case: bool, windows: bool = os.name == "nt"
) -> PathMap:
    """Give each member of an archive its place.

    Lay out all members, also when only some are wanted: a name then has one place in all calls.

    Parameters
    ----------
    names
        Names as in the archive, folders ending in ``/``.
    fold_case
        Whether the file system takes ``A`` and ``a`` for the same name.
    windows
        Whether device names and trailing dots mean something special.
    """
    layout = PathMap()
    # Most members share their folders with many others, so each folder is looked at only once.
    known: dict[str, _Folder] = {}
    as_named: list[_File] = []
    altered: list[_File] = []
    for name in dict.fromkeys(names):
        # Old archivers on Windows wrote backslashes between folders.
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
            if _length(path) > _LONGEST_PATH:
                raise UnsafePathError("is longer than a path may be")
        except UnsafePathError as exc:
            layout.refused[name] = str(exc)
            continue
        if last:
            (as_named if path == name else altered).append((name, folder, last))
        else:
            layout.paths[name] = path.rstrip("/")
    # The altered ones come last, so that they take no place from a name that can stay as it is.
    folders = sorted({folder.key for folder in known.values()})
    layout.paths.update(_settle(as_named + altered, folders, fold_case=fold_case))
    for name, path in layout.paths.items():
        if path != name and path != "/".join(_parts(name)):
            layout.renamed[name] = path
    return layout


def safe_file_name(name: str, default: str = "download") -> str:
    """Return one file name out of a text from elsewhere: no folders, nothing special.

    Parameters
    ----------
    name
        A file name, perhaps with folders in front.
    default
        What to call it when nothing is left.

    Examples
    --------
    >>> safe_file_name("../../etc/results: 1.zip"), safe_file_name("..")
    ('results_ 1.zip', 'download')
    """
    last = name.replace("\0", "").replace("\\", "/").rstrip("/").rpartition("/")[2].strip()
    return default if last in {"", ".", ".."} else _safe_part(last, windows=os.name == "nt")


def is_case_insensitive(folder: Path) -> bool:
    """Tell whether a file system takes ``A`` and ``a`` for the same name, without writing to it.

    Parameters
    ----------
    folder
        A folder that exists.
    """
    for place in (folder, *folder.parents):
        other = place.name.swapcase()
        if other != place.name:
            try:
                return (place.parent / other).samefile(place)
            except OSError:
                return False
    return sys.platform in {"win32", "darwin"}


def make_safe_dir(root: Path, relative: str) -> Path:
    """Make a folder below the target, refusing a way that leads out of it.

    Parameters
    ----------
    root
        The target folder, resolved.
    relative
        Path below it, as ``lay_out`` gave it.

    Raises
    ------
    UnsafePathError
        When a symbolic link stands in the way and leads out of the target.
    DownloadError
        When a file stands in the way.
    """
    place = root
    for part in relative.split("/") if relative else ():
        place = place / part
        try:
            place.mkdir()
        except FileExistsError:
            found = place.lstat()
            # Windows has junctions besides links; both are reparse points.
            link = stat.S_ISLNK(found.st_mode) or bool(getattr(found, "st_reparse_tag", 0))
            if link and not place.resolve().is_relative_to(root):
                raise UnsafePathError(f"{place} is a link that leads out of {root}") from None
            if not place.is_dir():
                raise DownloadError(f"{place} is a file where a folder is needed") from None
    return place


class _Folder(NamedTuple):
    """A folder's safe path and what tells it from others, with a slash behind each part."""

    path: str
    key: str


# Member name, folder, and the last part of its path.
_File = tuple[str, _Folder, str]


def _settle(
    files: list[_File], folders: list[str], *, fold_case: bool
) -> Iterator[tuple[str, str]]:
    """Yield each file's name and a path that no other file and no folder has."""
    taken: set[str] = set()
    crowded: list[_File] = []
    # Whoever can stay does so first; only then the others look for a place.
    for name, folder, last in files:
        key = folder.key + _key(last, fold_case=fold_case)
        if key in taken or _is_folder(key, folders):
            crowded.append((name, folder, last))
        else:
            taken.add(key)
            yield name, folder.path + last
    counters: dict[str, int] = {}
    for name, folder, wanted in crowded:
        first = folder.key + _key(wanted, fold_case=fold_case)
        while True:
            # Counted per key, not from 1 each time: a thousand equal names are no million steps.
            counters[first] = counters.get(first, 0) + 1
            last = _with_suffix(wanted, f"~{counters[first]}")
            key = folder.key + _key(last, fold_case=fold_case)
            if key not in taken and not _is_folder(key, folders):
                break
        taken.add(key)
        yield name, folder.path + last


def _is_folder(key: str, folders: list[str]) -> bool:
    """Tell whether a file's path is taken by a folder, or by one that a deeper one needs.

    The folders above the named ones are found by sorting and not by listing them all: of a path of
    a thousand parts there are a thousand, each a thousand parts long.
    """
    place = bisect.bisect_left(folders, key + "/")
    return place < len(folders) and folders[place].startswith(key + "/")


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in {"", "."}]


def _check(name: str) -> None:
    """Refuse what cannot be made safe, slashes being all forward."""
    if "\0" in name:
        raise UnsafePathError("holds a NUL character")
    if name.startswith("/") or _DRIVE.match(name):
        raise UnsafePathError("is an absolute path")
    if ".." in name and _UPWARDS.search(name):
        raise UnsafePathError("leads out of the target folder")
    if name.count("/") > _DEEPEST:
        raise UnsafePathError("lies deeper than folders may")
    if not name or name == "." or name.endswith("/."):
        raise UnsafePathError("names no file")


def _safe_folder(name: str, *, windows: bool) -> str:
    return "".join(
        _safe_part(part, windows=windows, first=not place) + "/"
        for place, part in enumerate(_parts(name))
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
    return safe if _length(safe) <= _LONGEST_PART else _shorten(safe)


def _is_work_folder(part: str, *, windows: bool) -> bool:
    """Tell whether some file system takes a name for that of the work folder."""
    if windows and _SHORT_WORK_FOLDER.fullmatch(part):
        return True
    if not part.isascii():
        # Some file systems pass over invisible characters, and fold wide and composed ones.
        part = unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode()
    return part.rstrip(" .").lower() == WORK_FOLDER


def _shorten(part: str) -> str:
    """Cut a name to what a file system takes; a digest keeps two long names apart."""
    mark = "~" + hashlib.sha256(part.encode("utf-8", "replace")).hexdigest()[:8]
    suffix = Path(part).suffix if _length(Path(part).suffix) <= 16 else ""
    stem = part.encode("utf-8", "replace")[: _LONGEST_PART - len(mark) - _length(suffix)]
    return stem.decode("utf-8", "ignore") + mark + suffix


def _with_suffix(name: str, mark: str) -> str:
    stem, suffix = (name, "") if name.startswith(".") else (Path(name).stem, Path(name).suffix)
    candidate = f"{stem}{mark}{suffix}"
    return candidate if _length(candidate) <= _LONGEST_PART else _shorten(candidate)


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _key(text: str, *, fold_case: bool) -> str:
    """Return what is equal for names that the file system may take for one."""
    if not fold_case or text.isascii():
        return text.lower() if fold_case else text
    # File systems fold by tables of their own, some towards capitals, some towards small letters.
    # Folding more than they do costs no more than a suffix.
    folded = unicodedata.normalize("NFD", text).upper().casefold()
    return unicodedata.normalize("NFC", folded)
