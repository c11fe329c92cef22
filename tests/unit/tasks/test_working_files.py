"""Listings of a running task, as people read them."""

from datetime import datetime, timezone

from inductiva_widgets.tasks import ModifiedFile, WorkingFile, WorkingFiles
from inductiva_widgets.tasks.working_files import RawText


def files(*names, size=None):
    return WorkingFiles(WorkingFile(name=name, size=size) for name in names)


def test_tree_has_folders_before_files_and_each_folder_once():
    shown = str(files("z.txt", "a/x", "b.txt", "a/b/y", "a/b/x", "c/x", size=3))
    assert shown.splitlines() == [
        "a/",
        "  b/",
        "    x  3 B",
        "    y  3 B",
        "  x    3 B",
        "c/",
        "  x    3 B",
        "b.txt  3 B",
        "z.txt  3 B",
    ]


def test_tree_without_sizes_has_no_blanks_at_its_ends():
    assert str(files("a/x", "b")) == "a/\n  x\nb"
    assert str(files()) == ""


def test_names_cannot_steer_a_terminal():
    assert "\x1b" not in str(files("\x1b[2Jevil\n.txt"))
    assert "\x1b" not in str(ModifiedFile("\x1b[2J", datetime.now(timezone.utc), 1.0))


def test_deepest_folders_are_shown():
    assert len(str(files("a/" * 2000 + "x")).splitlines()) == 2001


def test_listing_is_a_sequence():
    listing = files("a", "b", "c")
    assert len(listing) == 3
    assert listing[0].name == "a"
    assert [file.name for file in listing[1:]] == ["b", "c"]
    assert isinstance(listing[1:], WorkingFiles)


def test_text_shows_itself():
    assert repr(RawText("a\nb")) == "a\nb"
