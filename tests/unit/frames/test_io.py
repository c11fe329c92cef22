import csv
import json
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta, timezone

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from inductiva_widgets.errors import InputError
from inductiva_widgets.frames import read, schema, to_frame
from inductiva_widgets.frames.io import write_frames
from inductiva_widgets.models.tasks import TaskInfo, TaskMetrics
from inductiva_widgets.status import Status
from tests.unit.conftest import wire_task
from tests.unit.frames.test_from_frame import NOW, decoded

ENDINGS = (".csv", ".parquet", ".arrow", ".xlsx")
SOURCE = {"service": "http://fake"}
HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "'", "#N/A", "NA", "null", "2024", "a\nb")


def many():
    tasks = [
        wire_task(f"t{i}", "failed" if i % 3 else "success", project=text, num_retries=i)
        for i, text in enumerate(HOSTILE)
    ]
    alive = wire_task("alive", "computation-started", estimated_computation_cost=0.1 + 0.2)
    new = wire_task("new", "teleported", task_metadata={"case": "=a", "ü": "-"})
    return decoded(*tasks, alive, new)


FRAMES = {
    "none": [],
    "one": decoded(wire_task()),
    "many": many(),
    "all null": decoded({"task_id": "bare", "status": "submitted"}),
}


def frame_of(infos, **options):
    columns = options.pop("columns", list(schema.COLUMNS))
    return to_frame(infos, columns=columns, metadata=True, now=NOW, source=SOURCE, **options)


@pytest.fixture
def target(tmp_path):
    return lambda ending: tmp_path / f"tasks{ending}"


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("infos", FRAMES.values(), ids=FRAMES)
def test_write_and_read_keep_the_frame(infos, ending, target):
    frame = frame_of(infos)
    assert write_frames([frame], target(ending)) == len(infos)
    again = read(target(ending))
    assert_frame_equal(again, frame)
    assert again.attrs == ({} if ending == ".csv" else frame.attrs)


moments = st.none() | st.datetimes(
    datetime(1999, 1, 1), datetime(2059, 1, 1), timezones=st.just(timezone.utc)
)
seconds = st.none() | st.integers(-(10**9), 10**15).map(lambda us: us / 1e6)


@pytest.mark.parametrize("ending", ENDINGS)
@given(found=st.lists(st.tuples(moments, seconds, st.floats(-1e9, 1e9)), max_size=50))
def test_times_and_durations_are_exact_to_the_microsecond(found, ending, tmp_path_factory):
    frame = frame_of(
        TaskInfo(
            task_id=f"t{i}",
            status=Status.SUCCESS,
            computation_start_time=time,
            metrics=TaskMetrics(computation_seconds=lasts),
            estimated_computation_cost=cost,
        )
        for i, (time, lasts, cost) in enumerate(found)
    )
    path = tmp_path_factory.mktemp("exact") / f"tasks{ending}"
    write_frames([frame], path)
    assert_frame_equal(read(path), frame)


@pytest.mark.parametrize("ending", ENDINGS)
def test_pages_with_other_values_are_one_table(ending, target):
    infos = [
        *decoded({"task_id": "bare", "status": "submitted"}),
        *many(),
        *decoded(wire_task("other", project="new", executer={"vm_type": "m", "memory": 5})),
    ]
    columns = [*schema.COLUMNS, "metadata.case"]
    pages = (to_frame(infos[i : i + 4], columns=columns, now=NOW) for i in range(0, len(infos), 4))
    assert write_frames(pages, target(ending)) == len(infos)
    assert_frame_equal(read(target(ending)), to_frame(infos, columns=columns, now=NOW))


def test_csv_has_seconds_iso_times_and_empty_fields(target):
    write_frames([frame_of(decoded(wire_task(project=None)))], target(".csv"))
    (row,) = csv.DictReader(target(".csv").open(newline=""))
    assert row["computation_time_seconds"] == "10.0"
    assert row["started"] == "2024-02-01T17:16:30.000000Z"
    assert row["project"] == row["cost_usd"] == row["output_upload_time_seconds"] == ""


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1"])
def test_csv_formula_text_gets_an_apostrophe(text, target):
    infos = decoded(wire_task(text.strip(), project=text))
    write_frames([frame_of(infos)], target(".csv"))
    (row,) = csv.DictReader(target(".csv").open(newline=""))
    assert row["project"] == f"'{text}"
    assert read(target(".csv"))["project"].iloc[0] == text


@pytest.mark.parametrize("text", HOSTILE)
def test_excel_has_texts_as_texts_and_no_formula(text, target):
    write_frames([frame_of(decoded(wire_task("=1", project=text)))], target(".xlsx"))
    with zipfile.ZipFile(target(".xlsx")) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f" not in sheet.replace("<formula", "")
    book = openpyxl.load_workbook(target(".xlsx"))
    head, row = book["tasks"].iter_rows()
    cell = row[[cell.value for cell in head].index("project")]
    assert (cell.data_type, cell.value, row[0].value) == ("s", text, "=1")
    assert bool(cell.quotePrefix) == (text[0] in "=+-@\t")


