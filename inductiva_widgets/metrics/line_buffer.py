"""Split chunks of bytes into lines of text."""

from __future__ import annotations

import re

from inductiva_widgets.ansi import strip_ansi, strip_control_chars

LONGEST = 4096
"""Bytes of a line that are looked at; the rest of a longer one is left out."""

_END = re.compile(rb"[\r\n]+")
_BACK = re.compile(rb"(\x08+)")
# Where text of which the beginning is missing is whole again.
_WHOLE_AGAIN = re.compile(rb"[\r\n\x08]")


class LineBuffer:
    r"""Puts lines together; which ones come out does not depend on where the bytes were cut.

    Each state of a line that is written over again and again counts as a line: it ends where the
    cursor goes back, be it with ``\r`` or ``\b``. Empty lines are left out.

    Examples
    --------
    >>> lines = LineBuffer()
    >>> lines.feed(b"step 1\r\nday: 1\b2\b3 resi")
    ['step 1', 'day: 1', 'day: 2']
    >>> lines.feed(b"dual 0.5\n")
    ['day: 3 residual 0.5']
    """

    def __init__(self) -> None:
        self._open = b""
        # Whether the open line has text that has not come out yet.
        self._is_news = False
        self._is_broken = False

    def feed(self, data: bytes, *, follows: bool = True) -> list[str]:
        """Take bytes and return the lines that they complete.

        Parameters
        ----------
        data
            The bytes.
        follows
            Whether they follow on those before; if not, the lines at both sides of the gap are
            broken and left out.
        """
        if not follows:
            self._open, self._is_news, self._is_broken = b"", False, True
        if self._is_broken:
            found = _WHOLE_AGAIN.search(data)
            if found is None:
                return []
            data, self._is_broken = data[found.end() :], False
        lines: list[str] = []
        first, *others = _END.split(data)
        self._add(first, lines)
        if others:
            self._close(lines)
            self._put_whole(others[:-1], lines)
            self._add(others[-1], lines)
        return lines

    def finish(self) -> list[str]:
        """Return the last line where the text ends without a newline."""
        lines: list[str] = []
        self._close(lines)
        return lines

    def _put_whole(self, parts: list[bytes], lines: list[str]) -> None:
        """Put lines that are whole; most are as simple as to be taken together."""
        joined = b"\n".join(parts)
        if b"\b" in joined or b"\x1b" in joined or max(map(len, parts), default=0) > LONGEST:
            for part in parts:
                self._add(part, lines)
                self._close(lines)
            return
        text = strip_control_chars(joined.decode("utf-8", "replace"))
        lines += [line for line in map(str.strip, text.split("\n")) if line]

    def _add(self, part: bytes, lines: list[str]) -> None:
        for text in _BACK.split(part) if b"\b" in part else [part]:
            if text.startswith(b"\b"):
                if self._is_news:
                    _put(self._open, lines)
                self._open, self._is_news = self._open[: -len(text)], False
            elif text:
                self._open, self._is_news = (self._open + text)[:LONGEST], True

    def _close(self, lines: list[str]) -> None:
        if self._is_news:
            _put(self._open, lines)
        self._open, self._is_news = b"", False


def _put(line: bytes, lines: list[str]) -> None:
    text = strip_control_chars(strip_ansi(line.decode("utf-8", "replace"))).strip()
    if text:
        lines.append(text)
