"""Looks into files of any content: the right kind, within the budget, and nothing obeyed."""

import base64
import io
import json
import struct
import threading
import zipfile
import zlib

import pytest

from inductiva_widgets.downloads import RemoteArchive
from inductiva_widgets.errors import ArchiveError, InputError
from inductiva_widgets.widgets import content_sniffing
from inductiva_widgets.widgets.preview import HEX_BUDGET, IMAGE_BUDGET, TEXT_BUDGET, preview
from tests.unit.downloads.archives import make_zip, noise
from tests.unit.downloads.conftest import server  # noqa: F401 - a fixture

KEYS = {
    "text": {"text"},
    "json": {"text"},
    "hex": {"text"},
    "table": {"columns", "rows"},
    "image": {"mime", "data"},
    "none": set(),
}


class Counted(io.BytesIO):
    """A file that counts what is read of it."""

    taken = 0

    def read(self, count=-1):
        data = super().read(count)
        self.taken += len(data)
        return data


class OneFile:
    """Stands for a task with one output file."""

    def __init__(self, content):
        self.file = Counted(content)

    def open_output(self, name):
        return self.file


class Outputs:
    """Stands for a task with an archive behind a URL."""

    def __init__(self, url):
        self.archive = RemoteArchive(url, strip_prefix="artifacts/")

    def open_output(self, name):
        return self.archive.open(name)


def look(content, name="file"):
    view = preview(OneFile(content), name)
    assert set(view) == {"kind", "name", "size", "note"} | KEYS[view["kind"]]
    assert (view["name"], view["size"]) == (name, len(content))
    # What the page gets is JSON in UTF-8.
    assert json.loads(json.dumps(view, ensure_ascii=False).encode()) == view
    return view


def png(width=2, height=1):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" + b"\xff\0\0" * 2)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def test_text_is_shown_whole():
    view = look(b"line 1\r\nline 2\n", "stdout.txt")
    assert (view["kind"], view["text"], view["note"]) == ("text", "line 1\nline 2", "")


def test_empty_file_says_so():
    assert look(b"")["note"] == "The file is empty."


def test_text_that_is_longer_than_the_budget_says_how_much_is_shown():
    task = OneFile(b"x" * 10_000_000)
    view = preview(task, "one_line.log")
    assert len(view["text"]) == TEXT_BUDGET == task.file.taken
    assert view["note"] == "first 256 KiB of 9.54 MiB"


@pytest.mark.parametrize("cut", range(4))
def test_character_that_the_budget_cuts_is_no_error(cut):
    view = look(b"a" * cut + "\N{GRINNING FACE}".encode() * 100_000)
    assert view["kind"] == "text"
    assert set(view["text"]) <= {"a", "\N{GRINNING FACE}"}


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("t = 21 \N{DEGREE SIGN}C".encode("utf-8-sig"), ""),
        ("t = 21 \N{DEGREE SIGN}C".encode("utf-16"), "read as UTF-16"),
        ("t = 21 \N{DEGREE SIGN}C".encode("utf-16-le"), "read as UTF-16"),
        ("t = 21 \N{DEGREE SIGN}C".encode("utf-16-be"), "read as UTF-16"),
        ("t = 21 \N{DEGREE SIGN}C".encode("utf-32"), "read as UTF-32"),
        ("t = 21 \N{DEGREE SIGN}C".encode("latin-1"), "read as Latin-1"),
    ],
)
def test_text_in_other_encodings(content, note):
    view = look(content)
    assert (view["kind"], view["text"], view["note"]) == ("text", "t = 21 \N{DEGREE SIGN}C", note)


def test_controls_are_seen_and_not_obeyed():
    text = "\x1b[31mred\x1b[0m \x07bell \x1b]0;title\x07 a\rb \u202edesrever\u2066 \x7f\x85"
    shown = look((text + " and words " * 50).encode())["text"]
    assert shown.startswith("red \u2407bell  a\nb <U+202E>desrever<U+2066> \u2421<85>")


def test_markup_is_text_whatever_the_name():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    for name in ("plot.svg", "plot.png", "index.html"):
        view = look(svg, name)
        assert (view["kind"], view["text"]) == ("text", svg.decode())


def test_binary_is_hexadecimal_of_the_first_bytes():
    content = b"# vtk DataFile\n" + noise(1_000_000)
    view = look(content, "frame.vtk")
    lines = view["text"].splitlines()
    assert view["kind"] == "hex"
    assert view["note"] == "No text: first 4 KiB of 976.58 KiB"
    assert len(lines) == HEX_BUDGET // 16
    assert lines[0].startswith("00000000  23 20 76 74 6b 20 44 61  74 61 46 69 6c 65 0a ")
    assert "|# vtk DataFile." in lines[0]
    assert bytes.fromhex(lines[1][10:58].replace(" ", "")) == content[16:32]


def test_text_that_turns_binary_later_is_hexadecimal():
    assert look(b"ascii header\n" * 1000 + b"\0\1\2" * 1000, "old.txt")["kind"] == "hex"