def test_excel_has_native_dates_and_durations_marked_as_utc(target):
    write_frames([frame_of(decoded(wire_task()))], target(".xlsx"))
    book = openpyxl.load_workbook(target(".xlsx"))
    head, row = book["tasks"].iter_rows()
    cells = dict(zip((cell.value for cell in head), row, strict=True))
    assert cells["started"].value == datetime(2024, 2, 1, 17, 16, 30)
    assert cells["computation_time"].value == timedelta(seconds=10)
    rows = [row[:2] for row in book["about"].iter_rows(values_only=True)]
    # The provenance comes first, then the meanings of the columns.
    end = rows.index((None, None))
    assert json.loads(dict(rows[:end])["service"]) == "http://fake"
    assert "(UTC)" in dict(rows[end:])["started"]


def test_excel_truncates_long_texts(target):
    write_frames(
        [frame_of(decoded(wire_task("t", project="\x1b[31m" + "x" * 40_000)))], target(".xlsx")
    )
    text = read(target(".xlsx"))["project"].iloc[0]
    assert text.startswith("\N{REPLACEMENT CHARACTER}[31mxxx")
    assert text.endswith("x…")
    assert len(text) == 32_767


def test_excel_refuses_more_rows_than_it_has(target, monkeypatch):
    monkeypatch.setattr("inductiva_widgets.frames._excel._MAX_ROWS", 3)
    pages = [frame_of(decoded(wire_task("a"), wire_task("b"))), frame_of(decoded(wire_task("c")))]
    with pytest.raises(InputError, match=r"room for 2 tasks.*\.parquet"):
        write_frames(pages, target(".xlsx"))
    assert not list(target("").parent.iterdir())


@pytest.mark.parametrize("ending", ENDINGS)
def test_write_and_read_keep_custom_columns(ending, target):
    frame = frame_of(FRAMES["many"]).assign(good=True, score=0.5, note="=mine", n=3)
    write_frames([frame], target(ending))
    assert_frame_equal(read(target(ending)), frame, check_dtype=False)


@pytest.mark.parametrize("ending", ENDINGS)
def test_failed_write_keeps_old_file_and_no_temporary(ending, target):
    target(ending).write_text("old")

    def pages():
        yield frame_of(FRAMES["one"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_frames(pages(), target(ending))
    assert [path.name for path in target("").parent.iterdir()] == [f"tasks{ending}"]
    assert target(ending).read_text() == "old"


@pytest.mark.parametrize("name", ["all.xls", "all", "nowhere/all.csv"])
def test_write_frames_bad_target_raises_before_reading_frames(name, tmp_path):
    def pages():
        raise AssertionError("asked for")
        yield

    with pytest.raises(InputError, match=r"\.csv|does not exist"):
        write_frames(pages(), tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("no.csv", None, "no file"),
        ("a.csv", "x,y\n1,2\n", "no column 'task_id'"),
        ("a.csv", "", "cannot be read as csv"),
        ("a.parquet", "PAR1 and no more", "cannot be read as parquet"),
        ("a.arrow", "nothing", "cannot be read as arrow"),
        ("a.xlsx", "nothing", "cannot be read as xlsx"),
        ("a.json", "{}", "must be one of .*, got '.json'"),
    ],
)
def test_read_invalid_file_raises_with_reason(name, content, said, tmp_path):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=said):
        read(tmp_path / name)


def test_plain_pandas_reads_parquet_with_index_times_and_categories(target):
    frame = frame_of(FRAMES["many"])
    write_frames([frame], target(".parquet"))
    again = pd.read_parquet(target(".parquet"))
    assert list(again.index) == list(frame.index)
    assert again["started"].dtype == frame["started"].dtype
    assert again["computation_time"].dtype == frame["computation_time"].dtype
    assert isinstance(again["simulator"].dtype, pd.CategoricalDtype)


@pytest.mark.parametrize(
    ("engine", "ending"), [("pyarrow", ".parquet"), ("pyarrow", ".arrow"), ("openpyxl", ".xlsx")]
)
def test_missing_engine_raises_with_install_command_and_csv(engine, ending, tmp_path):
    code = f"""
import sys
sys.modules[{engine!r}] = None
from inductiva_widgets.frames import read, to_frame
from inductiva_widgets.frames.io import write_frames
for call in (lambda: write_frames([to_frame([])], "x{ending}"), lambda: read("x{ending}")):
    try:
        call()
    except Exception as error:
        print(type(error).__name__, error)
write_frames([to_frame([])], "x.csv")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.count("InputError") == 2, done.stdout + done.stderr
    assert "pip install 'inductiva-widgets[export]'. CSV " in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]
