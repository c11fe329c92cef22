"""What the benchmarks share: medians and how they are printed."""

from __future__ import annotations

import platform
import statistics
import sys
from collections.abc import Sequence


def median(seconds: Sequence[float]) -> float:
    """Return the median of some runs."""
    return statistics.median(seconds)


def spread(seconds: Sequence[float]) -> str:
    """Return the median with the fastest and the slowest run, ready to print."""
    return f"{median(seconds):.3f} s ({min(seconds):.3f} to {max(seconds):.3f})"


def machine() -> str:
    """Return on what the figures were measured."""
    import os

    version = ".".join(map(str, sys.version_info[:3]))
    return f"Python {version}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"


def verdict(reached: bool) -> str:
    """Return whether a goal is reached, in words."""
    return "reached" if reached else "NOT reached"
