"""Cached tasks of an account, and the ranges of the listing they cover."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from inductiva_widgets.frames._columnar import DictionaryColumn, Mask, Positions, TaskColumns
from inductiva_widgets.models.tasks import TaskInfo

# After the end of a task, the service may still update it, for example its cost.
_SETTLES_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True)
class TaskRows:
    """Columns of tasks; ``final`` marks those that are not expected to change any more."""

    fields: TaskColumns
    final: Mask

    def __len__(self) -> int:
        return len(self.fields)

    @classmethod
    def read(cls, infos: Iterable[TaskInfo], now: datetime) -> TaskRows:
        """Return rows of tasks that were read at a time, by the service's clock.

        Parameters
        ----------
        infos
            The tasks.
        now
            The time.
        """
        fields = TaskColumns.read(infos, read_at=now)
        latest = np.datetime64((now - _SETTLES_WITHIN).replace(tzinfo=None), "us")
        ended = fields.times["ended"]
        # A finished task without an end time is not expected to change any more.
        return cls(fields, fields.is_finished & (np.isnat(ended) | (ended < latest)))

    @classmethod
    def concat(cls, parts: Sequence[TaskRows]) -> TaskRows:
        """Concatenate rows."""
        final = [part.final for part in parts] or [np.zeros(0, np.bool_)]
        return cls(TaskColumns.join([part.fields for part in parts]), np.concatenate(final))

    def slice(self, start: int, stop: int) -> TaskRows:
        """Return a range of rows. Only the ids are copied."""
        fields = self.fields
        return TaskRows(
            TaskColumns(
                ids=fields.ids[start:stop],
                texts={
                    name: DictionaryColumn(text.codes[start:stop], text.values)
                    for name, text in fields.texts.items()
                },
                times={name: times[start:stop] for name, times in fields.times.items()},
                numbers={name: numbers[start:stop] for name, numbers in fields.numbers.items()},
                counts={name: counts[start:stop] for name, counts in fields.counts.items()},
            ),
            self.final[start:stop],
        )

    def replace(self, positions: Positions, new: TaskRows) -> TaskRows:
        """Return the rows with new ones of the same tasks at some positions."""
        final = self.final.copy()
        final[positions] = new.final
        return TaskRows(self.fields.replace(positions, new.fields), final)

    def select(self, positions: Positions | Mask) -> TaskRows:
        """Return the rows at some positions, or those where a mask is True."""
        return TaskRows(self.fields.select(positions), self.final[positions])


@dataclass(frozen=True)
class CachedListing:
    """Cached part of a listing, newest task first.

    Parameters
    ----------
    rows
        The cached tasks.
    segments
        Lengths of the contiguous ranges of the listing. Between two segments, tasks may be missing.
    complete
        If True, the last segment reaches the end of the listing.
    as_of
        Time at which the newest task was read, by the service's clock.
    """

    rows: TaskRows
    segments: tuple[int, ...] = ()
    complete: bool = False
    as_of: datetime | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def empty(cls) -> CachedListing:
        """Return an empty listing."""
        return cls(TaskRows.concat(()))

    @property
    def is_complete(self) -> bool:
        """Whether the whole listing is cached."""
        return self.complete and len(self.segments) <= 1

    def head(self, count: int) -> CachedListing:
        """Return at most ``count`` tasks, the newest ones."""
        if len(self) <= count:
            return self
        segments: list[int] = []
        for length in self.segments:
            segments.append(min(length, count - sum(segments)))
            if sum(segments) == count:
                break
        rows = self.rows.slice(0, count)
        return replace(self, rows=rows, segments=tuple(segments), complete=False)

    def mark_unsettled(self, ids: set[str]) -> CachedListing:
        """Return the listing with some tasks marked as not final.

        Parameters
        ----------
        ids
            Ids of tasks that may have changed.
        """
        if not ids:
            return self
        changed = np.fromiter(map(ids.__contains__, self.rows.fields.ids), np.bool_, len(self))
        return replace(self, rows=TaskRows(self.rows.fields, self.rows.final & ~changed))

    def supersedes(self, other: CachedListing) -> bool:
        """Return whether this listing is more complete or newer than another."""
        if self.is_complete != other.is_complete:
            return self.is_complete
        if self.is_complete and self.as_of is not None and other.as_of is not None:
            return self.as_of >= other.as_of
        return len(self) >= len(other)
