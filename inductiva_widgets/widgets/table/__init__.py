"""What a table shows of many tasks: columns, queries, order, selection. No page, no service."""

from inductiva_widgets.widgets.table.query import TableQuery, column_key, key_of_name
from inductiva_widgets.widgets.table.table import TaskTable

__all__ = ["TableQuery", "TaskTable", "column_key", "key_of_name"]
