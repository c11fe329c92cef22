"""Limits on the content of a download, checked before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inductiva_widgets._disk import free_space
from inductiva_widgets.downloads.zip_directory import ZipEntry
from inductiva_widgets.errors import ArchiveError, DownloadError
from inductiva_widgets.formatting import format_bytes

# Below this no archive does harm, however well it was compressed.
_HARMLESS = 1024**3


@dataclass(frozen=True)
class Limits:
    """Limits on the content of an archive.

    Simulations do write files of zeros that shrink a thousandfold; a whole archive of them, with
    more than 1 GiB of content, is rather made to fill a disk.

    Parameters
    ----------
    max_bytes
        Bytes of content of all selected entries; None for no limit but the disk.
    max_ratio
        Content over compressed size of all selected entries, if the content is over 1 GiB; None
        for no limit.

    Examples
    --------
    >>> limits = inductiva.downloads.Limits(max_bytes=1_000)
    >>> task.download_outputs(output_dir="small", limits=limits)
    Traceback (most recent call last):
    ...
    inductiva_widgets.errors.ArchiveError: the files hold ..., more than the limit of 1000 B; ...
    """

    max_bytes: int | None = None
    max_ratio: float | None = 200.0

    def check(self, members: Sequence[ZipEntry]) -> None:
        """Raise if entries hold too much.

        Parameters
        ----------
        members
            The selected entries.

        Raises
        ------
        ArchiveError
            Its message names the limit and how to raise it.
        """
        content = sum(member.size for member in members)
        packed = sum(member.compressed_size for member in members)
        if self.max_bytes is not None and content > self.max_bytes:
            raise ArchiveError(
                f"the files hold {format_bytes(content)}, more than the limit of "
                f"{format_bytes(self.max_bytes)}; choose fewer files, or a higher "
                "limits=Limits(max_bytes=...)"
            )
        if self.max_ratio is None or content <= _HARMLESS or content <= packed * self.max_ratio:
            return
        raise ArchiveError(
            f"{format_bytes(packed)} would inflate to {format_bytes(content)}, as in an archive "
            "made to fill a disk; if you trust it, pass limits=Limits(max_ratio=None)"
        )


def check_free_space(folder: Path, need: int) -> None:
    """Raise if a download does not fit on the disk.

    Parameters
    ----------
    folder
        Output folder.
    need
        Bytes to write.

    Raises
    ------
    DownloadError
        Its message says how much is needed and how much is free.
    """
    free = free_space(folder)
    if need > free:
        raise DownloadError(
            f"the download needs {format_bytes(need)}, but {folder} has only "
            f"{format_bytes(free)} free"
        )
