"""One new item in the table of columns reaches the frame, the table widget and the contract."""

import subprocess
import sys
from pathlib import Path

import pytest

from inductiva_widgets import columns
from inductiva_widgets.columns import COLUMNS, HEADERS
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import Status
from tests.unit.conftest import START

# Runs in a process of its own, in which `columns.py` has one more item.
NEW_COLUMN = (
    """
import sys
from importlib.util import module_from_spec, spec_from_loader

NAME = "inductiva_widgets.columns"
ITEM = """
    + "'''"
    + """
    "packed_with": Column(
        "category",
        "program that packed the outputs",
        "compress_with",
        header=TableHeader("Packed with", 77, 35),
        is_searched=True,
    ),
    "retries": Column("""
    + "'''"
    + """
source = open(sys.argv[1], encoding="utf-8").read()
assert source.count('    "retries": Column(') == 1
module = module_from_spec(spec_from_loader(NAME, loader=None))
sys.modules[NAME] = module
exec(source.replace('    "retries": Column(', ITEM), vars(module))

from datetime import datetime, timezone

from inductiva_widgets import frames
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import Status
from inductiva_widgets.widgets import view_models
from inductiva_widgets.widgets.table import TableQuery, TaskTable
from tests import typescript_contract

infos = [
    TaskInfo(task_id=name, status=Status("success"), compress_with=name) for name in ("zip", "7z")
]
frame = frames.to_frame(infos)
assert frame["packed_with"].tolist() == ["zip", "7z"]
assert str(frame["packed_with"].dtype) == "category"
assert "| `packed_with` | category | program that packed the outputs |" in frames.__doc__
assert view_models.row_view(infos[0])["packed_with"] == "zip"

table = TaskTable(infos, lambda: datetime.now(timezone.utc))
table.set_query(TableQuery.from_arguments(sort="packed_with", group="packed_with"))
assert [group["label"] for group in table.row_window(0, 9)[1] if "group" in group] == ["7z", "zip"]
table.set_query(TableQuery.from_arguments("zip", packed_with="zip"))
assert [row["packed_with"] for row in table.row_window(0, 9)[1]] == ["zip"]
assert 'df["packed_with"].isin' in table.query_result()["code"]
assert table.facet("packed_with")["values"][0]["count"] == 1

contract = typescript_contract.typescript()
assert '  packed_with: { title: "Packed with", kind: "category", width: 77,' in contract
assert contract.count("  packed_with: string | null;") == 2
"""
)


def test_new_column_reaches_every_consumer():
    result = subprocess.run(
        [sys.executable, "-c", NEW_COLUMN, columns.__file__],
        cwd=Path(__file__).parents[2],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", COLUMNS)
def test_value_of_a_column_is_missing_for_a_task_without_details(name):
    column = COLUMNS[name]
    if column.kind == "picture":
        return
    value = column.value(TaskInfo(task_id="t", status=Status("submitted")), START)
    assert value == {"task_id": "t", "status": "submitted"}.get(name)


def test_columns_that_others_refer_to_exist():
    references = [header.fallback or header.sort_as for header in HEADERS.values()]
    assert {name for name in references if name} <= set(COLUMNS)
    assert set(columns.DEFAULT_TABLE_COLUMNS) | set(columns.TEXT_COLUMNS) <= set(HEADERS)
