"""Limits on the content of a download, checked before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inductiva_widgets._disk import free_space
from inductiva_widgets.downloads.zip_directory import ZipEntry
from inductiva_widgets.errors import ArchiveError, DownloadError
from inductiva_widgets.formatting import format_bytes

# An archive with less content is never refused because of its compression ratio.
_HARMLESS = 1024**3


@dataclass(frozen=True)
class Limits:
    """Limits on the content of an archive.

    Simulations may write files of zeros, which compress a thousandfold. A whole archive of them
    with more than 1 GiB of content is more likely a zip bomb.

    Parameters
    ----------
    max_bytes
        Maximum content of all selected entries in bytes; None for no limit.
    max_ratio
        Maximum ratio of content to compressed size, applied above 1 GiB of content; None for no
        limit.

    Examples
    --------
    >>> limits = inductiva.downloads.Limits(max_bytes=1_000)
    >>> task.download_outputs(output_dir="small", limits=limits)
    Traceback (most recent call last):
    ...
    inductiva_widgets.errors.ArchiveError: The files must have at most 1000 B, got ...
    """

    max_bytes: int | None = None
    max_ratio: float | None = 200.0

    def check(self, entries: Sequence[ZipEntry]) -> None:
        """Raise an error if entries exceed the limits.

        Parameters
        ----------
        entries
            The selected entries.

        Raises
        ------
        ArchiveError
            If a limit is exceeded; the message says how to raise it.
        """
        content = sum(entry.size for entry in entries)
        packed = sum(entry.compressed_size for entry in entries)
        if self.max_bytes is not None and content > self.max_bytes:
            raise ArchiveError(
                f"The files must have at most {format_bytes(self.max_bytes)}, got "
                f"{format_bytes(content)}. Select fewer files or pass a higher "
                "limits=Limits(max_bytes=...)."
            )
        if self.max_ratio is None or content <= _HARMLESS or content <= packed * self.max_ratio:
            return
        raise ArchiveError(
            f"The archive would expand from {format_bytes(packed)} to {format_bytes(content)}, as "
            "a zip bomb does. If you trust it, pass limits=Limits(max_ratio=None)."
        )


def check_free_space(folder: Path, need: int) -> None:
    """Raise an error if a download does not fit on the disk.

    Parameters
    ----------
    folder
        Output folder.
    need
        Bytes to write.

    Raises
    ------
    DownloadError
        If less space is free.
    """
    free = free_space(folder)
    if need > free:
        raise DownloadError(
            f"The download needs {format_bytes(need)}, but {folder} has only "
            f"{format_bytes(free)} free."
        )
