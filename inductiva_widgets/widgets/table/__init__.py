"""What a table shows of many tasks: columns, queries, order, selection; no traitlets, no service."""

from inductiva_widgets.widgets.table.columns import COLUMNS, ColumnKey
from inductiva_widgets.widgets.table.query import Query
from inductiva_widgets.widgets.table.table import TaskTable

__all__ = ["COLUMNS", "ColumnKey", "Query", "TaskTable"]
