import bz2
import csv
import gzip
import io
import json
import lzma
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

from inductiva_widgets.errors import ExportWarning, InputError
from inductiva_widgets.frames import read, schema, to_frame
from inductiva_widgets.frames._coerce import coerce_to_schema
from inductiva_widgets.frames.io import write_frames
from inductiva_widgets.models.tasks import TaskInfo, TaskMetrics
from inductiva_widgets.status import Status
from tests.unit.conftest import wire_task
from tests.unit.frames.test_from_frame import NOW, decoded

ENDINGS = (".csv", ".parquet", ".arrow", ".xlsx")
SOURCE = {"service": "http://fake"}
HOSTILE = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "'=1",
    "'",
    "#N/A",
    "NA",
    "null",
    "2024",
    "a\nb",
    "",
    ";=1+1;",
    "a|@b",
    "\uff1d1",
)


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


LARGE = [2**53 + 1, 2**62 + 1, 2**63 - 1, None]


@pytest.mark.parametrize("ending", ENDINGS)
def test_large_counts_keep_all_digits(ending, target):
    frame = frame_of(
        decoded(
            *(wire_task(f"t{i}", metrics={"output_size_bytes": n}) for i, n in enumerate(LARGE))
        )
    )
    assert frame["output_bytes"].astype(object).tolist() == [*LARGE[:-1], pd.NA]
    write_frames([frame], target(ending))
    assert_frame_equal(read(target(ending)), frame)


@pytest.mark.parametrize(
    "given", [2**53 + 1, str(2**53 + 1), f"{2**53 + 1}.0"], ids=["number", "text", "decimal text"]
)
def test_large_counts_of_a_custom_frame_keep_all_digits(given):
    frame = pd.DataFrame({"output_bytes": pd.Series([given, None], dtype=object)})
    assert coerce_to_schema(frame)["output_bytes"].tolist() == [2**53 + 1, pd.NA]


@pytest.mark.parametrize("given", [2**63, str(2**64), 1e300])
def test_count_beyond_64_bits_raises(given):
    frame = pd.DataFrame({"output_bytes": pd.Series([given], dtype=object)})
    with pytest.raises(InputError, match="'output_bytes' should be a count"):
        coerce_to_schema(frame)


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


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("'=1", "''=1"),
        (";=1+1;", ";'=1+1;"),
        ("", "'"),
        ("'", "''"),
        ("-1", "-1"),
        ("-2.5e-3", "-2.5e-3"),
    ],
)
def test_csv_formula_text_gets_an_apostrophe_and_a_number_none(text, written, target):
    infos = decoded(wire_task(text.strip() or "t", project=text))
    write_frames([frame_of(infos)], target(".csv"))
    (row,) = csv.DictReader(target(".csv").open(newline=""))
    assert row["project"] == written
    assert read(target(".csv"))["project"].iloc[0] == text


def test_csv_formula_in_the_name_of_a_column_gets_an_apostrophe(target):
    frame = frame_of(FRAMES["one"]).assign(**{"=1+1": 1})
    write_frames([frame], target(".csv"))
    assert "'=1+1" in next(csv.reader(target(".csv").open(newline="")))
    assert list(read(target(".csv"))) == list(frame)


def test_csv_negative_numbers_are_numbers(target):
    frame = frame_of(FRAMES["one"]).assign(change=-2.5, cost_usd=-1.0)
    write_frames([frame], target(".csv"))
    assert pd.read_csv(target(".csv"))[["change", "cost_usd"]].dtypes.tolist() == [float, float]
    assert read(target(".csv"))["change"].tolist() == [-2.5]


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_excel_has_texts_as_texts_and_no_formula(text, target):
    write_frames([frame_of(decoded(wire_task("=1", project=text)))], target(".xlsx"))
    with zipfile.ZipFile(target(".xlsx")) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f" not in sheet.replace("<formula", "")
    book = openpyxl.load_workbook(target(".xlsx"))
    head, row = book["tasks"].iter_rows()
    cell = row[[cell.value for cell in head].index("project")]
    assert (cell.data_type, cell.value, row[0].value) == ("s", text, "=1")
    assert bool(cell.quotePrefix) == (text[0] in "=+-@\t\uff1d")


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


def test_excel_truncates_long_texts_and_says_so(target):
    tasks = [wire_task(f"t{i}", project="\x1b[31m" + "x" * 40_000) for i in range(2)]
    with pytest.warns(ExportWarning) as caught:
        write_frames((frame_of(decoded(task)) for task in tasks), target(".xlsx"))
    assert {str(warning.message).partition(",")[0] for warning in caught} == {
        "2 values of the column 'project' are cut to 32",
        "2 values of the column 'project' are written with \N{REPLACEMENT CHARACTER} for control "
        "characters. CSV and Parquet files keep them.",
    }
    assert {warning.filename for warning in caught} == {__file__}
    text = read(target(".xlsx"))["project"].iloc[0]
    assert text.startswith("\N{REPLACEMENT CHARACTER}[31mxxx")
    assert text.endswith("x…")
    assert len(text) == 32_767


def test_excel_leaves_infinite_numbers_out_and_says_so(target):
    frame = frame_of(FRAMES["one"]).assign(score=float("inf"))
    with pytest.warns(ExportWarning, match="1 value of the column 'score' is left out"):
        write_frames([frame], target(".xlsx"))
    assert read(target(".xlsx"))["score"].isna().all()


