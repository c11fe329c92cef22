"""Where members of an archive go on disk: never outside the target folder, never onto each other.

Names in an archive come from elsewhere. One that points out of the folder is refused; one that only
cannot stand as it is gets a safe name, and the caller is told.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from inductiva_widgets.errors import DownloadError, UnsafePathError

# The service's own client replaces these on every system, so that trees look alike everywhere.
_FORBIDDEN = re.compile(r'[<>:"|?*\x01-\x1f\x7f]')
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{kind}{n}" for kind in ("COM", "LPT") for n in "123456789¹²³"]
)
_LONGEST_PART = 255
_LONGEST_PATH = 3500  # of 4096 on Linux, the rest being the target folder's own


@dataclass(frozen=True)
class Layout:
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


def lay_out(names: Iterable[str], *, fold_case: bool, windows: bool = os.name == "nt") -> Layout:
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
    layout = Layout()
    files: list[tuple[str, str]] = []
    folders: set[str] = set()
    for name in dict.fromkeys(names):
        try:
            parts = _safe_parts(name, windows=windows)
        except UnsafePathError as exc:
            layout.refused[name] = str(exc)
            continue
        path = "/".join(parts)
        is_dir = name.endswith(("/", "\\"))
        if is_dir or not parts:
            layout.paths[name] = path
        else:
            files.append((name, path))
        depth = len(parts) if is_dir else len(parts) - 1
        folders.update(_key("/".join(parts[: i + 1]), fold_case=fold_case) for i in range(depth))
    # Names that can stay as they are keep their place; only then the altered ones look for theirs.
    files.sort(key=lambda item: item[0] != item[1])
    taken: set[str] = set()
    counters: dict[str, int] = {}
    for name, wanted in files:
        path = wanted
        first = _key(wanted, fold_case=fold_case)
        while (key := _key(path, fold_case=fold_case)) in taken or key in folders:
            # Counted per key, not from 1 each time: a thousand equal names are no million steps.
            counters[first] = counters.get(first, 0) + 1
            path = _with_suffix(wanted, f"~{counters[first]}")
        taken.add(key)
        layout.paths[name] = path
    for name, path in layout.paths.items():
        if path != "/".join(part for part in name.split("/") if part not in {"", "."}):
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


def folds_case(folder: Path) -> bool:
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


def make_folder(root: Path, relative: str) -> Path:
    """Make a folder below the target, refusing a way that leads out of it.

    Parameters
    ----------
    root
        The target folder, resolved.
    relative
        Path below it, as `lay_out` gave it.

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
            mode = place.lstat().st_mode
            if stat.S_ISLNK(mode) and not place.resolve().is_relative_to(root):
                raise UnsafePathError(f"{place} is a link that leads out of {root}") from None
            if not place.is_dir():
                raise DownloadError(f"{place} is a file where a folder is needed") from None
    return place


def _safe_parts(name: str, *, windows: bool) -> list[str]:
    if "\0" in name:
        raise UnsafePathError("holds a NUL character")
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        raise UnsafePathError("is an absolute path")
    # Old archivers on Windows wrote backslashes between folders.
    parts = [part for part in name.replace("\\", "/").split("/") if part not in {"", "."}]
    if any(part.startswith("..") and not part.strip(" .") for part in parts):
        raise UnsafePathError("leads out of the target folder")
    safe = [_safe_part(part, windows=windows) for part in parts]
    if len("/".join(safe).encode("utf-8", "replace")) > _LONGEST_PATH:
        raise UnsafePathError("is longer than a path may be")
    return safe


def _safe_part(part: str, *, windows: bool) -> str:
    safe = _FORBIDDEN.sub("_", part)
    if windows:
        kept = safe.rstrip(" .")
        safe = kept + "_" * (len(safe) - len(kept))
        stem, dot, suffix = safe.partition(".")
        if stem.rstrip(" ").upper() in _DEVICES:
            safe = f"{stem}_{dot}{suffix}"
    return safe if _length(safe) <= _LONGEST_PART else _shorten(safe)


def _shorten(part: str) -> str:
    """Cut a name to what a file system takes; a digest keeps two long names apart."""
    mark = "~" + hashlib.sha256(part.encode("utf-8", "replace")).hexdigest()[:8]
    suffix = Path(part).suffix if _length(Path(part).suffix) <= 16 else ""
    stem = part.encode("utf-8", "replace")[: _LONGEST_PART - len(mark) - _length(suffix)]
    return stem.decode("utf-8", "ignore") + mark + suffix


def _with_suffix(path: str, mark: str) -> str:
    folder, slash, name = path.rpartition("/")
    stem, suffix = (name, "") if name.startswith(".") else (Path(name).stem, Path(name).suffix)
    candidate = f"{stem}{mark}{suffix}"
    return (
        folder + slash + (candidate if _length(candidate) <= _LONGEST_PART else _shorten(candidate))
    )


def _length(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _key(path: str, *, fold_case: bool) -> str:
    return unicodedata.normalize("NFC", path).casefold() if fold_case else path
