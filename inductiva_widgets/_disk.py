"""Free space on the disk of a folder."""

from __future__ import annotations

import shutil
from pathlib import Path


def free_space(folder: Path, reserve: int = 0) -> int:
    """Return the free space on the disk of a folder, in bytes.

    Parameters
    ----------
    folder
        The folder. If it does not exist, its nearest existing parent counts.
    reserve
        Bytes to keep free, at most a tenth of the disk.
    """
    disk = shutil.disk_usage(existing_parent(folder))
    kept_free = min(reserve, disk.total // 10) if reserve else 0
    return max(0, disk.free - kept_free)


def existing_parent(path: Path) -> Path:
    """Return a path if it exists, else its nearest existing parent folder.

    Parameters
    ----------
    path
        The path.
    """
    path = path.absolute()
    return next(parent for parent in (path, *path.parents) if parent.exists())
