"""Pauses between tries: back-off, and the ``Retry-After`` and ``Date`` headers.

Source: RFC 9110, sections 5.6.7, 6.6.1 and 10.2.3.
"""

from __future__ import annotations

import math
import random
import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


def backoff(attempt: int) -> float:
    """Return the seconds to wait after a failed try, with jitter, at most 8.

    Parameters
    ----------
    attempt
        Number of the try, from 1.
    """
    longest: float = min(8.0, 0.3 * 2**attempt)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311


def parse_retry_after(value: str | None, date: str | None = None) -> float | None:
    """Return the seconds to wait, or None if the header is missing or malformed.

    Parameters
    ----------
    value
        Value of the header: a number of seconds, or an HTTP date.
    date
        Value of the ``Date`` header of the same response. With it, a date is correct even if the
        clocks of this machine and the server differ.

    Examples
    --------
    >>> parse_retry_after("120")
    120.0
    >>> parse_retry_after(
    ...     "Thu, 01 Feb 2024 17:16:17 GMT", date="Thu, 01 Feb 2024 17:16:00 GMT"
    ... )
    17.0
    >>> parse_retry_after("soon") is None
    True
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
        # A number with hundreds of digits becomes infinite.
        return seconds if math.isfinite(seconds) else None
    due = parse_http_date(text)
    if due is None:
        return None
    now = parse_http_date(date or "") or datetime.now(timezone.utc)
    return max(0.0, (due - now).total_seconds())


def parse_http_date(text: str) -> datetime | None:
    """Parse an HTTP date, or return None if it is malformed.

    Parameters
    ----------
    text
        Value of the header. Without a zone, the time is in UTC.
    """
    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    # The zone -0000 gives a time without a zone: https://docs.python.org/3/library/email.utils.html
    return parsed.replace(tzinfo=parsed.tzinfo or timezone.utc)
