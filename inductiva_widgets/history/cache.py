"""Cached tasks of an account and the ranges of the listing they cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from inductiva_widgets.frames._columnar import DictionaryColumn, Mask, Positions, TaskColumns

# What the service works out after a task's end, such as its cost, may come a little later.
_SETTLES_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True)
class TaskRows:
    """Some tasks; ``settled`` are those that change no more."""

    fields: TaskColumns
    final: Mask

    def __len__(self) -> int:
        return len(self.fields)

    @classmethod
    def from_columns(cls, fields: TaskColumns, now: datetime) -> TaskRows:
        """Return tasks that were read at a time, by the service's clock."""
        latest = np.datetime64((now - _SETTLES_WITHIN).replace(tzinfo=None), "us")
        ended = fields.times["ended"]
        # Of a task that is over, and that the service gives no time of, nothing more will come.
        return cls(fields, fields.is_finished & (np.isnat(ended) | (ended < latest)))

    @classmethod
    def concat(cls, parts: Sequence[TaskRows]) -> TaskRows:
        """Return rows one after the other."""
        final = [part.final for part in parts] or [np.zeros(0, np.bool_)]
        return cls(TaskColumns.join([part.fields for part in parts]), np.concatenate(final))

    def slice(self, start: int, stop: int) -> TaskRows:
        """Return the rows from one position to another; nothing but their ids is copied."""
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
            ),
            self.final[start:stop],
        )

    def select(self, positions: Positions | Mask) -> TaskRows:
        """Return the rows at some positions, or those that a mask has."""
        return TaskRows(self.fields.select(positions), self.final[positions])


@dataclass(frozen=True)
class CachedListing:
    """What is known of a listing, newest task first.

    Parameters
    ----------
    rows
        The tasks.
    segments
        Numbers of tasks that follow each other in the listing without a gap; between two segments
        there may be tasks that are not known.
    complete
        Whether the last segment reaches the end of the listing.
    as_of
        When the newest task was read, by the service's clock.
    """

    rows: TaskRows
    segments: tuple[int, ...] = ()
    complete: bool = False
    as_of: datetime | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def empty(cls) -> CachedListing:
        """Return what is known at first."""
        return cls(TaskRows.concat(()))

    @property
    def is_complete(self) -> bool:
        """Whether the whole listing is known."""
        return self.complete and len(self.segments) <= 1

    def head(self, count: int) -> CachedListing:
        """Return the newest tasks alone where there are more."""
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
        """Return the same with some tasks counted as ones that may have changed."""
        if not ids:
            return self
        changed = np.fromiter(map(ids.__contains__, self.rows.fields.ids), np.bool_, len(self))
        return replace(self, rows=TaskRows(self.rows.fields, self.rows.final & ~changed))

    def supersedes(self, other: CachedListing) -> bool:
        """Return whether this is rather to be kept than what another process has read."""
        if self.is_complete != other.is_complete:
            return self.is_complete
        if self.is_complete and self.as_of is not None and other.as_of is not None:
            return self.as_of >= other.as_of
        return len(self) >= len(other)