def test_controls_alone_are_no_text():
    assert look(bytes(range(1, 32)) * 100)["kind"] == "hex"


# Pictures ------------------------------------------------------------------------------------


def test_picture_is_known_by_its_content():
    view = look(png(), "not_a_picture.csv")
    assert (view["kind"], view["mime"]) == ("image", "image/png")
    assert base64.b64decode(view["data"]) == png()


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (b"\xff\xd8\xff\xe0" + noise(100), "image/jpeg"),
        (b"GIF89a\x02\0\x01\0" + noise(100), "image/gif"),
        (b"RIFF\x20\0\0\0WEBPVP8 " + noise(100), "image/webp"),
        (b"BM" + bytes(12) + struct.pack("<Iii", 40, 2, 1) + noise(100), "image/bmp"),
    ],
)
def test_pictures_that_browsers_draw(content, mime):
    assert look(content)["mime"] == mime


def test_text_that_begins_like_a_bitmap_is_text():
    assert look(b"BMW and other words of a text")["kind"] == "text"


def test_large_picture_is_not_fetched():
    task = OneFile(png() + bytes(IMAGE_BUDGET))
    view = preview(task, "plot.png")
    assert view["kind"] == "none"
    assert view["note"].startswith("A PNG picture of 2 MiB: only those up to 2 MiB")
    assert task.file.taken <= HEX_BUDGET


def test_picture_that_would_fill_the_memory_is_not_shown():
    view = look(png(100_000, 100_000), "bomb.png")
    assert view["note"] == "A PNG picture of 100,000 by 100,000 pixels: too many to show here."


@pytest.mark.parametrize("head", [b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff", b"BM"])
def test_picture_that_is_cut_off_is_no_error(head):
    look(head)


# JSON ----------------------------------------------------------------------------------------


def test_json_is_laid_out_and_its_values_stay_as_written():
    text = '{"a": 1.10, "a": [1e400, NaN, {}], "b": "x, {y}: \\"z\\"", "c": [ ]}'
    view = look(text.encode(), "result.json")
    assert view["kind"] == "json"
    assert view["text"].splitlines() == [
        "{",
        '  "a": 1.10,',
        '  "a": [',
        "    1e400,",
        "    NaN,",
        "    {}",
        "  ],",
        '  "b": "x, {y}: \\"z\\"",',
        '  "c": []',
        "}",
    ]
    assert json.loads(view["text"]) == json.loads(text) or "NaN" in text


def test_json_layout_means_the_same():
    value = {"a": [1, [], {}, [[2.5, None]], {"b": ']}\\"[{'}], "c": "\u00e9\n", "d": True}
    for text in (json.dumps(value), json.dumps(value, indent=7), json.dumps(value, indent=None)):
        assert json.loads(content_sniffing.pretty_json(text)) == value


def test_json_without_the_name_of_one_is_json_where_it_is_valid():
    assert look(b'[1, {"a": 2}]', "state")["kind"] == "json"
    assert look(b"[INFO] solver started\n[INFO] done", "solver.log")["kind"] == "text"


def test_json_that_is_wrong_says_where():
    view = look(b'{\n"a": 1,\n"b" 2}', "broken.json")
    assert view["kind"] == "text"
    assert view["note"] == "not valid JSON: Expecting ':' delimiter, line 3"


def test_long_json_is_laid_out_as_far_as_it_is_read():
    content = json.dumps([{"step": n} for n in range(100_000)]).encode()
    view = look(content, "steps.json")
    assert view["kind"] == "json"
    assert view["note"].startswith("first 256 KiB of ")
    assert view["text"].startswith('[\n  {\n    "step": 0\n  },')


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b"[" * 50_000 + b"]" * 50_000, b'{"a":' * 40_000, b'"' + b"\\" * 200_001],
)
def test_deep_json_is_shown_within_bounds(content):
    view = look(content, "deep.json")
    assert len(view["text"]) <= 4 * TEXT_BUDGET


def test_number_without_end_is_no_error():
    assert look(b"[" + b"9" * 100_000 + b"]", "n.json")["kind"] == "json"


# Tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_is_a_table_whatever_divides_it(delimiter):
    text = "\n".join(["t,h,name", '0,1.5,"a, ""b"""', "1,2.5,c"])
    if delimiter != ",":
        text = text.replace('"a, ""b"""', "a").replace(",", delimiter)
    view = look(text.encode(), "waves.csv")
    assert view["columns"] == ["t", "h", "name"]
    assert [row[:2] for row in view["rows"]] == [["0", "1.5"], ["1", "2.5"]]
    assert view["rows"][0][2] == ('a, "b"' if delimiter == "," else "a")


def test_commas_of_numbers_do_not_divide_them():
    view = look(b"t;h\n0,5;1,5\n1,5;2,5\n", "waves.csv")
    assert view["rows"] == [["0,5", "1,5"], ["1,5", "2,5"]]


def test_csv_of_numbers_alone_gets_numbered_columns():
    assert look(b"1,2\n3,4\n", "xy.csv")["columns"] == ["1", "2"]


