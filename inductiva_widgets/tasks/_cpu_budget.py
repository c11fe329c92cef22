"""Limit the CPU time spent on reading a log."""

from __future__ import annotations

SHARE = 0.03
"""Share of one core, per log."""

# Seconds of CPU time that can be saved up, such as for the backlog.
_MAX_SAVED = 2.0
# Bytes of a chunk that are always read.
_MIN_READ = 1 << 14
# The cost per byte is not measured on smaller chunks, as it would be inexact.
_MIN_MEASURED = 1 << 12


class CpuBudget:
    """Limits how much of each chunk is read; the rest is skipped.

    Parameters
    ----------
    now
        Present time of a monotonic clock, in seconds.
    """

    def __init__(self, now: float) -> None:
        self._updated_at = now
        self._saved = _MAX_SAVED
        # Seconds per byte.
        self._cost = 0.0

    def clip(self, data: bytes, now: float) -> bytes:
        """Return the end of a chunk, as long as the budget allows.

        Parameters
        ----------
        data
            The chunk.
        now
            Present time, in seconds.
        """
        self._saved = min(_MAX_SAVED, self._saved + SHARE * (now - self._updated_at))
        self._updated_at = now
        if self._cost * len(data) <= self._saved:
            return data
        return data[-max(_MIN_READ, int(self._saved / self._cost)) :]

    def charge(self, seconds: float, size: int) -> None:
        """Subtract the CPU time that reading has taken.

        Parameters
        ----------
        seconds
            CPU time.
        size
            Number of bytes read.
        """
        self._saved = max(-_MAX_SAVED, self._saved - seconds)
        if size >= _MIN_MEASURED:
            self._cost = seconds / size
