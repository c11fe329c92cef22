"""File names that are not valid UTF-8, as text for JSON and zip archives.

Imports only the standard library, since the supervisor uses it.
"""

from __future__ import annotations

import os
import re

_MARK = "\N{REPLACEMENT CHARACTER}"
# Bytes that are not UTF-8, as `os.fsdecode` returns them.
_UNDECODABLE = re.compile(f"[\udc80-\udcff{_MARK}]")
_ESCAPED = re.compile(f"{_MARK}([89A-F][0-9A-F])")


def to_text(name: str) -> str:
    r"""Return a file name as valid Unicode, with a different text for every name.

    Each byte that is not UTF-8 becomes a replacement character and two hexadecimal digits.

    Parameters
    ----------
    name
        Name or path, as the functions of ``os`` return it.

    Examples
    --------
    >>> to_text(os.fsdecode(b"caf\xe9.txt")) == "caf\N{REPLACEMENT CHARACTER}E9.txt"
    True
    """
    return _UNDECODABLE.sub(lambda match: _escape(os.fsencode(match[0])), name)


def from_text(text: str) -> str:
    """Return the file name of which ``to_text`` has made a text.

    Parameters
    ----------
    text
        The text.
    """
    parts = _ESCAPED.split(text)
    encoded = [
        bytes.fromhex(part) if index % 2 else part.encode() for index, part in enumerate(parts)
    ]
    return os.fsdecode(b"".join(encoded))


def _escape(data: bytes) -> str:
    return "".join(f"{_MARK}{byte:02X}" for byte in data)
