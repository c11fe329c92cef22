"""The pause that a server asks for with ``Retry-After``.

Source: RFC 9110, section 10.2.3.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds to wait, or None if the header is missing or malformed.

    Parameters
    ----------
    value
        Value of the header: a number of seconds, or an HTTP date.

    Examples
    --------
    >>> parse_retry_after("120")
    120.0
    >>> parse_retry_after("Thu, 01 Feb 2024 17:16:17 GMT")
    0.0
    >>> parse_retry_after("soon") is None
    True
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
        # A number with hundreds of digits is infinite, and no time to wait for.
        return seconds if math.isfinite(seconds) else None
    try:
        due = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    # The zone -0000 gives a time without a zone: https://docs.python.org/3/library/email.utils.html
    due = due.replace(tzinfo=due.tzinfo or timezone.utc)
    return max(0.0, (due - datetime.now(timezone.utc)).total_seconds())
