"""Select entries of an archive and combine them into few byte ranges."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from inductiva_widgets.downloads.zip_directory import ZipEntry
from inductiva_widgets.errors import InputError

# Unneeded bytes to read instead of making another request.
LARGEST_GAP = 16 * 1024
_SMALLEST_SPAN = 1024 * 1024
_LARGEST_SPAN = 32 * 1024 * 1024
_COMPARED_NAMES = 5000


@dataclass(frozen=True)
class Selection:
    """The selected entries.

    Parameters
    ----------
    names
        Names without the stripped prefix, in the order of the archive.
    missing
        Requested names without a match.
    hint
        Warning about the missing names that suggests similar ones.
    """

    names: tuple[str, ...]
    missing: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ExtractItem:
    """An entry and its output path.

    Parameters
    ----------
    entry
        The entry.
    path
        Safe relative path.
    """

    entry: ZipEntry
    path: str


@dataclass(slots=True)
class ByteSpan:
    """A byte range of the archive and the entries in it.

    Parameters
    ----------
    start, stop
        Byte positions in the archive.
    items
        The entries to extract, in order.
    """

    start: int
    stop: int
    items: list[ExtractItem] = field(default_factory=list)


def strip_prefix(entries: Sequence[ZipEntry], prefix: str) -> dict[str, ZipEntry]:
    """Return the entries by name, without the prefix.

    Entries outside the prefix are dropped, unless all are: an archive of a few files has no such
    folder. If several entries have the same name, the last one counts, as in other zip tools.

    Parameters
    ----------
    entries
        All entries.
    prefix
        Prefix such as ``artifacts/``; may be empty.
    """
    prefix = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    if not any(entry.name.startswith(prefix) for entry in entries):
        prefix = ""
    return {
        entry.name[len(prefix) :]: entry
        for entry in entries
        if entry.name.startswith(prefix) and (entry.name != prefix or not prefix)
    }


def common_root(names: Iterable[str]) -> str:
    """Return the only top-level folder of an archive, or an empty string.

    Parameters
    ----------
    names
        Entry names.
    """
    tops = set()
    for name in names:
        top, slash, _ = name.partition("/")
        if not slash:
            return ""
        tops.add(top)
    return tops.pop() if len(tops) == 1 else ""


def select_entries(
    available: Iterable[str], names: Iterable[str] | str | None, prefix: str = ""
) -> Selection:
    """Select entries by exact name, by folder (``vtk/`` or ``vtk``) or by pattern (``*.vtu``).

    Parameters
    ----------
    available
        All names of the archive. In a pattern, ``*`` also matches slashes.
    names
        Requested names; None for all.
    prefix
        Prefix stripped from the available names; requested names may still include it.

    Raises
    ------
    InputError
        If no name matches, or none is given.
    """
    all_names = dict.fromkeys(available)
    if names is None:
        return Selection(tuple(all_names))
    requested = [names] if isinstance(names, str) else list(names)
    if not requested:
        raise InputError("`names` must not be empty. Leave it out to fetch everything.")
    found: set[str] = set()
    missing: list[str] = []
    for name in requested:
        matches = _matches(name, all_names)
        if not matches and prefix and name.startswith(prefix):
            matches = _matches(name[len(prefix) :], all_names)
        found.update(matches)
        if not matches:
            missing.append(name)
    hint = did_you_mean(missing, all_names) if missing else ""
    if not found:
        raise InputError(hint)
    return Selection(tuple(name for name in all_names if name in found), tuple(missing), hint)


def _matches(name: str, available: dict[str, None]) -> list[str]:
    name = name.removeprefix("./")
    if name in available and not name.endswith("/"):
        return [name]  # even if the name has brackets and could be a pattern
    folder = name.rstrip("/") + "/"
    below = [other for other in available if other.startswith(folder)]
    if below or name.endswith("/"):
        return below
    return [other for other in available if fnmatch.fnmatchcase(other, name)]


def did_you_mean(missing: Sequence[str], available: Iterable[str]) -> str:
    """Return a message about names without a match that suggests similar names.

    Parameters
    ----------
    missing
        The names without a match, at least one.
    available
        All names of the archive.
    """
    # Comparing is slow, and more candidates do not improve the suggestions.
    known = [name for name, _ in zip(available, range(_COMPARED_NAMES), strict=False)]
    parts = []
    for name in missing[:5]:
        close = difflib.get_close_matches(name, known, n=3)
        suggestion = f" (did you mean {', '.join(map(repr, close))}?)" if close else ""
        parts.append(f"{name!r}{suggestion}")
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    rest = "" if any("(did" in part for part in parts) else _available_names(known)
    return f"The archive has no {', '.join(parts)}{more}.{rest}"


def _available_names(known: Sequence[str]) -> str:
    """Return a sentence that lists the first names."""
    files = [name for name in known if not name.endswith("/")]
    if not files:
        return " It has no files."
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return f" It has {', '.join(map(repr, files[:3]))}{more}."


def coalesce_ranges(items: Iterable[ExtractItem], connections: int) -> list[ByteSpan]:
    """Combine neighbouring entries into few ranges, enough for all connections.

    Parameters
    ----------
    items
        The entries to fetch.
    connections
        Number of ranges to fetch in parallel.

    Returns
    -------
    list[ByteSpan]
        The longest first, so that no long range is left for a single connection at the end.
    """
    ordered = sorted(items, key=lambda item: item.entry.offset)
    total = sum(item.entry.read_limit - item.entry.offset for item in ordered)
    long = min(_LARGEST_SPAN, max(_SMALLEST_SPAN, total // (3 * connections)))
    spans: list[ByteSpan] = []
    for item in ordered:
        entry = item.entry
        last = spans[-1] if spans else None
        if last and entry.offset - last.stop <= LARGEST_GAP and last.stop - last.start < long:
            last.stop = entry.read_limit
            last.items.append(item)
        else:
            spans.append(ByteSpan(entry.offset, entry.read_limit, [item]))
    return sorted(spans, key=lambda span: span.start - span.stop)
