"""The pandas accessor ``df.inductiva``."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pandas as pd

from inductiva_widgets import _entry_points
from inductiva_widgets.frames import schema
from inductiva_widgets.frames._provenance import task_ids

if TYPE_CHECKING:
    from inductiva_widgets.frames.io import Target


@pd.api.extensions.register_dataframe_accessor("inductiva")
class TaskFrameAccessor:
    """Methods of a DataFrame whose rows are tasks, as ``df.inductiva``.

    Registered when ``inductiva_widgets.frames`` is imported, which every ``to_frame`` does. In a
    new session, read files with ``inductiva.frames.read``. Each method raises ``InputError`` if
    the rows are not tasks, as after ``groupby``.

    Examples
    --------
    >>> expensive = df.query("cost_usd > 5")
    >>> chart = expensive.inductiva.costs(by="simulator")
    >>> expensive.inductiva.to_csv("expensive.csv")
    >>> expensive.inductiva.tasks()
    TaskList(... tasks)
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        """Create the accessor; called by pandas.

        Parameters
        ----------
        frame
            The frame.
        """
        # Checked later: pandas and editors read attributes of any frame.
        self._unchecked = frame

    @property
    def _frame(self) -> pd.DataFrame:
        ids, frame = task_ids(self._unchecked), self._unchecked
        if frame.index.name == schema.INDEX:
            return frame
        # The ids are a column, as after reset_index.
        indexed = frame.set_axis(pd.Index(ids, dtype=str, name=schema.INDEX), axis="index")
        return indexed.drop(columns=schema.INDEX)

    def tasks(self, client: Any = None) -> Any:
        """Return the tasks as a ``TaskList``, like ``TaskList.from_frame``.

        Parameters
        ----------
        client
            The ``Client`` of the service; by default that of the last
            ``inductiva_widgets.connect``.

        Returns
        -------
        TaskList
            The tasks in the order of the rows.

        Raises
        ------
        InputError
            The frame is not one of tasks, has a task twice, or comes from another service.

        Examples
        --------
        >>> df.head(3).inductiva.tasks()
        TaskList(3 tasks)
        """
        return _entry_points.load("tasks_from_frame")(self._unchecked, client)

    def timeline(self, **options: Any) -> Any:
        """Return the chart ``inductiva_widgets.plots.timeline``.

        Parameters
        ----------
        **options
            Options of that function.

        Examples
        --------
        >>> chart = df.inductiva.timeline()
        """
        return self._plot("timeline", options)

    def durations(self, **options: Any) -> Any:
        """Return the chart ``inductiva_widgets.plots.durations``.

        Parameters
        ----------
        **options
            Options of that function.

        Examples
        --------
        >>> chart = df.inductiva.durations(by="simulator")
        """
        return self._plot("durations", options)

    def costs(self, **options: Any) -> Any:
        """Return the chart ``inductiva_widgets.plots.costs``.

        Parameters
        ----------
        **options
            Options of that function.

        Examples
        --------
        >>> chart = df.inductiva.costs(by="simulator")
        """
        return self._plot("costs", options)

    def statuses(self, **options: Any) -> Any:
        """Return the chart ``inductiva_widgets.plots.statuses``.

        Parameters
        ----------
        **options
            Options of that function.

        Examples
        --------
        >>> chart = df.inductiva.statuses(by="machine_type")
        """
        return self._plot("statuses", options)

    def machines(self, **options: Any) -> Any:
        """Return the chart ``inductiva_widgets.plots.machines``.

        Parameters
        ----------
        **options
            Options of that function.

        Examples
        --------
        >>> chart = df.inductiva.machines()
        """
        return self._plot("machines", options)

    def compare(self) -> pd.DataFrame:
        """Return the columns in which the tasks differ, as ``inductiva_widgets.frames._compare``.

        Raises
        ------
        InputError
            There are fewer than two tasks.

        Examples
        --------
        >>> df.head(2).inductiva.compare().shape[0]
        2
        """
        frame = self._frame
        from inductiva_widgets.frames._compare import compare

        return compare(frame)

    def to_csv(self, path: Target | None = None) -> str | None:
        """Write CSV; ``inductiva_widgets.frames.read`` reads it.

        Times are ISO 8601 in UTC, durations are seconds in ``<name>_seconds``. An apostrophe
        stands before a text that a spreadsheet may run as a formula, and alone for an empty text;
        an empty field is a missing value.

        Parameters
        ----------
        path
            A path, such as ``"history.csv"``, or an open file. ``.csv.gz``, ``.csv.bz2``,
            ``.csv.xz`` and ``.csv.zip`` are compressed. An existing file is replaced when the new
            one is complete.

        Returns
        -------
        str or None
            The text if there is no path.

        Raises
        ------
        InputError
            The suffix is that of another format, or the folder does not exist.

        Examples
        --------
        >>> df.inductiva.to_csv("history.csv")
        >>> len(inductiva.frames.read("history.csv")) == len(df)
        True
        >>> print(df.head(0).inductiva.to_csv()[:14])
        task_id,status
        """
        if path is not None:
            self._export(path, ".csv")
            return None
        text = io.StringIO()
        self._export(text, ".csv")
        return text.getvalue()

    def to_parquet(self, path: Target | None = None) -> bytes | None:
        """Write Parquet, with all types and ``attrs``.

        Parameters
        ----------
        path
            A path, such as ``"history.parquet"``, or an open binary file. An existing file is
            replaced when the new one is complete.

        Returns
        -------
        bytes or None
            The content if there is no path.

        Raises
        ------
        InputError
            Pyarrow is not installed, the suffix is that of another format, or the folder
            does not exist.

        Examples
        --------
        >>> df.inductiva.to_parquet("history.parquet")
        >>> inductiva.frames.read("history.parquet").equals(df)
        True
        """
        if path is not None:
            self._export(path, ".parquet")
            return None
        content = io.BytesIO()
        self._export(content, ".parquet")
        return content.getvalue()

    def to_excel(self, path: Target) -> None:
        """Write an Excel file, whose second sheet describes the columns.

        Times are dates in UTC, since Excel has no time zones; durations are Excel durations. A
        text stays a text, even if it looks like a formula.

        Parameters
        ----------
        path
            A path, such as ``"history.xlsx"``, or an open binary file. An existing file is
            replaced when the new one is complete.

        Raises
        ------
        InputError
            Openpyxl is not installed, the suffix is that of another format, the folder does not
            exist, or the frame has more rows than an Excel sheet.

        Warns
        -----
        ExportWarning
            A text is longer than 32,767 characters and is cut, has control characters, or a number
            is infinite.

        Examples
        --------
        >>> df.head(100).inductiva.to_excel("history.xlsx")
        >>> inductiva.frames.read("history.xlsx").index.name
        'task_id'
        """
        self._export(path, ".xlsx")

    def to_arrow(self, path: Target | None = None) -> Any:
        """Return a ``pyarrow.Table`` with categories as dictionaries, or write an Arrow file.

        Parameters
        ----------
        path
            A path, such as ``"history.arrow"``, or an open binary file; None for a table.

        Raises
        ------
        InputError
            Pyarrow is not installed, the suffix is that of another format, or the folder
            does not exist.

        Examples
        --------
        >>> df.inductiva.to_arrow().num_rows == len(df)
        True
        """
        if path is not None:
            return self._export(path, ".arrow")
        from inductiva_widgets.frames._arrow import to_arrow_table

        return to_arrow_table(self._frame)

    def _plot(self, name: str, options: dict[str, Any]) -> Any:
        from inductiva_widgets import plots

        # Charts count a task once, by its newest row.
        task_ids(self._unchecked, may_repeat=True)
        return getattr(plots, name)(self._unchecked, **options)

    def _export(self, path: Target, suffix: str) -> None:
        from inductiva_widgets.frames.io import write_frames

        write_frames([self._frame], path, suffix)
