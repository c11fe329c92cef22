"""The lines of a list as the page and a person see them: query, selection, columns."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import traitlets

from inductiva_widgets.errors import InputError
from inductiva_widgets.tasks.task_list import TaskList
from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.base import BaseWidget
from inductiva_widgets.widgets.table import TableQuery, TaskTable, column_key, key_of_name, requests

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

# The lines in sight and a few more.
_HEAD = 20
# The sums over a longer list come a moment after its first lines, which must not wait for them.
_SUMMED_AT_ONCE = 2_000
_NO_SUMS: contract.AggregatesView = {"counts": {}, "cost": None, "seconds": 0.0}
_MODES = ("table", "timeline")
_COLUMNS = (
    "status",
    "simulator",
    "id",
    "submitted",
    "started",
    "computation",
    "phases",
    "machine",
    "cost",
)


class TableWidget(BaseWidget):
    """Base of the list: everything that asks no service.

    Parameters
    ----------
    tasks
        The tasks, in order.
    client
        A service, for its clock; None for an empty list.
    columns, mode
        See ``TaskListWidget``.
    """

    total = traitlets.Int().tag(sync=True)
    head: traitlets.List[contract.LineView] = traitlets.List().tag(sync=True)
    shape = traitlets.Dict().tag(sync=True)
    totals = traitlets.Dict().tag(sync=True)
    selection = traitlets.Dict().tag(sync=True)
    columns: traitlets.List[str] = traitlets.List(list(_COLUMNS)).tag(sync=True)
    mode = traitlets.Unicode("table").tag(sync=True)

    def __init__(
        self,
        tasks: TaskList,
        client: Client | None,
        columns: Sequence[str] | None = None,
        mode: str = "table",
        **kwargs: Any,
    ) -> None:
        self.tasks = tasks
        self._client = client
        self._table = TaskTable(tasks._infos(), self._now)
        # One at a time tells the page: news of the poller, and requests on their own threads.
        self._telling = threading.RLock()
        self._greeted = threading.Event()
        self._is_summed = len(tasks) <= _SUMMED_AT_ONCE
        super().__init__(
            total=len(tasks),
            head=self._head(),
            shape=self._table.layout_view(with_span=self._is_summed),
            totals=self._table.aggregates() if self._is_summed else _NO_SUMS,
            selection=self._table.selection(),
            columns=self._first_columns()
            if columns is None
            else [key_of_name(name) for name in columns],
            mode=mode,
            **kwargs,
        )
        self._handlers.update(
            rows=lambda content: partial(self._rows, content),
            facet=lambda content: requests.parse_facet_request(self._table, content),
            query=lambda content: self._ask(TableQuery.from_json(content.get("query"))),
            select=self._select,
        )

    @property
    def selected(self) -> TaskList:
        """The chosen tasks as they are shown, then those that the query hides; costs no request."""
        with self._telling:
            return self._apply(self._table.selected())

    @property
    def filtered(self) -> TaskList:
        """All tasks that match the query, in the order that is shown, folded groups included.

        Costs no request.

        Examples
        --------
        >>> table = tasks.widget()
        >>> table.query(status="success")
        >>> table.filtered
        TaskList(2 tasks)
        """
        with self._telling:
            return self._apply(self._table.visible)

    @property
    def pandas_code(self) -> str:
        """Lines of pandas that give ``filtered`` as a frame; ``tasks`` is the list.

        Examples
        --------
        >>> table = tasks.widget()
        >>> table.query(status="success", sort="-computation_time")
        >>> print(table.pandas_code)
        df = tasks.to_frame()
        ...
        """
        return str(self.shape["code"])

    def query(
        self,
        search: str = "",
        *,
        tones: str | Iterable[str] = (),
        sort: str | None = None,
        group: str | None = None,
        closed: str | Iterable[str | None] = (),
        **filters: Any,
    ) -> None:
        """Show what matches, as the controls of the page do; without arguments, everything.

        Parameters
        ----------
        search
            A text that occurs anywhere in a task, whatever its case: in its id, simulator,
            project, machine, status or error.
        tones
            Families of statuses: ``"wait"``, ``"run"``, ``"ok"``, ``"bad"``, ``"off"``,
            ``"unknown"``.
        sort
            Name of a column of the frame, such as ``"cost_usd"``; ``"-cost_usd"`` for the largest
            first.
        group
            ``"simulator"``, ``"project"``, ``"status"`` or ``"machine_type"``.
        closed
            Names of groups to fold away.
        **filters
            By name of a column of the frame: for texts one or several values, None for what is not
            known; for numbers, times and durations a pair of ends, None where it is open. Sizes are
            bytes; durations are seconds or ``timedelta``; times are ``datetime`` or epoch
            milliseconds.

        Raises
        ------
        InputError
            Something is unknown or of the wrong type.

        Examples
        --------
        >>> table = df.inductiva.tasks().widget()
        >>> table.query("reef", status=["failed", "killed"], cost_usd=(1, None), sort="-cost_usd")
        >>> len(table.filtered) < len(df)
        True
        """
        self._ask(TableQuery.from_arguments(search, tones, sort, group, closed, **filters))

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message; lines are read only now, so that no news of them can overtake them.

        Parameters
        ----------
        content
            The message.
        buffers
            Binary parts of it.
        """
        with self._telling:
            if isinstance(content.get("result"), partial):
                content = {**content, "result": content["result"]()}
            super().send(content, buffers)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return the traits; the head as it is now, for a page that has missed the news of it.

        Parameters
        ----------
        key, drop_defaults
            As for any widget.
        """
        values: dict[str, Any] = super().get_state(key, drop_defaults)
        if "head" in values:
            values["head"] = self._head()
        return values

    @traitlets.validate("columns")
    def _check_columns(self, proposal: Any) -> list[str]:
        return list(dict.fromkeys(column_key(key) for key in proposal["value"]))

    @traitlets.validate("mode")
    def _check_mode(self, proposal: Any) -> str:
        mode = proposal["value"]
        if mode not in _MODES:
            raise InputError(f"The mode is one of {', '.join(_MODES)}.")
        return str(mode)

    def _handle_visible(self, content: dict[str, Any]) -> None:
        super()._handle_visible(content)
        self._greeted.set()

    def _aggregate(self) -> None:
        """Tell the sums that the first lines did not wait for."""
        with self._telling, self.hold_sync():
            self._is_summed = True
            self.shape = dict(self._table.layout_view())
            self._show_sums()

    def _ask(self, query: TableQuery) -> None:
        with self._telling:
            self._table.set_query(query)
            self._show_lines()

    def _rows(self, content: dict[str, Any]) -> dict[str, Any]:
        return requests.parse_rows_request(self._table, content)

    def _select(self, content: dict[str, Any]) -> dict[str, Any]:
        with self._telling:
            requests.parse_selection(self._table, content)
            self.selection = view = dict(self._table.selection())
        return view

    def _show_lines(self) -> None:
        """Tell that lines have changed their places: in one message."""
        with self.hold_sync():
            self.head = self._head()
            self.shape = dict(self._table.layout_view())
            self._show_sums()

    def _show_sums(self) -> None:
        self.totals = dict(self._table.aggregates())
        self.selection = dict(self._table.selection())

    def _head(self) -> list[contract.LineView]:
        return self._table.row_window(0, _HEAD)[1]

    def _first_columns(self) -> list[str]:
        """Return the columns to begin with, where none are asked for."""
        return list(_COLUMNS)

    def _apply(self, places: Iterable[int]) -> TaskList:
        return TaskList(self.tasks[place] for place in places)

    def _now(self) -> datetime:
        skew = 0.0 if self._client is None else self._client.transport.clock_skew
        return datetime.now(timezone.utc) + timedelta(seconds=skew)
