"""Progress and summary of a download, as immutable values."""

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
        Its path below the target.
    bytes_done, bytes_total
        Bytes of its content on disk, and its size.
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
        ``waiting`` (for another process that fills the same folder), ``running``, ``paused``,
        ``done``, ``failed`` or ``cancelled``.
    bytes_done
        Bytes received, including earlier runs.
    bytes_total
        Compressed size of everything selected; None while unknown.
    files_done, files_total
        Complete files, and all selected files (None while unknown).
    speed
        Bytes per second, smoothed.
    eta
        Remaining seconds; None while unknown.
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
    """Result of a finished download besides its path.

    Parameters
    ----------
    renamed
        Entry name to its path, if the name could not be used.
    missing
        Requested names that are not in the archive.
    kept
        Number of existing complete files, not fetched again.
    messages
        Warnings for the user, in sentences.

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
        """Return the summaries of several downloads as one.

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
