"""Control sequences of terminals in text: removed, or escaped so that they are visible."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

# Matches sequences that are incomplete at the end of the text, too.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]|$)"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COLOURS = re.compile(r"(\x1b\[[0-9;:]*m)")
_RESET = "\x1b[0m"
# The beginning of a colour at the end of a text. The length is limited, as more may never come.
_COLOUR_START = re.compile(r"\x1b(\[[0-9;:]{0,32})?$")
# Control, format (such as direction marks and zero-width characters), surrogate, line separator,
# paragraph separator.
_ESCAPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def strip_ansi(text: str) -> str:
    """Remove the escape sequences that set colours and move the cursor."""
    return _ESCAPES.sub("", text)


def strip_control_chars(text: str) -> str:
    """Remove control characters except tabs and newlines."""
    return _CONTROLS.sub("", text)


def escape_control_chars(text: str, *, keep: str = "") -> str:
    r"""Replace control and invisible characters by escapes, for values that are printed.

    A terminal executes control sequences, and direction marks change the order of the text.
    Backslashes are kept, so the result is for people and cannot be parsed.

    Parameters
    ----------
    text
        The text.
    keep
        Characters to leave, such as a newline.

    Examples
    --------
    >>> print(escape_control_chars("\x1b[31mred\u202e"))
    \x1b[31mred\u202e
    """
    return _replace_controls(text, keep, _python_escape)


def escape_controls_in_json(text: str) -> str:
    r"""Replace control and invisible characters in formatted JSON by its own escapes.

    Examples
    --------
    >>> print(escape_controls_in_json('"\u202ered"'))
    "\u202ered"
    """
    return _replace_controls(text, "\n", _json_escape)


class LogEscaper:
    r"""Replaces control sequences in the chunks of a log by escapes, except colours.

    Tabs, newlines and carriage returns are kept: programs redraw a progress line with the latter.

    Examples
    --------
    >>> escaper = LogEscaper()
    >>> escaper.escape("\x1b[31mred\x1b]0;title\x07\x1b[3") + escaper.escape("2mgreen")
    '\x1b[31mred\\x1b]0;title\\x07\x1b[32mgreen'
    >>> escaper.finish()
    '\x1b[0m'
    """

    def __init__(self) -> None:
        self._held = ""
        self._has_colours = False

    def escape(self, chunk: str) -> str:
        """Return a chunk for the terminal, without the beginning of a colour at its end.

        Parameters
        ----------
        chunk
            The next part of the log.
        """
        text = self._held + chunk
        start = _COLOUR_START.search(text)
        self._held = start[0] if start else ""
        parts = _COLOURS.split(text.removesuffix(self._held))
        self._has_colours = self._has_colours or len(parts) > 1
        # The odd parts are the colours.
        parts[::2] = [escape_control_chars(part, keep="\t\n\r") for part in parts[::2]]
        return "".join(parts)

    def finish(self) -> str:
        """Return the rest of the log, and the end of its colours."""
        rest = escape_control_chars(self._held)
        self._held = ""
        return rest + (_RESET if self._has_colours else "")


def render_plain_lines(text: str) -> list[str]:
    r"""Return the lines as a terminal would show them, without colours and trailing spaces.

    Only the last state of an overwritten line is returned.

    Examples
    --------
    >>> render_plain_lines("10 %\r20 %\n\x1b[31mERROR\x1b[0m: no mesh\n")
    ['20 %', 'ERROR: no mesh', '']
    """
    return [_render_line(line) for line in strip_ansi(text).split("\n")]


def _replace_controls(text: str, keep: str, escape: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(
        escape(character)
        if unicodedata.category(character) in _ESCAPED_CATEGORIES and character not in keep
        else character
        for character in text
    )


def _python_escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def _render_line(line: str) -> str:
    shown = line.rstrip("\r").rpartition("\r")[2]
    return strip_control_chars(shown.expandtabs(8)).rstrip()
