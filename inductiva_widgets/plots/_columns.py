"""Columns of a task frame as arrays, for every supported pandas, and groups of its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inductiva_widgets.columns import COLUMNS, SERVICE
from inductiva_widgets.config import REPLAY
from inductiva_widgets.errors import InputError
from inductiva_widgets.status import KNOWN_STATUSES, Status

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]

_INDEX = "task_id"
_ATTRS = "inductiva"
_EPOCH = pd.Timestamp(0, tz="UTC")
_SECOND = pd.Timedelta(seconds=1)
_TIMES = tuple(name for name, column in COLUMNS.items() if column.kind == "time")
# A duration grows until its end is known; each of the rest is measured once.
_END_OF = {
    "queue_time": "started",
    "computation_time": "computation_ended",
    "total_time": "ended",
}

NONE = "(none)"
MAX_LETTERS = 24


class ChartRows(NamedTuple):
    """The tasks of a chart, one row each."""

    frame: pd.DataFrame
    repeated: int
    """Number of older rows of the same tasks, which are left out."""

    @property
    def is_demo(self) -> bool:
        """Whether tasks are synthetic."""
        # Joined frames have no provenance, but the column.
        named = SERVICE in self.frame.columns and (self.frame[SERVICE] == REPLAY).any()
        return bool(named) or _provenance(self.frame).get("demo") is True

    @property
    def ids(self) -> list[str]:
        """The ids of the tasks; if the frame has none, its index."""
        found = self.frame.index if _ids(self.frame) is None else _ids(self.frame)
        return [xml_safe(value) for value in cast(Any, found)]


def require_columns(df: object, chart: str, *names: str) -> ChartRows:
    """Return the newest row of each task after a check of the columns.

    Raises
    ------
    InputError
        ``df`` is not a DataFrame, or lacks columns. The message has the columns and a fix.
    """
    if not isinstance(df, pd.DataFrame):
        raise InputError(
            f"plots.{chart} takes a DataFrame of tasks, such as tasks.to_frame(), "
            f"got {type(df).__name__}."
        )
    missing = [name for name in dict.fromkeys(names) if name not in df.columns]
    if missing:
        raise InputError(
            f"plots.{chart} needs the columns {', '.join(missing)}, which this frame does not "
            f"have. Pass them to to_frame(columns=[{', '.join(map(repr, missing))}, ...]), "
            "or leave columns= out for the default columns."
        )
    is_newest = _newest_rows(df)
    repeated = int((~is_newest).sum())
    return ChartRows(df[is_newest] if repeated else df, repeated)


def _ids(df: pd.DataFrame) -> Any:
    if df.index.name == _INDEX:
        return df.index
    return df[_INDEX] if list(df.columns).count(_INDEX) == 1 else None


def _newest_rows(df: pd.DataFrame) -> Mask:
    """Return which rows are the newest of their tasks, such as after ``pd.concat``.

    The newest row has the latest time in it, then the latest status, then the last position.
    """
    ids = _ids(df)
    if ids is None or ids.is_unique:
        return np.ones(len(df), dtype=np.bool_)
    times = [timestamps(df, name) for name in _TIMES if name in df.columns]
    latest = np.fmax.reduce([np.full(len(df), -np.inf), *times])
    order = np.lexsort((np.arange(len(df)), _status_ranks(df), latest))
    in_order = pd.Series(np.asarray(ids, dtype=object)[order])
    is_newest = np.empty(len(df), dtype=np.bool_)
    is_newest[order] = ~in_order.duplicated(keep="last") | in_order.isna()
    return is_newest


def _status_ranks(df: pd.DataFrame) -> NDArray[np.intp]:
    if "status" not in df.columns:
        return np.zeros(len(df), dtype=np.intp)
    codes, names = texts(df["status"])
    rank_of = {code: rank for rank, code in enumerate(KNOWN_STATUSES)}
    return np.array([*(rank_of.get(name, len(rank_of)) for name in names), -1])[codes]


def is_unfinished(df: pd.DataFrame) -> Mask:
    """Return which tasks have not ended, by the columns that the frame has."""
    if "status" not in df.columns:
        return np.zeros(len(df), dtype=np.bool_)
    codes, names = texts(df["status"])
    # The last item is for a missing status.
    is_live = np.array([*(not Status(name).is_terminal for name in names), False])[codes]
    return is_live & np.isnan(timestamps(df, "ended")) if "ended" in df.columns else is_live


def is_growing(df: pd.DataFrame, name: str) -> Mask:
    """Return which durations last until the time of the frame and will be longer."""
    if name not in _END_OF:
        return np.zeros(len(df), dtype=np.bool_)
    end, is_live = _END_OF[name], is_unfinished(df)
    return is_live & np.isnan(timestamps(df, end)) if end in df.columns else is_live


def column_title(name: str) -> str:
    """Return the name of a column in words."""
    if name in COLUMNS:
        return name.replace("_", " ").removesuffix(" usd").removesuffix(" bytes")
    return xml_safe(name).removeprefix("metadata.")


def _provenance(df: pd.DataFrame) -> dict[str, Any]:
    found: Any = df.attrs.get(_ATTRS)
    return found if isinstance(found, dict) else {}


def seconds(df: pd.DataFrame, name: str) -> Numbers:
    """Return a column of durations in seconds, with NaN for unknown ones."""
    # pandas 2.0 does not parse NA: https://github.com/pandas-dev/pandas/issues/52909
    return _to_numbers(
        df,
        name,
        "durations",
        lambda given: pd.to_timedelta(given.where(given.notna(), None)) / _SECOND,
    )


def timestamps(df: pd.DataFrame, name: str) -> Numbers:
    """Return a column of times in seconds since 1970, with NaN for unknown ones."""
    return _to_numbers(
        df,
        name,
        "times",
        lambda given: (pd.to_datetime(given, utc=True, format="ISO8601") - _EPOCH) / _SECOND,
    )


def numbers(df: pd.DataFrame, name: str) -> Numbers:
    """Return a column of numbers, with NaN for unknown ones."""
    # pd.to_numeric accepts None and NA only in columns that have no dtype object.
    return _to_numbers(
        df, name, "numbers", lambda given: pd.to_numeric(given.where(given.notna(), np.nan))
    )


def _to_numbers(df: pd.DataFrame, name: str, what: str, read: Any) -> Numbers:
    try:
        values = read(df[name]).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"The column {name!r} does not hold {what}: {error}.") from error
    return cast(Numbers, np.where(np.isfinite(values), values, np.nan))


def as_of(df: pd.DataFrame, *known: Numbers) -> float:
    """Return the time of the frame, at which live tasks end, in seconds since 1970.

    Without ``attrs`` it is the current time, and at least the latest of the ``known`` times.
    """
    text = _provenance(df).get("as_of")
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    now = (moment or datetime.now(timezone.utc)).timestamp()
    return max([now, *(float(np.nanmax(some)) for some in known if np.isfinite(some).any())])


def texts(series: Sequence[Any] | pd.Series) -> tuple[NDArray[np.intp], list[str]]:
    """Return a column as indices into a list of texts, -1 for missing values."""
    codes, values = pd.factorize(pd.Series(series))
    return codes, [xml_safe(value) for value in values]


def shorten(text: str, limit: int) -> str:
    """Return a text of at most ``limit`` letters, its middle replaced by an ellipsis."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}\N{HORIZONTAL ELLIPSIS}{text[-tail:]}"


