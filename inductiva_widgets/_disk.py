"""Free space on the disk of a folder."""

from __future__ import annotations

import shutil
from pathlib import Path


def free_space(folder: Path, reserve: int = 0) -> int:
    """Return the free bytes on the disk of a folder.

    Parameters
    ----------
    folder
        The folder. If it does not exist, the nearest existing folder above it counts.
    reserve
        Bytes to leave free, but at most a tenth of the disk.
    """
    folder = folder.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    disk = shutil.disk_usage(existing)
    kept_free = min(reserve, disk.total // 10) if reserve else 0
    return max(0, disk.free - kept_free)
