"""Parse numbers in the formats that programs print."""

from __future__ import annotations

import contextlib
import re

# With a D for double precision, or no letter where the power has three digits.
_FORTRAN = re.compile(
    r"(?P<digits>[-+]?(?:\d+\.?\d*|\.\d+))(?:[dD](?=[-+\d])|(?=[-+]\d{3}$))(?P<power>[-+]?\d+)"
)
# As C libraries print it: -nan(ind), nan(0x8000), nan(snan); older ones of Windows 1.#IND, 1.#INF.
_NON_FINITE = re.compile(
    r"(?P<sign>[-+]?)(?:(?P<nan>nan[qs]|nan\(\w*\)?|1\.#(?:ind|[qs]nan)0*)|1\.#inf0*)",
    re.IGNORECASE,
)


def parse_number(text: str) -> float | None:
    """Return the number that a text is, None where it is none.

    Signs of percent and punctuation at the end are no part of it. A comma within is refused, since
    it may mean a decimal point or thousands.

    Parameters
    ----------
    text
        What an expression has found.

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
    strange = _NON_FINITE.fullmatch(text)
    if strange is not None:
        return float("nan") if strange["nan"] else float(f"{strange['sign']}inf")
    found = _FORTRAN.fullmatch(text)
    return None if found is None else float(f"{found['digits']}e{found['power']}")