def xml_safe(value: object) -> str:
    """Return a value as text, without characters that are not allowed in XML."""
    return "".join(
        char if _is_drawable(char) else "\N{REPLACEMENT CHARACTER}" for char in str(value)
    )


def _is_drawable(char: str) -> bool:
    code = ord(char)
    return not (
        code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code in {0xFFFE, 0xFFFF}
    )


@dataclass(frozen=True)
class GroupedTasks:
    """A group for each task: its index into names, largest first, the rest last."""

    indices: NDArray[np.intp]
    names: list[str]
    has_others: bool

    def __len__(self) -> int:
        return len(self.names)

    @property
    def labels(self) -> list[str]:
        """Names for axes and legends, of at most 24 letters, all different."""
        return short_labels(self.names, MAX_LETTERS)

    def select(self, rows: NDArray[np.bool_]) -> GroupedTasks:
        """Return the groups of some of the tasks."""
        return replace(self, indices=self.indices[rows])


def grouped(
    df: pd.DataFrame, by: str, chart: str, max_groups: int, weight: Numbers | None = None
) -> GroupedTasks:
    """Return the groups of a frame by a column.

    Parameters
    ----------
    df
        The tasks.
    by
        Name of the column.
    chart
        Name of the chart, for the error.
    max_groups
        Maximum number of groups, including the group of the rest.
    weight
        Size of each task in its group, 1 by default.

    Raises
    ------
    InputError
        There is no such column.
    """
    if by not in df.columns:
        named = [
            str(name) for name in df.columns if isinstance(df[name].dtype, pd.CategoricalDtype)
        ]
        raise InputError(
            f"plots.{chart}: there is no column {by!r} to group by. "
            f"Expected one of: {', '.join(named) or '(no column of categories)'}."
        )
    codes, names = texts(df[by])
    # Missing values are a group of their own.
    codes = np.where(codes < 0, len(names), codes)
    sizes = np.bincount(codes, weights=weight, minlength=len(names) + 1)
    occurs = np.bincount(codes, minlength=len(names) + 1) > 0
    names = [*names, unused_name(NONE, names)]
    # By size, then by name, so that a frame always gives the same chart.
    order = sorted(np.flatnonzero(occurs), key=lambda code: (-sizes[code], names[code]))
    kept = order if len(order) <= max_groups else order[: max_groups - 1]
    index_of = np.full(len(names), len(kept), dtype=np.intp)
    index_of[kept] = np.arange(len(kept))
    shown = [names[code] for code in kept]
    rest = len(order) - len(kept)
    if rest:
        shown.append(unused_name(f"{rest:,} others", shown))
    return GroupedTasks(index_of[codes], shown, rest > 0)


def short_labels(names: list[str], limit: int) -> list[str]:
    """Return names with their middle left out if they are long, all different."""
    labels: list[str] = []
    for name in names:
        labels.append(unused_name(shorten(name, limit), labels))
    return labels


def unused_name(name: str, taken: list[str]) -> str:
    """Return a name that is not taken."""
    while name in taken:
        name = f"{name}\N{NO-BREAK SPACE}"
    return name
