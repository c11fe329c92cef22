"""Formatting of numbers and times in text and HTML.

The front end has the same functions in ``js/src/format.ts``. Both are tested with
``tests/unit/format_cases.json``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

_BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
MISSING = "n/a"


def format_bytes(size: int | None) -> str:
    """Format a size in binary units.

    Parameters
    ----------
    size
        Number of bytes, or None if unknown.

    Examples
    --------
    >>> format_bytes(191), format_bytes(141558), format_bytes(None)
    ('191 B', '138.24 KiB', 'n/a')
    """
    if size is None:
        return MISSING
    value = float(size)
    for unit in _BINARY_UNITS:
        if abs(value) < 1024 or unit == _BINARY_UNITS[-1]:
            break
        value /= 1024
    return f"{size} B" if unit == "B" else f"{value:.2f} {unit}"


def format_hms(seconds: float | None) -> str:
    """Format a duration as ``h:mm:ss``, preceded by the days if there are any.

    Parameters
    ----------
    seconds
        Duration in seconds, or None if unknown. Negative values count as 0.

    Examples
    --------
    >>> format_hms(10.2), format_hms(93784), format_hms(None)
    ('0:00:10', '1 day, 2:03:04', 'n/a')
    """
    if seconds is None:
        return MISSING
    return str(timedelta(seconds=round(max(0.0, seconds))))


def format_duration(seconds: float | None) -> str:
    """Format a duration with at most two units.

    Parameters
    ----------
    seconds
        Duration in seconds, or None if unknown. Negative values count as 0.

    Examples
    --------
    >>> format_duration(0.84), format_duration(277), format_duration(7260)
    ('0.8 s', '4 min 37 s', '2 h 1 min')
    """
    if seconds is None:
        return MISSING
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, secs = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [
        f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (secs, "s"))
    ]
    first = next((i for i, n in enumerate((days, hours, minutes, secs)) if n), 3)
    shown = [part for part in parts[first : first + 2] if not part.startswith("0 ")]
    return " ".join(shown) or "0 s"


def format_cost(amount: float | None) -> str:
    """Format an amount of money, with two significant digits below $0.1.

    Parameters
    ----------
    amount
        Amount in US dollars, or None if unknown.

    Examples
    --------
    >>> format_cost(0), format_cost(0.00012), format_cost(4.8)
    ('$0', '$0.00012', '$4.80')
    """
    if amount is None:
        return MISSING
    if amount == 0:
        return "$0"
    sign = "-" if amount < 0 else ""
    if abs(amount) >= 0.1:
        return f"{sign}${abs(amount):.2f}"
    decimals = 1
    while decimals < 12 and abs(amount) * 10**decimals < 1:
        decimals += 1
    return f"{sign}${abs(amount):.{decimals + 1}f}"


def format_date(moment: datetime | None) -> str:
    """Format a time in the local zone, such as ``"01 Feb, 17:16:17"``.

    Parameters
    ----------
    moment
        Timezone-aware time, or None if unknown.
    """
    return MISSING if moment is None else _local(moment).strftime("%d %b, %H:%M:%S")


def _local(moment: datetime) -> datetime:
    """Return a time in the local zone, or unchanged if it overflows there."""
    try:
        return moment.astimezone()
    except OverflowError:
        return moment


def format_timestamp(moment: datetime | None, timespec: str = "seconds") -> str:
    """Format a time in the local zone with its year and offset, for terminals and logs.

    Parameters
    ----------
    moment
        Timezone-aware time, or None if unknown.
    timespec
        Precision, as of ``datetime.isoformat``.

    Examples
    --------
    >>> from datetime import timezone
    >>> format_timestamp(datetime(2026, 11, 30, 14, 2, 16, tzinfo=timezone.utc), "minutes")
    '2026-11-30 14:02 UTC'
    """
    if moment is None:
        return MISSING
    local = _local(moment)
    text = local.replace(tzinfo=None).isoformat(" ", timespec)
    return f"{text} {local.isoformat()[-6:] if local.utcoffset() else 'UTC'}"


def format_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, indent: int = 7, gap: int = 7
) -> str:
    """Format a text table with left-aligned columns.

    Each column is as wide as its longest cell, or as its title and two spaces.

    Parameters
    ----------
    header
        Column titles.
    rows
        Rows of cells, one cell per title.
    indent
        Number of spaces before the first column.
    gap
        Number of spaces between columns.
    """
    body = [list(row) for row in rows]
    widths = [
        max(len(title) + 2, *(len(row[i]) for row in body)) if body else len(title) + 2
        for i, title in enumerate(header)
    ]
    lines = (
        " " * indent
        + (" " * gap).join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in (list(header), *body)
    )
    return "\n".join(line.rstrip() for line in lines)
