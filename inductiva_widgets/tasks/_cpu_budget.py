"""Limit the CPU time spent on reading a log."""

from __future__ import annotations

SHARE = 0.03
"""Of a core, for one log."""

# Seconds of work at once, after a time with little of it, such as for what was printed before.
_BURST = 2.0
# Bytes that are always read of a piece.
_LEAST = 1 << 14
# Of a smaller piece the cost of a byte is not known well.
_TELLING = 1 << 12


class CpuBudget:
    """Tells how much of what comes can be read; the rest is left out.

    Parameters
    ----------
    now
        Seconds, of a clock that only goes forward.
    """

    def __init__(self, now: float) -> None:
        self._seen = now
        self._saved = _BURST
        # Seconds a byte.
        self._cost = 0.0

    def clip(self, data: bytes, now: float) -> bytes:
        """Return the last part of a piece: as much as can be read; mostly all.

        Parameters
        ----------
        data
            The piece.
        now
            The present.
        """
        self._saved = min(_BURST, self._saved + SHARE * (now - self._seen))
        self._seen = now
        if self._cost * len(data) <= self._saved:
            return data
        return data[-max(_LEAST, int(self._saved / self._cost)) :]

    def charge(self, seconds: float, size: int) -> None:
        """Tell what reading has taken.

        Parameters
        ----------
        seconds
            Of work.
        size
            How many bytes were read.
        """
        self._saved = max(-_BURST, self._saved - seconds)
        if size >= _TELLING:
            self._cost = seconds / size
