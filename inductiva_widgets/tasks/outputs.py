"""Listing of a task's output archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.formatting import format_bytes
from inductiva_widgets.models.tasks import ArchiveListing
from inductiva_widgets.tasks import _display

if TYPE_CHECKING:
    from inductiva_widgets.downloads import ZipEntry
    from inductiva_widgets.tasks._state import RemoteTask


@dataclass(frozen=True)
class OutputFile:
    """One output file.

    Parameters
    ----------
    name
        Path in the archive, with forward slashes.
    size
        Size in bytes, None if unknown.
    compressed_size
        Size in the archive in bytes, None if unknown.
    """

    name: str
    size: int | None
    compressed_size: int | None


@dataclass(frozen=True)
class OutputsInfo:
    """The listing of an output archive; prints as a table, in a notebook it shows the files.

    Parameters
    ----------
    size
        Size of the archive in bytes, None if unknown.
    contents
        Its files, without folders.
    task
        The task, if known.

    Examples
    --------
    >>> info = task.get_output_files_info()
    >>> info.n_files, info.total_size > info.size
    (8, True)
    >>> max(info.contents, key=lambda file: file.size).name
    'model.out'
    """

    size: int | None
    contents: tuple[OutputFile, ...]
    task: RemoteTask | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_listing(cls, listing: ArchiveListing, task: RemoteTask | None = None) -> OutputsInfo:
        """Return the listing without its folders; costs no request.

        Parameters
        ----------
        listing
            Response of the service.
        task
            The task, if known.
        """
        files = tuple(
            OutputFile(entry.name, entry.size, entry.compressed_size)
            for entry in listing.contents
            if entry.name and not entry.name.endswith("/")
        )
        return cls(listing.size, files, task)

    @classmethod
    def from_members(
        cls, size: int, members: Mapping[str, ZipEntry], task: RemoteTask | None = None
    ) -> OutputsInfo:
        """Return the listing of an archive's directory, without its folders.

        Parameters
        ----------
        size
            Size of the archive in bytes.
        members
            Entries by name.
        task
            The task, if known.
        """
        files = tuple(
            OutputFile(name, member.size, member.compressed_size)
            for name, member in members.items()
            if not member.is_dir
        )
        return cls(size, files, task)

    @property
    def n_files(self) -> int:
        """Number of files."""
        return len(self.contents)

    @property
    def total_size(self) -> int:
        """Sum of the known sizes in bytes."""
        return sum(file.size or 0 for file in self.contents)

    def __str__(self) -> str:
        rows = [("Size", "Compressed", "Name")]
        rows += [
            (
                format_bytes(file.size),
                format_bytes(file.compressed_size),
                escape_control_chars(file.name),
            )
            for file in self.contents
        ]
        lines = [f" {size:<12} {packed:<12} {name}".rstrip() for size, packed, name in rows]
        return "\n".join([f"Archive size: {format_bytes(self.size)}", "Contents:", *lines])

    def _repr_mimebundle_(self, **_: Any) -> _display.Bundle:
        return _display.outputs_mimebundle(self.task, str(self))
