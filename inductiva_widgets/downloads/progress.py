"""Progress and summary of a download, as immutable dataclasses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Phase = Literal["waiting", "running", "paused", "done", "failed", "cancelled"]
ENDED = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class FileProgress:
    """Progress of one file.

    Parameters
    ----------
    name
        Path relative to the target.
    bytes_done, bytes_total
        Bytes written, and size of the file.
    """

    name: str
    bytes_done: int
    bytes_total: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a download at one moment.

    Parameters
    ----------
    phase
        ``waiting`` (for another process that writes to the same folder), ``running``, ``paused``,
        ``done``, ``failed`` or ``cancelled``.
    bytes_done
        Compressed bytes received, including earlier runs.
    bytes_total
        Compressed size of all selected files; None if unknown.
    files_done, files_total
        Number of complete files, and of all selected files (None if unknown).
    speed
        Bytes per second, smoothed.
    eta
        Remaining seconds; None if unknown.
    path
        Output path.
    active
        Files in progress, in the order of their start; at most one per connection.
    """

    phase: Phase = "running"
    bytes_done: int = 0
    bytes_total: int | None = None
    files_done: int = 0
    files_total: int | None = None
    speed: float = 0.0
    eta: float | None = None
    path: str = ""
    active: tuple[FileProgress, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the download has ended."""
        return self.phase in ENDED


@dataclass(frozen=True)
class DownloadSummary:
    """Details of a finished download.

    Parameters
    ----------
    renamed
        Paths of the entries whose name is not a valid path, by name.
    missing
        Requested names that are not in the archive.
    kept
        Number of files that were complete already and were not fetched again.
    messages
        Warnings for the user.

    Examples
    --------
    >>> download = task.start_download(["model.rpt"], "results")
    >>> again = task.start_download(["model.rpt"], "results")
    >>> download.result() == again.result()
    True
    >>> download.summary.kept + again.summary.kept
    1
    """

    renamed: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    kept: int = 0
    messages: tuple[str, ...] = ()

    @classmethod
    def combined(cls, outcomes: Iterable[DownloadSummary]) -> DownloadSummary:
        """Return the combined summary of several downloads.

        Parameters
        ----------
        outcomes
            One summary per download.
        """
        parts = list(outcomes)
        return cls(
            renamed={name: path for part in parts for name, path in part.renamed.items()},
            missing=tuple(name for part in parts for name in part.missing),
            kept=sum(part.kept for part in parts),
            messages=tuple(dict.fromkeys(text for part in parts for text in part.messages)),
        )
