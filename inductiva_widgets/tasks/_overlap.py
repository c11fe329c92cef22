"""Find the overlap between old and re-read lines."""

from __future__ import annotations

from collections.abc import Sequence


def overlap_length(known: Sequence[str], fresh: Sequence[str]) -> int | None:
    r"""Return how many of the fresh lines were known already.

    This is the longest suffix of the known lines that is a prefix of the fresh ones. A last known
    line that was cut may match, too, but does not count, as it is read again, whole.

    Parameters
    ----------
    known
        The last lines that were read.
    fresh
        The present last lines of the file.

    Returns
    -------
    int or None
        None if they have nothing in common, so that lines may be missing between them.

    Examples
    --------
    >>> overlap_length(["a", "b", "c"], ["b", "c", "d"])
    2
    >>> overlap_length(["a", "b", "time = 0."], ["b", "time = 0.5", "d"])
    1
    >>> print(overlap_length(["a"], ["c"]))
    None
    """
    found = _find_overlap(known, fresh)
    if found:
        return found
    if known and known[-1]:
        before = _find_overlap(known[:-1], fresh) if len(known) > 1 else 0
        is_whole_now = before < len(fresh) and fresh[before].startswith(known[-1])
        if is_whole_now and (before or len(known) == 1):
            return before
    return None if known else 0


def resume_index(known: Sequence[str], whole: Sequence[str]) -> int | None:
    """Return the index of the first unread line of a file; None if not certain.

    Parameters
    ----------
    known
        The last lines that were read.
    whole
        All lines of the file.

    Examples
    --------
    >>> resume_index(["b", "c"], ["a", "b", "c", "d"])
    3
    >>> print(resume_index(["a"], ["a", "b", "a", "c"]))
    None
    """
    if not known:
        return 0
    table = _borders(known)
    ends, length = [], 0
    for place, line in enumerate(whole):
        while length and (length == len(known) or known[length] != line):
            length = table[length - 1]
        length += known[length] == line
        if length == len(known):
            ends.append(place + 1)
    return ends[0] if len(ends) == 1 else None


def _find_overlap(known: Sequence[str], fresh: Sequence[str]) -> int:
    """Return the length of the longest suffix of `known` that is a prefix of `fresh`."""
    table = _borders(fresh)
    length = 0
    for line in known[-len(fresh) :] if fresh else ():
        while length and (length == len(fresh) or fresh[length] != line):
            length = table[length - 1]
        length += fresh[length] == line
    return length


def _borders(lines: Sequence[str]) -> list[int]:
    """Return the length of the longest border of each prefix.

    This is the table of Knuth, Morris and Pratt, which avoids repeated comparisons.
    """
    table = [0] * len(lines)
    length = 0
    for place in range(1, len(lines)):
        while length and lines[place] != lines[length]:
            length = table[length - 1]
        length += lines[place] == lines[length]
        table[place] = length
    return table
