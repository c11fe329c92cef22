"""Times whose differences stay right if the wall clock is changed.

Imports only the standard library, since the supervisor uses it.
"""

from __future__ import annotations

import contextlib
import functools
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# On Linux, the monotonic clock stands still while the machine sleeps, and this one does not.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Moment(NamedTuple):
    """A time of the wall clock, and the seconds since ``boot``, if both are known.

    All processes of a machine count the same seconds, until it is restarted.
    """

    time: datetime
    uptime: float | None = None
    boot: str | None = None

    def seen_from(self, origin: Moment) -> datetime:
        """Return this time on the wall clock as it was set at another moment.

        Parameters
        ----------
        origin
            The other moment. If the machine was restarted in between, ``time`` is returned.
        """
        if self.uptime is None or origin.uptime is None or self.boot != origin.boot:
            return self.time
        return origin.time + timedelta(seconds=self.uptime - origin.uptime)


def current_moment() -> Moment:
    """Return the present moment."""
    boot = _boot()
    uptime = None if boot is None else time.clock_gettime(_CLOCK)
    return Moment(datetime.fromtimestamp(time.time(), timezone.utc), uptime, boot)


@functools.cache
def _boot() -> str | None:
    """Return an id of the machine's last start, or None on systems without one."""
    with contextlib.suppress(OSError):
        return _BOOT_ID.read_text("ascii").strip() or None
    return None
