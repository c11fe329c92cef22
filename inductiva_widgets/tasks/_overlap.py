"""Find the overlap between old and re-read lines."""

from __future__ import annotations

from collections.abc import Sequence


def overlap_length(known: Sequence[str], fresh: Sequence[str]) -> int | None:
    r"""Return how many of the fresh lines were known already.

    The longest end of the known lines that the fresh ones begin with. A last known line that had
    not been whole counts too, but is not among the returned number: it comes again, whole.

    Parameters
    ----------
    known
        The last lines that were read.
    fresh
        The last lines of the file as of now.

    Returns
    -------
    int or None
        None where the two have nothing in common, so that something may lie between them.

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
    """Return where a whole file goes on after lines of it that were read; None if not certain.

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
    """Return the length of the longest end of one that the other begins with."""
    table = _borders(fresh)
    length = 0
    for line in known[-len(fresh) :] if fresh else ():
        while length and (length == len(fresh) or fresh[length] != line):
            length = table[length - 1]
        length += fresh[length] == line
    return length


def _borders(lines: Sequence[str]) -> list[int]:
    """Return, for each beginning, how long its longest end is that it begins with itself.

    The table of Knuth, Morris and Pratt, by which repeated lines cost no repeated comparison.
    """
    table = [0] * len(lines)
    length = 0
    for place in range(1, len(lines)):
        while length and lines[place] != lines[length]:
            length = table[length - 1]
        length += lines[place] == lines[length]
        table[place] = length
    return table