def test_large_csv_is_cut_and_says_so():
    content = "\n".join(",".join(str(n) for n in range(80)) for _ in range(300)).encode()
    view = look(content, "wide.csv")
    assert (len(view["rows"]), len(view["columns"])) == (200, 50)
    assert view["note"] == "first 200 of 300 rows, first 50 of 80 columns"
    longer = look((content + b"\n") * 10, "wide.csv")
    assert longer["note"].startswith("first 200 rows, first 50 of 80 columns, first 256 KiB of ")


def test_cells_are_clipped_and_cleaned():
    view = look(b"a,b\n" + b"x" * 5000 + b",\x1b[31m\x07\n", "x.csv")
    assert view["rows"] == [["x" * 200 + "\N{HORIZONTAL ELLIPSIS}", "\u2407"]]


@pytest.mark.parametrize(
    "content",
    [b'a,b\n"' + b"x,\n" * 80_000, b"," * 250_000, b"no table at all\n" * 3, b'"\n' * 1000],
)
def test_hostile_csv_is_shown_within_bounds(content):
    view = look(content, "x.csv")
    assert view["kind"] in {"table", "text"}
    assert len(json.dumps(view)) < 4 * TEXT_BUDGET


@pytest.mark.parametrize("head", ["", "# t   h\n", "t h\n"])
def test_columns_of_numbers_are_a_table(head):
    view = look((head + "  0.0   1.5E+01\n  1.0  -2.5d-3\n  2.0   NaN\n").encode(), "gauge.dat")
    assert view["columns"] == (["t", "h"] if head else ["1", "2"])
    assert view["rows"] == [["0.0", "1.5E+01"], ["1.0", "-2.5d-3"], ["2.0", "NaN"]]


@pytest.mark.parametrize(
    "content",
    [
        "two words\nthree words here\n",
        "1 2\n3 4\n",  # too short to tell
        "a title\nt h\n0 1\n1 2\n2 3\n",  # a line would be lost
        "0 1\n1 2\n2 3\nend\n",
        "0 1\n1 2 3\n2 3\n",
        "1\n2\n3\n",
        "0,5 1\n1,5 2\n2,5 3\n",
    ],
)
def test_what_is_not_clearly_a_table_is_text(content):
    assert look(content.encode(), "notes.txt")["kind"] == "text"


def test_last_line_that_the_budget_cuts_is_left_out():
    content = b"1.0 2.0\n" * 100_000
    view = look(content, "gauge.dat")
    assert {tuple(row) for row in view["rows"]} == {("1.0", "2.0")}


# Archives ------------------------------------------------------------------------------------


@pytest.fixture
def outputs(server):  # noqa: F811
    def outputs(entries, method=zipfile.ZIP_DEFLATED):
        data = make_zip({f"artifacts/{name}": c for name, c in entries.items()}, method)
        return Outputs(server.put("/output.zip", data))

    return outputs


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_only_the_budget_travels(outputs, server, method):  # noqa: F811
    lines = b"".join(b"%d " % n for n in range(3_000_000))
    view = preview(outputs({"log.txt": lines, "other": noise(2_000_000)}, method), "log.txt")
    assert view["note"].startswith("first 256 KiB of ")
    assert server.sent < 600 * 1024


def test_member_made_to_fill_the_memory_is_read_within_the_budget(outputs, server):  # noqa: F811
    bomb = make_zip({"artifacts/bomb.txt": b"a" * 200_000_000})
    task = Outputs(server.put("/bomb.zip", bomb))
    view = preview(task, "bomb.txt")
    assert len(view["text"]) == TEXT_BUDGET
    assert server.sent < 250 * 1024


def test_unknown_name_tells_close_ones(outputs):
    with pytest.raises(InputError, match=r"did you mean 'vtk/frame\.vtk'"):
        preview(outputs({"vtk/frame.vtk": b"x"}), "vtk/frame.vtkk")


@pytest.mark.parametrize("name", [None, 3, ["x"], {}])
def test_name_must_be_one(outputs, name):
    with pytest.raises(InputError):
        preview(outputs({"x": b"x"}), name)


def test_damaged_member_says_so(server):  # noqa: F811
    data = bytearray(make_zip({"artifacts/a.txt": b"some words " * 1000}))
    data[60:90] = noise(30)
    with pytest.raises(ArchiveError, match=r"a\.txt"):
        preview(Outputs(server.put("/a.zip", bytes(data))), "a.txt")


def test_encrypted_member_says_so(server):  # noqa: F811
    data = bytearray(make_zip({"artifacts/a.txt": b"secret"}))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(ArchiveError, match="encrypted"):
        preview(Outputs(server.put("/a.zip", bytes(data))), "a.txt")


def test_many_previews_at_once(outputs):
    files = {f"{n}.txt": b"%d," % n * 50_000 for n in range(8)}
    task = outputs(files)
    seen = {}

    def work(name):
        seen[name] = preview(task, name)["text"]

    threads = [threading.Thread(target=work, args=(name,)) for name in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == {name: content[:TEXT_BUDGET].decode() for name, content in files.items()}
