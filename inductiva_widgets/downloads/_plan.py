"""Select entries of an archive and combine them into few byte ranges. Pure."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from inductiva_widgets.downloads.zip_directory import ZipEntry
from inductiva_widgets.errors import InputError

# Bytes that are fetched in vain rather than asking once more.
LARGEST_GAP = 16 * 1024
_SMALLEST_SPAN = 1024 * 1024
_LARGEST_SPAN = 32 * 1024 * 1024
_COMPARED_NAMES = 5000


@dataclass(frozen=True)
class Selection:
    """The selected entries.

    Parameters
    ----------
    wanted
        Names, without the stripped prefix, in the order of the archive.
    missing
        Requested names that match nothing.
    hint
        A sentence about the missing names, with similar ones.
    """

    wanted: tuple[str, ...]
    missing: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ExtractItem:
    """An entry and its output path.

    Parameters
    ----------
    member
        The entry.
    path
        Relative path, safe.
    """

    member: ZipEntry
    path: str


@dataclass(slots=True)
class ByteSpan:
    """A byte range of the archive, and the entries to extract from it, in order.

    Parameters
    ----------
    start, stop
        Positions in the archive.
    items
        The entries.
    """

    start: int
    stop: int
    items: list[ExtractItem] = field(default_factory=list)


def strip_prefix(members: Sequence[ZipEntry], prefix: str) -> dict[str, ZipEntry]:
    """Return the entries by name, without the prefix.

    Members outside of the prefix are dropped, unless nothing is inside: an archive of a few files
    comes without it. Of members with one name the last counts, as in every zip tool.

    Parameters
    ----------
    members
        All members.
    prefix
        What to cut off, such as ``artifacts/``; may be empty.
    """
    prefix = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    if not any(member.name.startswith(prefix) for member in members):
        prefix = ""
    return {
        member.name[len(prefix) :]: member
        for member in members
        if member.name.startswith(prefix) and member.name != prefix
    }


def common_root(names: Iterable[str]) -> str:
    """Return the single top folder of an archive, or an empty text.

    Parameters
    ----------
    names
        Member names.
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
        Names that are there. A ``*`` in a pattern also crosses folders.
    names
        What is asked; None for all.
    prefix
        A prefix that was stripped from the names and that may still stand in what is asked.

    Raises
    ------
    InputError
        When nothing matches, or nothing is asked.
    """
    there = dict.fromkeys(available)
    if names is None:
        return Selection(tuple(there))
    asked = [names] if isinstance(names, str) else list(names)
    if not asked:
        raise InputError("no names are given; leave them out to fetch everything")
    found: set[str] = set()
    missing: list[str] = []
    for name in asked:
        matches = _matches(name, there)
        if not matches and prefix and name.startswith(prefix):
            matches = _matches(name[len(prefix) :], there)
        found.update(matches)
        if not matches:
            missing.append(name)
    hint = did_you_mean(missing, there) if missing else ""
    if not found:
        raise InputError(hint)
    return Selection(tuple(name for name in there if name in found), tuple(missing), hint)


def _matches(asked: str, there: dict[str, None]) -> list[str]:
    asked = asked.removeprefix("./")
    if asked in there and not asked.endswith("/"):
        return [asked]  # also for names with brackets, which are no pattern then
    folder = asked.rstrip("/") + "/"
    below = [name for name in there if name.startswith(folder)]
    if below or asked.endswith("/"):
        return below
    return [name for name in there if fnmatch.fnmatchcase(name, asked)]


def did_you_mean(missing: Sequence[str], there: Iterable[str]) -> str:
    """Return a sentence about names that match nothing, with similar names.

    Parameters
    ----------
    missing
        What was asked for, at least one.
    there
        What is there.
    """
    # Comparing is slow, and a longer list of candidates makes no better hint.
    known = [name for name, _ in zip(there, range(_COMPARED_NAMES), strict=False)]
    parts = []
    for name in missing[:5]:
        close = difflib.get_close_matches(name, known, n=3)
        parts.append(f"{name!r}" + (f" (there is {', '.join(map(repr, close))})" if close else ""))
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    has = "" if any("(" in part for part in parts) else _available_names(known)
    return f"not in the archive: {', '.join(parts)}{more}{has}"


def _available_names(known: Sequence[str]) -> str:
    """List the available names for an error message."""
    files = [name for name in known if not name.endswith("/")]
    if not files:
        return "; it holds no files"
    return f"; it holds {', '.join(map(repr, files[:3]))}{' and more' if len(files) > 3 else ''}"


def coalesce_ranges(items: Iterable[ExtractItem], connections: int) -> list[ByteSpan]:
    """Combine neighbouring entries into few ranges, enough for all connections.

    Parameters
    ----------
    items
        What to fetch.
    connections
        How many ranges are fetched at the same time.

    Returns
    -------
    list[Span]
        The longest first, so that no connection is left alone with a long one at the end.
    """
    ordered = sorted(items, key=lambda item: item.member.offset)
    total = sum(item.member.read_limit - item.member.offset for item in ordered)
    long = min(_LARGEST_SPAN, max(_SMALLEST_SPAN, total // (3 * connections)))
    spans: list[ByteSpan] = []
    for item in ordered:
        member = item.member
        last = spans[-1] if spans else None
        if last and member.offset - last.stop <= LARGEST_GAP and last.stop - last.start < long:
            last.stop = member.read_limit
            last.items.append(item)
        else:
            spans.append(ByteSpan(member.offset, member.read_limit, [item]))
    return sorted(spans, key=lambda span: span.start - span.stop)
