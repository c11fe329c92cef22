"""The code of a query gives just the tasks of the query, in their order."""

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inductiva_widgets.columns import HEADERS
from inductiva_widgets.frames import to_frame
from inductiva_widgets.status import KNOWN_STATUSES
from inductiva_widgets.widgets.table import TableQuery, TaskTable
from inductiva_widgets.widgets.table.columns import TEXT_KINDS, value_kind
from inductiva_widgets.widgets.table.pandas_code import pandas_code
from inductiva_widgets.widgets.table.query import GROUPS, STATUS_GROUPS
from tests.unit.conftest import at
from tests.unit.widgets.table.builders import NOW, infos

HOSTILE = (
    "'); import os; os.abort() #",
    '"""',
    "\\",
    "a\nb",
    "\u202egnp.exe",
    "{x}",
    "%s",
    "",
    "None",
    "nan",
    "<b>",
)
texts = st.sampled_from([None, "swmm", "SWMM", "reef3d", *HOSTILE])
times = st.one_of(st.none(), st.integers(0, 5).map(at), st.just(at(0.123456)))
numbers = st.one_of(st.none(), st.just(0.0), st.floats(0, 100), st.sampled_from([1.5, 2.0]))
counts = st.one_of(st.none(), st.integers(0, 5), st.integers(0, 2**50))
tasks = st.fixed_dictionaries(
    {
        "status": st.sampled_from([*KNOWN_STATUSES, "teleported", *HOSTILE]),
        "is_terminated": st.sampled_from([None, True, False]),
        "simulator": texts,
        "project": texts,
        "error_detail": texts,
        "executer": st.one_of(st.none(), st.fixed_dictionaries({"vm_type": texts})),
        "create_time": times,
        "input_submit_time": times,
        "start_time": times,
        "computation_start_time": times,
        "computation_end_time": times,
        "end_time": times,
        "estimated_computation_cost": numbers,
        "metrics": st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {
                    "output_total_files": counts,
                    "output_size_bytes": counts,
                    "computation_seconds": numbers,
                    "queue_time_seconds": numbers,
                    "total_seconds": numbers,
                }
            ),
        ),
    }
)
lists = st.lists(tasks, max_size=8).map(
    lambda made: infos(*({**task, "task_id": f"t{7 * n % 10}"} for n, task in enumerate(made)))
)
TEXTS = [name for name in HEADERS if value_kind(name) in TEXT_KINDS]
TIMES = [name for name in HEADERS if value_kind(name) == "time"]
NUMBERS = [name for name in HEADERS if value_kind(name) in ("number", "count", "duration")]
ends = st.one_of(st.none(), st.integers(0, 5), st.floats(-1, 101))
stamps = st.one_of(st.none(), st.integers(1706807776000, 1706807782000), st.just(-10))
values = st.lists(st.one_of(texts, st.sampled_from(["t1", "success"])), max_size=3)
filters = st.one_of(
    st.tuples(st.sampled_from(TEXTS), values.map(lambda some: {"values": some})),
    st.tuples(
        st.sampled_from(NUMBERS), st.tuples(ends, ends).map(lambda e: {"min": e[0], "max": e[1]})
    ),
    st.tuples(
        st.sampled_from(TIMES), st.tuples(stamps, stamps).map(lambda e: {"min": e[0], "max": e[1]})
    ),
)
queries = st.fixed_dictionaries(
    {
        "search": st.sampled_from(["", "", " swmm", "swmm", "S", "queue", "t1", "tele", *HOSTILE]),
        "status_groups": st.lists(st.sampled_from(STATUS_GROUPS), max_size=3),
        "filters": st.lists(filters, max_size=2).map(dict),
        "sort": st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {"key": st.sampled_from([*TEXTS, *TIMES, *NUMBERS]), "descending": st.booleans()}
            ),
        ),
        "group": st.one_of(st.none(), st.sampled_from(GROUPS)),
        "collapsed": st.just([]),
    }
)


class Listed:
    def __init__(self, tasks):
        self.tasks = tasks

    def to_frame(self):
        return to_frame(self.tasks, now=NOW)


def run(text, listed):
    names = {"tasks": Listed(listed)}
    exec(compile(text, "code", "exec"), names)
    return list(names["df"].index)


@given(lists, queries)
@example([], {"search": "x", "sort": {"key": "task_id", "descending": True}, "group": "status"})
def test_pandas_code_selects_the_shown_tasks(listed, view):
    table = TaskTable(listed, lambda: NOW)
    table.set_query(TableQuery.from_json(view))
    expected = [listed[place].task_id for place in table.visible]
    assert run(table.query_result()["code"], listed) == expected, table.query_result()["code"]


@given(st.text(), st.text())
def test_texts_stay_texts(search, project):
    query = TableQuery(search=search, filters={"project": (project,)}, group="project")
    tree = ast.parse(pandas_code(query))
    called = {node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert called == {"to_frame", "contains", "isin", "sort_values"} - (
        set() if search.strip() else {"contains"}
    )


def test_everything_is_one_line():
    assert pandas_code(TableQuery()) == "df = tasks.to_frame()"


def test_code_reads_as_a_person_would_write_it():
    query = TableQuery.from_arguments(
        status_group="ok", status="success", cost_usd=(0.5, None), sort="-cost_usd", group="project"
    )
    assert pandas_code(query).splitlines() == [
        "df = tasks.to_frame()",
        "df = df[df[\"status\"].isin(['success'])]",
        "df = df[df[\"status\"].isin(['success'])]",
        'df = df[df["cost_usd"] >= 0.5]',
        'df = df.sort_values("cost_usd", ascending=False, kind="stable")',
        'df = df.sort_values("project", kind="stable")',
    ]


@pytest.mark.parametrize("groups", [["unknown"], ["unknown", "ok"]])
def test_unknown_status_group_is_the_complement_of_the_known_ones(groups):
    assert '~df["status"]' in pandas_code(TableQuery.from_arguments(status_group=groups))
