"""Strip terminal control sequences from text."""

from __future__ import annotations

import re

# Also matches sequences that are cut off at the end of the text.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]|$)"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def strip_ansi(text: str) -> str:
    """Return the text without escape sequences for colours and cursor movement."""
    return _ESCAPES.sub("", text)


def strip_control_chars(text: str) -> str:
    """Return the text without control characters, except tabs and newlines."""
    return _CONTROLS.sub("", text)


def render_plain_lines(text: str) -> list[str]:
    r"""Return the lines as a terminal shows them, without colours and trailing blanks.

    Text after a carriage return replaces the text before it.

    Examples
    --------
    >>> render_plain_lines("10 %\r20 %\n\x1b[31mERROR\x1b[0m: no mesh\n")
    ['20 %', 'ERROR: no mesh', '']
    """
    return [_render_line(line) for line in strip_ansi(text).split("\n")]


def _render_line(line: str) -> str:
    shown = line.rstrip("\r").rpartition("\r")[2]
    return strip_control_chars(shown.expandtabs(8)).rstrip()
