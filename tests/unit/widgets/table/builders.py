"""Tasks for the tests of the table, and a clock that stands."""

from datetime import timedelta

import msgspec

from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.widgets.table import TableQuery, TaskTable
from tests.unit.conftest import START, wire_task

NOW = START + timedelta(hours=1)


def infos(*tasks):
    return [msgspec.json.decode(msgspec.json.encode(task), type=TaskInfo) for task in tasks]


def info(task_id="t0", status="success", **fields):
    (made,) = infos(wire_task(task_id, status, **fields))
    return made


def table_of(*tasks):
    return TaskTable(list(tasks), lambda: NOW)


def shown(table, **query):
    table.set_query(TableQuery.from_arguments(**query))
    return [table.infos[place].task_id for place in table.visible]
