import pytest

from inductiva_widgets.downloads._plan import (
    LARGEST_GAP,
    ExtractItem,
    coalesce_ranges,
    common_root,
    select_entries,
    strip_prefix,
)
from inductiva_widgets.downloads.zip_directory import ZipEntry
from inductiva_widgets.errors import InputError

NAMES = [
    "stdout.txt",
    "vtk/",
    "vtk/a.vtu",
    "vtk/b.vtu",
    "vtk/deep/c.vtu",
    "data[1].csv",
    "data1.csv",
]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (None, NAMES),
        ("stdout.txt", ["stdout.txt"]),
        (["./stdout.txt"], ["stdout.txt"]),
        (["vtk/b.vtu", "vtk/a.vtu"], ["vtk/a.vtu", "vtk/b.vtu"]),
        (["vtk/"], NAMES[1:5]),
        (["vtk"], NAMES[1:5]),
        (["*.vtu"], NAMES[2:5]),
        (["vtk/?.vtu"], NAMES[2:4]),
        (["data[1].csv"], ["data[1].csv"]),
        (["data[12].csv"], ["data1.csv"]),
        (["artifacts/stdout.txt"], ["stdout.txt"]),
    ],
)
def test_choose(asked, found):
    assert list(select_entries(NAMES, asked, "artifacts/").names) == found


def test_choose__missing_names_are_told_with_close_ones():
    choice = select_entries(NAMES, ["stdout.txt", "stdou.txt", "nothing-like-it"])
    assert choice.names == ("stdout.txt",)
    assert choice.missing == ("stdou.txt", "nothing-like-it")
    assert "'stdou.txt' (did you mean 'stdout.txt'" in choice.hint


@pytest.mark.parametrize("asked", [["stdou.txt"], "nothing", [], ["vtj/"], [""]])
def test_choose__nothing_at_all_is_an_input_error(asked):
    with pytest.raises(InputError):
        select_entries(NAMES, asked)


def member(name="m", offset=0, size=100, end=None):
    return ZipEntry(
        name, size, size, 0, 0, offset, offset + 30 + size if end is None else end, 0, 0
    )


def test_strip__members_outside_are_dropped_unless_nothing_is_inside():
    inside = [member("artifacts/"), member("artifacts/a"), member("output.json")]
    assert list(strip_prefix(inside, "artifacts")) == ["a"]
    assert list(strip_prefix([member("a"), member("b")], "artifacts/")) == ["a", "b"]
    assert list(strip_prefix(inside, "")) == ["artifacts/", "artifacts/a", "output.json"]


def test_strip__of_equal_names_the_last_counts():
    assert strip_prefix([member("a", 0), member("a", 200)], "")["a"].offset == 200


@pytest.mark.parametrize(
    ("names", "top"),
    [
        (["a/", "a/b"], "a"),
        (["a/b", "a/c/d"], "a"),
        (["a/b", "c/d"], ""),
        (["a/b", "c"], ""),
        ([], ""),
    ],
)
def test_single_top_folder(names, top):
    assert common_root(names) == top


def test_merge__neighbours_share_a_range_and_distant_ones_do_not():
    items = [ExtractItem(member(str(n), n * 130), "") for n in range(10)]
    spans = coalesce_ranges([items[0], items[1], items[2]], 4)
    assert [(span.start, span.stop) for span in spans] == [(0, 390)]
    far = ExtractItem(member("far", 390 + LARGEST_GAP + 1), "")
    spans = coalesce_ranges([items[2], far, items[0]], 4)
    assert sorted((span.start, span.stop) for span in spans) == [
        (0, 390), (far.entry.offset, far.entry.end)
    ]  # fmt: skip


def test_merge__large_archives_give_work_to_every_connection():
    mib = 1024 * 1024
    items = [ExtractItem(member(str(n), n * mib, mib - 30), "") for n in range(100)]
    spans = coalesce_ranges(items, 4)
    assert len(spans) >= 8
    assert sum(span.stop - span.start for span in spans) == 100 * mib
    assert sorted(i.entry.name for span in spans for i in span.items) == sorted(
        str(n) for n in range(100)
    )
    lengths = [span.stop - span.start for span in spans]
    assert lengths == sorted(lengths, reverse=True)


def test_merge__a_wide_gap_behind_a_member_is_not_fetched():
    lonely = member("a", 0, 100, end=10**9)
    assert coalesce_ranges([ExtractItem(lonely, "")], 4)[0].stop == 30 + 100 + 2 * 65535
