"""Parsing of numbers in the formats that programs print."""

from __future__ import annotations

import contextlib
import re

# "1.2D-03" for double precision; without a letter if the exponent has three digits.
_FORTRAN = re.compile(
    r"(?P<digits>[-+]?(?:\d+\.?\d*|\.\d+))(?:[dD](?=[-+\d])|(?=[-+]\d{3}$))(?P<power>[-+]?\d+)"
)
# C libraries print -nan(ind), nan(0x8000), nan(snan); old ones on Windows 1.#IND, 1.#INF.
_NON_FINITE = re.compile(
    r"(?P<sign>[-+]?)(?:(?P<nan>nan[qs]|nan\(\w*\)?|1\.#(?:ind|[qs]nan)0*)|1\.#inf0*)",
    re.IGNORECASE,
)


def parse_number(text: str) -> float | None:
    """Convert a text to a number, or return None if it is not a number.

    A percent sign and punctuation at the end are ignored. A comma inside is ambiguous, decimal
    point or thousands separator, so such a text is not a number.

    Parameters
    ----------
    text
        Text matched by an expression.

    Examples
    --------
    >>> [parse_number(text) for text in ("1e-5,", "1.2D-03", "1.5-103", "12.5%", "-NaN", "1,5")]
    [1e-05, 0.0012, 1.5e-103, 12.5, nan, None]
    >>> [parse_number(text) for text in ("-nan(ind)", "1.#QNAN", "-1.#INF", "Infinity")]
    [nan, nan, -inf, inf]
    """
    text = text.strip().rstrip("%,;:)] ")
    if not text.isascii() or "_" in text:
        return None
    with contextlib.suppress(ValueError):
        return float(text)
    non_finite = _NON_FINITE.fullmatch(text)
    if non_finite is not None:
        return float("nan") if non_finite["nan"] else float(f"{non_finite['sign']}inf")
    fortran = _FORTRAN.fullmatch(text)
    return None if fortran is None else float(f"{fortran['digits']}e{fortran['power']}")
