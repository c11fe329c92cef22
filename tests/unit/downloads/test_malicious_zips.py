"""Archives made to do harm: each is refused or made safe; outside the target nothing changes."""

from __future__ import annotations

import struct
import time
import tracemalloc
import warnings
import zlib

import pytest

from inductiva_widgets.downloads import RemoteArchive, fetch_archive
from inductiva_widgets.downloads._decompress import EntryDecoder
from inductiva_widgets.downloads._safe_paths import WORK_FOLDER, assign_paths
from inductiva_widgets.downloads.zip_directory import read_central_directory
from inductiva_widgets.errors import ArchiveError, DownloadError, UnsafePathError
from tests.unit.downloads.archives import noise, tree
from tests.unit.downloads.malicious_zips import (
    DESCRIPTOR,
    LINK,
    Entry,
    build,
    deflate,
    end,
    end64,
    nested_bomb,
    quoted_bomb,
)
from tests.unit.downloads.test_zip_directory import Memory

GOOD = Entry("good.txt", b"good")
OLD = {"old.txt": b"old", "sub": None, "sub/old.bin": b"\0old"}
BESIDE = {"beside.txt": b"beside", "folder": None, "folder/beside": b"beside"}
C = b"content"


@pytest.fixture
def target(tmp_path):
    """Return a folder with files in it, in a folder with other files."""
    for root, files in ((tmp_path, BESIDE), (tmp_path / "outputs", OLD)):
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            if content is None:
                (root / name).mkdir()
            else:
                (root / name).write_bytes(content)
    return tmp_path / "outputs"


def fetch(server, target, data):
    """Fetch all; return what is new in the target, the error and the warnings.

    What must hold for every archive is checked here.
    """
    url = server.put("/hostile.zip", data)
    error, began = None, time.monotonic()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            fetch_archive(url, target)
        except DownloadError as exc:
            error = exc
    assert time.monotonic() - began < 20
    beside = {k: v for k, v in tree(target.parent).items() if not k.startswith("outputs")}
    assert beside == BESIDE
    there = tree(target)
    assert {name: there.pop(name) for name in OLD} == OLD
    # What waits there for a later run is no result.
    new = {k: v for k, v in there.items() if k.partition("/")[0] != WORK_FOLDER}
    assert not any(path.is_symlink() for path in target.rglob("*"))
    return new, error, " ".join(str(one.message) for one in told)


OUTWARD = [
    "/etc/passwd", "//server/part/x", "\\\\server\\part\\x", "\\x", "C:/x", "c:\\x", "z:/",
    "\\\\?\\C:\\x", "\\\\.\\NUL", "//./NUL", "../x", "../", "..", "./../x", "a/../x", "a/../../x",
    "a/..", "a/../", "..\\x", "a\\..\\..\\x", "a/..\\../x", "../outputs/old.txt", ".. /x", "..//x",
    ".../x", "a/... /x", "..", "../beside.txt", "folder/../../beside.txt", "a\0b", "a\0/../../x",
    "\0", "../\0", ".", "a/.", "./.", "a\\.", "d/" * 1700 + "x", "/".join(["d" * 200] * 20),
]  # fmt: skip


@pytest.mark.parametrize("name", OUTWARD, ids=lambda name: repr(name[:30]))
@pytest.mark.parametrize("ranges", [True, False])
def test_names_that_lead_out_or_nowhere_are_left_out_and_named_in_the_end(
    server, target, name, ranges
):
    server.ranges = ranges
    new, error, _ = fetch(server, target, build(GOOD, name, Entry("last.txt", b"last")))
    assert isinstance(error, UnsafePathError)
    assert repr(name)[:100] in str(error)
    assert new == {"good.txt": b"good", "last.txt": b"last"}
    assert fetch(server, target, build(name))[0] == new


def test_bad_names_and_damage_are_named_together(server, target):
    damaged = Entry("damaged.txt", b"damaged", crc=1)
    names = ["../x", "/y", "a\0b", "C:/z"]
    new, error, _ = fetch(server, target, build(*names, damaged, GOOD))
    assert isinstance(error, ArchiveError)
    for said in ("'../x'", "'/y'", "NUL character", "2 more entries could not be extracted"):
        assert said in str(error)
    assert new == {"good.txt": b"good"}


