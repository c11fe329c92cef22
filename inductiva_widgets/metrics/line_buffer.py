"""Split chunks of bytes into lines of text."""

from __future__ import annotations

import re

from inductiva_widgets.ansi import strip_ansi, strip_control_chars

MAX_LINE_BYTES = 1 << 14
"""Maximum length of a line. Longer ones are left out: their last number would be a wrong one."""

_LINE_END = re.compile(rb"[\r\n]+")
_BACKSPACES = re.compile(rb"(\x08+)")
# The first position at which a line begins, after a gap in the data.
_RESUME_AFTER = re.compile(rb"[\r\n\x08]")


class LineBuffer:
    r"""Join chunks of bytes to lines, independently of how the bytes were split.

    If a line is overwritten with ``\r`` or ``\b``, each of its states counts as a line. Spaces are
    kept. Blank lines, and lines of more than `MAX_LINE_BYTES`, are left out.

    Examples
    --------
    >>> lines = LineBuffer()
    >>> lines.feed(b"step 1\r\nday: 1\b2\b3 resi")
    ['step 1', 'day: 1', 'day: 2']
    >>> lines.feed(b"dual 0.5\n")
    ['day: 3 residual 0.5']
    """

    def __init__(self) -> None:
        self.n_too_long = 0
        self._open = b""
        # If True, the rest of the open line is left out.
        self._is_too_long = False
        # If True, the open line has text that has not been returned yet.
        self._is_pending = False
        # If True, data is missing before the open line.
        self._is_after_gap = False

    def feed(self, data: bytes, *, follows: bool = True) -> list[str]:
        """Add bytes, and return the lines that they complete.

        Parameters
        ----------
        data
            The bytes.
        follows
            If False, data is missing before these bytes, and the incomplete lines on both sides
            are dropped.
        """
        if not follows:
            self._open, self._is_pending, self._is_after_gap = b"", False, True
            self._is_too_long = False
        if self._is_after_gap:
            found = _RESUME_AFTER.search(data)
            if found is None:
                return []
            data, self._is_after_gap = data[found.end() :], False
        lines: list[str] = []
        first, *rest = _LINE_END.split(data)
        self._add(first, lines)
        if rest:
            self._close(lines)
            self._add_complete(rest[:-1], lines)
            self._add(rest[-1], lines)
        return lines

    def finish(self) -> list[str]:
        """Return the last line, if the text does not end with a newline."""
        lines: list[str] = []
        self._close(lines)
        return lines

    def _add_complete(self, parts: list[bytes], lines: list[str]) -> None:
        """Add complete lines, decoded together unless one of them needs special treatment."""
        joined = b"\n".join(parts)
        is_long = max(map(len, parts), default=0) > MAX_LINE_BYTES
        if b"\b" in joined or b"\x1b" in joined or is_long:
            for part in parts:
                self._add(part, lines)
                self._close(lines)
            return
        text = strip_control_chars(joined.decode("utf-8", "replace"))
        lines += [line for line in text.split("\n") if line and not line.isspace()]

    def _add(self, part: bytes, lines: list[str]) -> None:
        for text in _BACKSPACES.split(part) if b"\b" in part else [part]:
            if self._is_too_long:
                return
            if text.startswith(b"\b"):
                if self._is_pending:
                    _append_text(self._open, lines)
                self._open, self._is_pending = self._open[: -len(text)], False
            elif len(self._open) + len(text) > MAX_LINE_BYTES:
                self._open, self._is_pending, self._is_too_long = b"", False, True
                self.n_too_long += 1
            elif text:
                self._open, self._is_pending = self._open + text, True

    def _close(self, lines: list[str]) -> None:
        if self._is_pending:
            _append_text(self._open, lines)
        self._open, self._is_pending, self._is_too_long = b"", False, False


def _append_text(line: bytes, lines: list[str]) -> None:
    text = strip_control_chars(strip_ansi(line.decode("utf-8", "replace")))
    if text and not text.isspace():
        lines.append(text)
