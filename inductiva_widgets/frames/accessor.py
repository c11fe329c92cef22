"""``df.inductiva``: what can be done with a frame of tasks, at hand where the frame is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pandas as pd

from inductiva_widgets.frames import schema
from inductiva_widgets.frames.identity import ids_of

if TYPE_CHECKING:
    from inductiva_widgets.api.client import Client
    from inductiva_widgets.tasks import TaskList


@pd.api.extensions.register_dataframe_accessor("inductiva")
class TaskFrame:
    """Methods of a DataFrame whose rows are tasks; none costs a request.

    At hand once :mod:`inductiva_widgets.frames` is imported, which every ``to_frame`` does; for a
    frame that pandas itself has read in a new session, read it with ``inductiva.frames.read``.
    Each method raises :class:`InputError` for a frame of something else, such as the result of
    ``groupby``, which is plain pandas.

    Examples
    --------
    >>> df = inductiva.tasks.get_all().to_frame()  # doctest: +SKIP
    >>> df.query("cost_usd > 5").inductiva.tasks()  # doctest: +SKIP
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        # Not checked here: pandas and editors look at attributes without wanting to use them.
        self._unchecked = frame

    @property
    def _frame(self) -> pd.DataFrame:
        ids, frame = ids_of(self._unchecked), self._unchecked
        if frame.index.name == schema.INDEX:
            return frame
        # The ids are a column, such as after reset_index.
        indexed = frame.set_axis(pd.Index(ids, dtype=str, name=schema.INDEX), axis="index")
        return indexed.drop(columns=schema.INDEX)

    def tasks(self, client: Client | None = None) -> TaskList:
        """Return the tasks, live again; see :meth:`TaskList.from_frame`."""
        from inductiva_widgets.tasks import TaskList

        return TaskList.from_frame(self._unchecked, client)

    def timeline(self, **options: Any) -> Any:
        """Return the chart :func:`inductiva_widgets.plots.timeline`; options are passed on."""
        return self._plot("timeline", options)

    def times(self, **options: Any) -> Any:
        """Return the chart :func:`inductiva_widgets.plots.times`; options are passed on."""
        return self._plot("times", options)

    def costs(self, **options: Any) -> Any:
        """Return the chart :func:`inductiva_widgets.plots.costs`; options are passed on."""
        return self._plot("costs", options)

    def statuses(self, **options: Any) -> Any:
        """Return the chart :func:`inductiva_widgets.plots.statuses`; options are passed on."""
        return self._plot("statuses", options)

    def machines(self, **options: Any) -> Any:
        """Return the chart :func:`inductiva_widgets.plots.machines`; options are passed on."""
        return self._plot("machines", options)

    def compare(self) -> pd.DataFrame:
        """Return the columns in which the tasks differ: :func:`.frames.compare.compare`."""
        frame = self._frame
        from inductiva_widgets.frames.compare import compare

        return compare(frame)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file, whole or not at all; :func:`inductiva_widgets.frames.read` reads it.

        Times are ISO 8601 in UTC, durations seconds in ``<name>_seconds``. A text that a
        spreadsheet would run as a formula has an apostrophe before it.
        """
        self._export(path, ".csv")

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write a Parquet file, whole or not at all; all types and ``attrs`` are kept.

        Raises
        ------
        InputError
            Pyarrow is missing.
        """
        self._export(path, ".parquet")

    def to_excel(self, path: str | os.PathLike[str]) -> None:
        """Write an Excel file, whole or not at all; its second sheet tells what the columns are.

        Times are dates in UTC, since Excel knows no time zones; durations are Excel's own. A text
        stays a text, even if it looks like a formula.

        Raises
        ------
        InputError
            Openpyxl is missing, or there are more rows than Excel has.
        """
        self._export(path, ".xlsx")

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table``, its categories as dictionaries.

        Raises
        ------
        InputError
            Pyarrow is missing.
        """
        from inductiva_widgets.frames.arrow_file import table

        return table(self._frame)

    def _plot(self, name: str, options: dict[str, Any]) -> Any:
        frame = self._frame
        from inductiva_widgets import plots

        return getattr(plots, name)(frame, **options)

    def _export(self, path: str | os.PathLike[str], ending: str) -> None:
        from inductiva_widgets.frames.export import export

        export([self._frame], path, ending)
