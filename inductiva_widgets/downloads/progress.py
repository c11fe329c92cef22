"""How far a download is, as it is shown to others, and what it has to tell at its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Phase = Literal["waiting", "running", "paused", "done", "failed", "cancelled"]
ENDED = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class FileProgress:
    """One file under way.

    Parameters
    ----------
    name
        Its path below the target.
    bytes_done, bytes_total
        Bytes of its content on disk, and all of them.
    """

    name: str
    bytes_done: int
    bytes_total: int


@dataclass(frozen=True, slots=True)
class Progress:
    """State of a download at one moment.

    Parameters
    ----------
    phase
        ``waiting`` (for another process that fills the same folder), ``running``, ``paused``,
        ``done``, ``failed`` or ``cancelled``.
    bytes_done
        Bytes that are there, those of earlier runs included.
    bytes_total
        Bytes of all that was asked for, as they travel; None while unknown.
    files_done, files_total
        Whole files, and all that were asked for (None while unknown).
    speed
        Bytes per second, smoothed.
    eta
        Seconds to go, None while unknown.
    path
        Where it goes.
    active
        The files under way, in the order of their beginning; at most one for each connection.
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
        """Whether it is over, in whatever way."""
        return self.phase in ENDED


@dataclass(frozen=True)
class DownloadSummary:
    """What a finished download has to tell besides its path.

    Parameters
    ----------
    renamed
        Member name to the path it got instead, where the name could not stand.
    missing
        Asked names that are not in the archive.
    kept
        Files that were there already, whole, and were not fetched again.
    messages
        What the user should be warned of, in sentences.

    Examples
    --------
    >>> download = task.start_download(["model.rpt"], "results")
    >>> again = task.start_download(["model.rpt"], "results")
    >>> download.result() == again.result()
    True
    >>> download.outcome.kept + again.outcome.kept
    1
    """

    renamed: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    kept: int = 0
    messages: tuple[str, ...] = ()

    @classmethod
    def combined(cls, outcomes: Iterable[DownloadSummary]) -> DownloadSummary:
        """Return what several downloads have to tell.

        Parameters
        ----------
        outcomes
            One for each.
        """
        parts = list(outcomes)
        return cls(
            renamed={name: path for part in parts for name, path in part.renamed.items()},
            missing=tuple(name for part in parts for name in part.missing),
            kept=sum(part.kept for part in parts),
            messages=tuple(dict.fromkeys(text for part in parts for text in part.messages)),
        )