def test_excel_empty_text_is_an_empty_cell_that_is_no_missing_value(target):
    tasks = [wire_task("a", project=""), wire_task("b", project=None), wire_task("c", project="x")]
    frame = frame_of(decoded(*tasks))
    write_frames([frame], target(".xlsx"))
    assert read(target(".xlsx"))["project"].astype(object).tolist()[::2] == ["", "x"]
    assert read(target(".xlsx"))["project"].isna().tolist() == [False, True, False]
    book = openpyxl.load_workbook(target(".xlsx"))
    head, row, *_ = book["tasks"].iter_rows()
    assert row[[cell.value for cell in head].index("project")].value is None


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
        ("a.json", "{}", r"must end in \.csv, .* or \.xlsx, got '.*a\.json'"),
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


# Targets


def many_tasks():
    return frame_of(FRAMES["many"])


@pytest.mark.parametrize(
    ("packed", "open_it"),
    [("gz", gzip.open), ("bz2", bz2.open), ("xz", lzma.open), ("zip", None)],
)
def test_compressed_csv_is_compressed_and_reads_back(packed, open_it, tmp_path):
    frame, path = many_tasks(), tmp_path / f"tasks.CSV.{packed}"
    frame.inductiva.to_csv(path)
    if open_it:
        content = open_it(path).read()
    else:
        with zipfile.ZipFile(path) as archive:
            assert archive.namelist() == ["tasks.CSV"]
            content = archive.read("tasks.CSV")
    assert content.decode() == frame.inductiva.to_csv()
    assert path.stat().st_size < len(content)
    assert_frame_equal(read(path), frame)
    assert len(pd.read_csv(path)) == len(frame)


def test_compression_of_a_name_of_ones_own_is_that_of_its_suffix(tmp_path):
    frame = many_tasks()
    frame.inductiva.to_csv(tmp_path / "tasks.txt.gz")
    with gzip.open(tmp_path / "tasks.txt.gz") as file:
        assert file.read().decode() == frame.inductiva.to_csv()
    assert_frame_equal(read(tmp_path / "tasks.txt.gz", suffix=".csv.gz"), frame)


@pytest.mark.parametrize(
    ("method", "name", "said"),
    [
        (
            "to_csv",
            "x.parquet",
            r"must end in \.csv, .*got 'x.parquet'. Call df.inductiva.to_parquet",
        ),
        ("to_csv", "x.xlsx", r"Call df.inductiva.to_excel\('x.xlsx'\)"),
        ("to_csv", "x.arrow", r"Call df.inductiva.to_arrow\('x.arrow'\)"),
        ("to_csv", "x.csv.zst", r"\.csv\.gz, \.csv\.bz2, \.csv\.xz or \.csv\.zip, got 'x.csv.zst'"),
        ("to_csv", "x.json", "must end in"),
        ("to_parquet", "x.csv", r"must end in \.parquet, got 'x.csv'. Call df.inductiva.to_csv"),
        ("to_parquet", "x.parquet.gz", r"must end in \.parquet, got"),
        ("to_excel", "x.csv", r"must end in \.xlsx, got 'x.csv'. Call df.inductiva.to_csv"),
        ("to_excel", "x.xls", r"must end in \.xlsx, got"),
        ("to_arrow", "x.parquet", r"must end in \.arrow, .*to_parquet"),
    ],
)
def test_wrong_suffix_is_refused_with_the_right_method(method, name, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said):
        getattr(many_tasks().inductiva, method)(name)
    assert not list(tmp_path.iterdir())


METHODS = {".csv": "to_csv", ".parquet": "to_parquet", ".arrow": "to_arrow", ".xlsx": "to_excel"}


@pytest.mark.parametrize("ending", ENDINGS)
def test_open_binary_file_is_a_target_and_a_source(ending):
    frame, file = many_tasks(), io.BytesIO()
    getattr(frame.inductiva, METHODS[ending])(file)
    file.seek(0)
    assert_frame_equal(read(file, suffix=ending), frame)


def test_open_text_file_is_a_target_and_a_source_of_csv(tmp_path):
    frame, text = many_tasks(), io.StringIO()
    frame.inductiva.to_csv(text)
    assert text.getvalue() == frame.inductiva.to_csv()
    assert_frame_equal(read(io.StringIO(text.getvalue()), suffix=".csv"), frame)
    with (tmp_path / "tasks.txt").open("w", encoding="utf-8", newline="") as file:
        frame.inductiva.to_csv(file)
    assert_frame_equal(read(tmp_path / "tasks.txt", suffix=".csv"), frame)


@pytest.mark.parametrize("method", ["to_parquet", "to_arrow", "to_excel"])
def test_open_text_file_is_no_target_of_a_binary_format(method):
    with pytest.raises(InputError, match=f"`{method}` needs a binary file"):
        getattr(many_tasks().inductiva, method)(io.StringIO())


def test_open_file_without_a_format_is_no_source():
    with pytest.raises(InputError, match="needs its format"):
        read(io.BytesIO())


def test_methods_without_a_path_return_the_content():
    frame = many_tasks()
    assert frame.inductiva.to_csv().startswith("task_id,")
    assert_frame_equal(read(io.BytesIO(frame.inductiva.to_parquet()), suffix=".parquet"), frame)


def test_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    frame = many_tasks()
    frame.inductiva.to_csv("~/tasks.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.csv"]
    assert_frame_equal(read("~/tasks.csv"), frame)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.bz2", "a.csv.xz", "a.csv.zip"])
def test_damaged_compressed_csv_raises_with_reason(name, tmp_path):
    many_tasks().inductiva.to_csv(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    for damaged in (content[: len(content) // 2], b"nothing", b""):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(InputError, match="cannot be read as csv"):
            read(tmp_path / name)
