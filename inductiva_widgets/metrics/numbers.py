"""Numbers as programs print them."""

from __future__ import annotations

import re

_NUMBER = re.compile(
    r"(?P<plain>[-+]?(?:\d+\.?\d*|\.\d+))(?:[eEdD](?P<power>[-+]?\d+)|(?P<bare>[-+]\d{3}))?",
    re.ASCII,
)
_WORDS = {"nan": float("nan"), "inf": float("inf"), "infinity": float("inf")}


def number_of(text: str) -> float | None:
    """Return the number that a text is, None where it is none.

    Signs of percent and punctuation at the end are no part of it. A comma within is refused, since
    it may mean a decimal point or thousands.

    Parameters
    ----------
    text
        What an expression has found.

    Examples
    --------
    >>> [number_of(text) for text in ("1e-5,", "1.2D-03", "1.5-103", "12.5%", "-NaN", "1,5")]
    [1e-05, 0.0012, 1.5e-103, 12.5, nan, None]
    """
    text = text.strip().rstrip("%,;:)] ")
    found = _NUMBER.fullmatch(text)
    if found is not None:
        return float(f"{found['plain']}e{found['power'] or found['bare'] or 0}")
    word = text.lower()
    value = _WORDS.get(word.lstrip("+-"))
    return -value if value is not None and word.startswith("-inf") else value