@pytest.mark.parametrize(
    ("names", "paths"),
    [
        (["a:b"], ["a_b"]),
        (["file.txt:stream:$DATA"], ["file.txt_stream_$DATA"]),
        (["C:x"], ["C_x"]),
        (['a<b>"|?*'], ["a_b_____"]),
        (["bell\x07\x1b[2J"], ["bell__[2J"]),
        (["a\\b\\c"], ["a/b/c"]),
        (["a\\", "a\\b"], ["a", "a/b"]),
        (["./a", "b//c", "d/./e"], ["a", "b/c", "d/e"]),
        (["~/x", "$HOME", "-rf", "%2e%2e%2fx"], ["~/x", "$HOME", "-rf", "%2e%2e%2fx"]),
        (["x", "x/y"], ["x~1", "x/y"]),
        (["x", "x/"], ["x~1", "x"]),
        (["x/y/z", "x/y", "x"], ["x/y/z", "x/y~1", "x~1"]),
        (["x", "x~1", "x/y"], ["x~2", "x~1", "x/y"]),
        (["a?", "a*", "a_"], ["a_~1", "a_~2", "a_"]),
        ([f"{WORK_FOLDER}/lock"], [f"{WORK_FOLDER}_/lock"]),
        ([WORK_FOLDER], [f"{WORK_FOLDER}_"]),
        ([f"{WORK_FOLDER}/"], [f"{WORK_FOLDER}_"]),
        ([f"./{WORK_FOLDER}\\x"], [f"{WORK_FOLDER}_/x"]),
        ([".Inductiva-DOWNLOAD/x"], [".Inductiva-DOWNLOAD_/x"]),
        ([".inductiva\u200c-download/x"], [".inductiva\u200c-download_/x"]),
        ([f"{WORK_FOLDER}. ./x"], [f"{WORK_FOLDER}_/x"]),
        ([WORK_FOLDER, f"{WORK_FOLDER}_"], [f"{WORK_FOLDER}_~1", f"{WORK_FOLDER}_"]),
        ([f"a/{WORK_FOLDER}/x"], [f"a/{WORK_FOLDER}/x"]),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_names_that_cannot_stand_get_safe_ones_and_it_is_told(server, target, names, paths):
    data = build(
        *[Entry(n, b"" if n[-1] in "/\\" else C + bytes([i])) for i, n in enumerate(names)]
    )
    new, error, told = fetch(server, target, data)
    assert error is None
    expected = {
        path: None if name[-1] in "/\\" else C + bytes([i])
        for i, (name, path) in enumerate(zip(names, paths, strict=True))
    }
    assert {path: new[path] for path in paths} == expected
    assert {path for path, content in new.items() if content is not None} <= set(paths)
    altered = [
        name
        for name, path in zip(names, paths, strict=True)
        if "/".join(part for part in name.split("/") if part not in {"", "."}) != path
    ]
    assert ("Stored with a different name" in told) is bool(altered)


def test_names_too_long_for_a_file_system_are_cut_and_stay_apart(server, target):
    names = ["x" * 60_000 + "a.vtu", "x" * 60_000 + "b.vtu", "é" * 300, "d" * 400 + "/f"]
    # A path of 60,000 letters is one part here, so it is cut and not refused.
    new, error, told = fetch(server, target, build(*names))
    assert error is None
    assert len([content for content in new.values() if content == C]) == 4
    assert "different name" in told


def test_an_empty_name_is_no_file(server, target):
    new, error, _ = fetch(server, target, build(GOOD, Entry("", b"content")))
    assert new == {"good.txt": b"good"}
    assert "without a name" in str(error)


@pytest.mark.parametrize("pointed", ["../beside.txt", "/etc/passwd", "..", "."])
def test_links_become_text_and_nothing_is_written_through_them(server, target, pointed):
    link = Entry("link", pointed.encode(), mode=LINK)
    new, error, told = fetch(server, target, build(link, GOOD))
    assert (new, error) == ({"link": pointed.encode(), "good.txt": b"good"}, None)
    assert "instead of a symbolic link" in told
    # Extractors that made the link would now write below what it points to.
    below = {"link~1": pointed.encode(), "link": None, "link/new": C, "good.txt": b"good"}
    (target / "link").unlink()
    new, error, told = fetch(server, target, build(link, "link/new", GOOD))
    assert (new, error) == (below, None)


def test_links_that_stand_in_the_target_are_not_followed_out_of_it(server, target, tmp_path):
    (target / "out").symlink_to(tmp_path / "folder")
    (target / "file").symlink_to(tmp_path / "beside.txt")
    url = server.put("/a.zip", build("out/beside"))
    with pytest.raises(UnsafePathError, match="is a link to outside"):
        fetch_archive(url, target)
    url = server.put("/a.zip", build("file"))
    fetch_archive(url, target)  # replaces the link, not what it points to
    assert (tmp_path / "beside.txt").read_bytes() == b"beside"
    assert (tmp_path / "folder/beside").read_bytes() == b"beside"
    assert not (target / "file").is_symlink()


def test_of_equal_names_the_last_counts(server, target):
    new, error, _ = fetch(server, target, build(Entry("a", b"1"), Entry("a", b"2")))
    assert (new, error) == ({"a": b"2"}, None)


def test_folders_hold_no_content(server, target):
    new, error, _ = fetch(server, target, build(Entry("d/", b"content of a folder"), GOOD))
    assert (new, error) == ({"d": None, "good.txt": b"good"}, None)


BIG = 1 << 63
TRUTH = (zlib.crc32(C), len(C), len(C))
REFUSED = {
    "two members at one place": (build("aa", Entry("bb", offset=0)), "overlaps"),
    "overlapping": (build(Entry("a", bytes(100)), Entry("b", offset=40)), "overlaps"),
    "quoted bomb": (quoted_bomb(), "overlaps"),
    "member over the directory": (build(Entry("a", compressed=9)), r"'a' overlaps"),
    "member behind the end": (build(Entry("a", offset=10_000)), r"'a' overlaps"),
    "compressed size of 2**63": (build(Entry("a", method=8, compressed=BIG)), "'a' overlaps"),
    "compressed size of 2**64-1": (build(Entry("a", method=8, compressed=2 * BIG - 1)), "overlaps"),
    "offset of 2**63": (build(Entry("a", offset=BIG)), "'a' overlaps"),
    "size of 2**63": (build(Entry("a", method=8, size=BIG)), "free|limit"),
    "size of 2**64-1": (build(Entry("a", method=8, size=2 * BIG - 1)), "free|limit"),
    "sum of sizes of 2**64": (
        build(Entry("a", method=8, size=BIG), Entry("b", method=8, size=BIG)), "free|limit",
    ),
    "stored with two sizes": (build(Entry("a", size=8)), r"^Entry 'a' is .* it is stored, but"),
    "compressed size without its zip64 field": (
        build(Entry("a", method=8, compressed=0xFFFFFFFE)), "'a' overlaps",
    ),
    "bomb that declares little": (
        build(Entry("bomb", bytes(50_000_000), 8, size=1000)), "'bomb' is damaged: it has more",
    ),
    "bomb that declares nothing": (
        build(Entry("bomb", bytes(5_000_000), 8, size=0, crc=1)), "'bomb' is damaged: ",
    ),
    "less than declared": (build(Entry("a", C, 8, size=8)), "'a' is damaged: .* instead of"),
    "wrong checksum": (build(Entry("a", crc=1)), "'a' is damaged: its checksum"),
    "wrong checksum of nothing": (build(Entry("a", b"", crc=1)), "'a' is damaged: its checksum"),
    "local method": (build(Entry("a", local_method=8)), "'a' is damaged: its header contradicts"),
    "local signature": (build(Entry("a", signature=b"PK\x03\x05")), "'a' is damaged: its header"),
    "local lengths": (build(Entry("a", local_lengths=(60_000, 60_000))), "its header contradicts"),
    "encrypted": (build(Entry("a", flags=1)), "'a' is encrypted"),
    "masked": (build(Entry("a", flags=0x2000)), "'a' is encrypted"),
    "unknown method": (build(Entry("a", method=77)), "'a' is compressed with method 77"),
    "count too high": (build("a" * 50, "b" * 50, count=3), "declares 3 entries but has 2"),
    "count too low": (build("a", "b", count=1), "declares 1 entries but has 2"),
    "count of none": (build("a", count=0), "declares 0 entries but has 1"),
    "zip64 record missing": (
        build("a")[:-22] + struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1) + end(1, 47, 38),
        "zip64 record is missing",
    ),
    "zip64 record beyond the end": (
        build("a")[:-22] + struct.pack("<4sLQL", b"PK\x06\x07", 0, BIG, 1) + end(1, 47, 38),
        "zip64 record is missing",
    ),
    "zip64 count of 2**63": (
        build("a")[:-22] + end64(BIG, 47, 38, 85) + end(1, 47, 38), "does not fit",
    ),
    "zip64 size of 2**63": (
        build("a")[:-22] + end64(1, BIG, 38, 85) + end(1, 47, 38), "does not fit",
    ),
    "zip64 offset of 2**63": (
        build("a")[:-22] + end64(1, 47, BIG, 85) + end(1, 47, 38), "does not fit",
    ),
    "deflate without its end": (
        build(Entry("a", C, 8, compressed=len(deflate(C)) - 1)), "'a' is damaged: .* instead of",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_damage_and_lies_are_archive_errors_that_name_the_member(server, target, case):
    data, words = REFUSED[case]
    new, error, _ = fetch(server, target, data)
    assert new.items() <= {"good.txt": b"good"}.items()
    assert type(error) in ({DownloadError, ArchiveError} if "free" in words else {ArchiveError})
    with pytest.raises(DownloadError, match=words):
        raise error


SIMPLE = build(Entry("inner.txt", b"inner"))
HARMLESS = {
    # The directory alone counts, so nobody is told two different things.
    "local name": (build(Entry("a", local_name=b"../../evil")), {"a": C}),
    "local sizes": (build(Entry("a", local_sizes=(1, 2, 3))), {"a": C}),
    "local sizes of 2**32-1": (build(Entry("a", local_sizes=(0, 2**32 - 1, 2**32 - 1))), {"a": C}),
    "descriptor": (
        build(Entry("a", flags=DESCRIPTOR, local_sizes=(0, 0, 0),
                    descriptor=struct.pack("<4s3L", b"PK\x07\x08", *TRUTH)), "b"),
        {"a": C, "b": C},
    ),
    "descriptor without signature": (
        build(Entry("a", flags=DESCRIPTOR, local_sizes=(0, 0, 0),
                    descriptor=struct.pack("<3L", *TRUTH)), "b"),
        {"a": C, "b": C},
    ),
    "descriptor that lies": (
        build(Entry("a", flags=DESCRIPTOR, local_sizes=(0, 0, 0),
                    descriptor=struct.pack("<4s3L", b"PK\x07\x08", 1, 2**32 - 1, 3)), "b"),
        {"a": C, "b": C},
    ),
    "descriptor promised but missing": (build(Entry("a", flags=DESCRIPTOR), "b"), {"a": C, "b": C}),
    "content that looks like a member": (
        build(Entry("a", SIMPLE)), {"a": SIMPLE},
    ),
    "hidden member between two": (
        build(Entry("a", descriptor=Entry("../evil").local() + C), "b"), {"a": C, "b": C},
    ),
    "two archives, one behind the other": (build("first") + SIMPLE, {"inner.txt": b"inner"}),
    "comment that is an archive": (build("a", comment=SIMPLE), {"inner.txt": b"inner"}),
    "comment that holds an end record": (
        build("a", comment=end(0, 0, 0) + b"no end"), {"a": C},
    ),
    "comment that holds a record with a comment": (
        build("a", comment=end(9, 9, 9, length=99) + b"short"), {"a": C},
    ),
    "bytes behind the end": (build("a") + bytes(1000), {"a": C}),
    "many bytes behind the end": (build("a") + bytes(300_000), {"a": C}),
    "comment shorter than stated": (build("a")[:-2] + b"\x09\0short", {"a": C}),
    "malformed UTF-8": (build(Entry(b"\xff\xfe", flags=0x800)), {"\xa0■": C}),
    "zip64 records for a small archive": (
        build("a")[:-22] + end64(1, 47, 38, 85) + end(0xFFFF, 2**32 - 1, 2**32 - 1), {"a": C},
    ),
    "zip64 field too short": (build(Entry("a", extra=struct.pack("<2H", 1, 0))), {"a": C}),
    "two zip64 fields": (
        build(Entry("a", extra=struct.pack("<2HQ", 1, 8, 99) + struct.pack("<2HQ", 1, 8, BIG))),
        {"a": C},
    ),
    "extra field that goes on beyond its end": (
        build(Entry("a", extra=struct.pack("<2H", 0x7075, 0xFFFF))), {"a": C},
    ),
    "extra fields of no length": (build(Entry(b"a", extra=bytes(0xFFFC) + b"up")), {"a": C}),
    "folder with two slashes": (build(Entry("d//", b"")), {"d": None}),
}  # fmt: skip


@pytest.mark.parametrize("case", HARMLESS)
def test_oddities_do_no_harm(server, target, case):
    data, expected = HARMLESS[case]
    new, error, told = fetch(server, target, data)
    assert (new, error, told) == (expected, None, "")


def test_archive_in_an_archive_stays_one(server, target):
    new, error, _ = fetch(server, target, nested_bomb())
    assert error is None
    assert list(new) == ["inner.zip"]
    assert len(new["inner.zip"]) < 10_000


@pytest.mark.parametrize("declared", [0, 1, 4096, 49_999_999])
def test_bombs_take_no_memory_and_never_give_more_than_they_declare(declared):
    data = build(Entry("bomb", bytes(50_000_000), 8, size=declared))
    member = read_central_directory(Memory(data)).entries[0]
    given = 0

    def sink(piece):
        nonlocal given
        given += len(piece)

    tracemalloc.start()
    with pytest.raises(ArchiveError, match=r"^Entry 'bomb' is damaged: "):
        EntryDecoder(member, sink).feed(memoryview(data)[member.offset : member.read_limit])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert given <= declared
    assert peak < 8_000_000


def test_bomb_read_as_a_file_stops_at_what_it_declares(server):
    url = server.put("/a.zip", build(Entry("bomb", bytes(50_000_000), 8, size=100_000)))
    with (
        RemoteArchive(url) as archive,
        pytest.raises(ArchiveError, match=r"^Entry 'bomb' is damaged: "),
    ):
        archive.open("bomb").read()


@pytest.mark.parametrize(
    "name",
    ["CON", "con", "nul.txt", "COM1", "lpt9.tar.gz", "a/AUX/b", "CON .txt", "nul:", "COM²",
     "CONIN$", "dot.", "dots...", "blank ", "a. /b", "a/ . ./b", "a:b", "INDUCT~1/lock",
     "in0af3~1/lock", ".inductiva-download./x", ".INDUCTIVA-DOWNLOAD::$INDEX_ALLOCATION/x"],
)  # fmt: skip
def test_what_means_something_to_windows_gets_another_name_there(name):
    path = assign_paths([name], fold_case=True, windows=True).path(name)
    for place, part in enumerate(path.split("/")):
        assert part == part.rstrip(" .")
        assert ":" not in part
        assert part.partition(".")[0].rstrip().upper() not in {"CON", "NUL", "COM1", "LPT9", "AUX",
                                                               "COM²", "CONIN$"}  # fmt: skip
        assert place or part.lower() not in {WORK_FOLDER, "induct~1", "in0af3~1"}
    assert path != name


@pytest.mark.parametrize(
    "names",
    [
        ["Makefile", "makefile", "MAKEFILE"],
        ["A/x", "a/X", "a/x"],
        ["a", "A/x"],
        ["é", "e\u0301", "É", "E\u0301"],
        ["straße", "STRASSE", "strasse"],
        ["\u212b", "å", "Å", "a\u030a"],  # the Ångström sign
        ["\u0131", "I", "i"],
        ["\u017f", "s", "S"],
        ["Ω", "\u2126", "ω"],
        ["\u1f80", "\u1f88", "\u1f00\u03b9"],
        ["a?", "A_", "a_~1"],
    ],
)
def test_names_that_a_file_system_may_take_for_one_get_places_of_their_own(names):
    layout = assign_paths(names, fold_case=True)
    places = [layout.path(name).casefold() for name in names]
    assert len(set(places)) == len(names)
    assert layout.renamed


def test_many_deep_folders_take_no_memory_to_lay_out():
    """Each has its own 128 folders above it; listing them all would take gigabytes."""
    names = [f"{n}/" + "abcdefghijkl/" * 126 + "x" for n in range(2000)]
    tracemalloc.start()
    layout = assign_paths(names, fold_case=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(layout.paths) == 2000
    assert peak < 40_000_000


def test_extra_fields_that_repeat_cost_no_time():
    """The checksum of a long name is stated in each of thousands of fields, wrong in each."""
    field = struct.pack("<2HBL", 0x7075, 5, 1, 0)
    hostile = Entry(b"n" * 65_000 + b"\xff", b"", extra=field * 7000)
    data = build(*[hostile] * 60)
    began = time.process_time()
    assert len(read_central_directory(Memory(data)).entries) == 60
    assert time.process_time() - began < 2


def test_thousands_of_end_records_cost_no_time():
    data = build("a", comment=(b"PK\x05\x06" * 16_000)[:-1])
    began = time.process_time()
    assert [member.name for member in read_central_directory(Memory(data)).entries] == ["a"]
    assert time.process_time() - began < 2


def test_random_bytes_between_members_are_passed_over(server, target):
    between = noise(50_000)
    data = build(Entry("a", descriptor=between), Entry("b", descriptor=between), "c")
    new, error, _ = fetch(server, target, data)
    assert (new, error) == ({"a": C, "b": C, "c": C}, None)
