"""The types of a frame, for no task, one, and many with anything in them."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inductiva_widgets import frames
from inductiva_widgets.errors import InputError
from inductiva_widgets.frames import schema
from inductiva_widgets.frames._to_frame import to_frame
from inductiva_widgets.status import KNOWN_STATUSES
from tests.unit.frames.any_tasks import NOW, metadata, task_lists

TYPES = {
    "time": "datetime64[us, UTC]",
    "duration": "timedelta64[us]",
    "number": "float64",
    "count": "Int64",
}
ALL = list(schema.COLUMNS)


def assert_schema(frame, names):
    assert list(frame.columns) == list(names)
    assert frame.index.name == "task_id"
    assert frame.index.dtype == pd.Index(["text"], dtype=str).dtype
    for name in names:
        kind = schema.COLUMNS[name].kind
        column = frame[name]
        if kind in TYPES:
            assert str(column.dtype) == TYPES[kind], name
            continue
        assert isinstance(column.dtype, pd.CategoricalDtype), name
        categories = column.cat.categories
        assert categories.dtype == pd.Index(["text"], dtype=str).dtype, name
        assert column.cat.ordered is (kind == "status"), name
        if kind == "status":
            assert list(categories[: len(KNOWN_STATUSES)]) == list(KNOWN_STATUSES)
        else:
            assert list(categories) == sorted(set(column.dropna())), name


@given(task_lists())
def test_every_column_has_its_type_for_any_tasks(infos):
    assert_schema(to_frame(infos, columns=ALL, now=NOW), ALL)


@given(task_lists())
def test_default_columns_are_included(infos):
    assert_schema(to_frame(infos, now=NOW), schema.DEFAULT_COLUMNS)


@given(task_lists(task_metadata=metadata))
def test_metadata_are_columns_of_texts_on_request(infos):
    frame = to_frame(infos, metadata=True, now=NOW)
    keys = sorted({key for info in infos for key in info.task_metadata or {}})
    added = [f"metadata.{key}" for key in keys]
    assert list(frame.columns) == [*schema.DEFAULT_COLUMNS, *added]
    text = pd.Series(["text"], dtype=str).dtype
    for key in keys:
        column = frame[f"metadata.{key}"]
        assert column.dtype == text
        told = [(info.task_metadata or {}).get(key) for info in infos]
        assert [None if pd.isna(value) else value for value in column] == told


@given(task_lists(), st.lists(st.sampled_from(ALL), unique=True))
def test_selected_columns_equal_those_of_the_whole_frame(infos, names):
    whole = to_frame(infos, columns=ALL, now=NOW)
    pd.testing.assert_frame_equal(to_frame(infos, columns=names, now=NOW), whole[names])


def test_metadata_column_by_name_exists_without_values():
    frame = to_frame([], columns=["cost_usd", "metadata.viscosity"])
    assert list(frame.columns) == ["cost_usd", "metadata.viscosity"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["cost"], "Did you mean 'cost_usd'"),
        (["cost_usd", "cost_usd"], "named twice"),
        (["task_id"], "index of the frame"),
        ("status", r"columns=\['status'\]"),
        ([3], "There is no column 3"),
    ],
)
def test_invalid_columns_raise_with_the_valid_ones(columns, message):
    with pytest.raises(InputError, match=message):
        to_frame([], columns=columns)


def test_frame_attrs_have_provenance_as_plain_values():
    told = to_frame([], now=NOW, source={"service": "http://here"}).attrs["inductiva"]
    assert told["as_of"] == "2024-06-01T12:00:00+00:00"
    assert told["service"] == "http://here"
    assert told["schema"] == schema.SCHEMA_VERSION
    assert all(isinstance(value, (str, int)) for value in told.values())


def test_origin_survives_a_query_and_is_no_part_of_an_aggregate():
    frame = to_frame([], source={"service": "http://here"})
    assert frame.query("cost_usd > 5").attrs["inductiva"]["service"] == "http://here"
    grouped = frame.groupby("simulator", observed=True)["cost_usd"].sum()
    assert type(grouped) is pd.Series


def test_every_column_is_in_the_dictionary_with_type_and_meaning():
    for line in schema.markdown_table():
        assert line in str(frames.__doc__)
