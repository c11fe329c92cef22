"""Model of the task table, without front end or service: columns, queries, order, selection."""

from inductiva_widgets.widgets.table.query import TableQuery, column_name
from inductiva_widgets.widgets.table.table import TaskTable

__all__ = ["TableQuery", "TaskTable", "column_name"]
