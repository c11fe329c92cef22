import io
import sys
from pathlib import Path

import pytest

from inductiva_widgets.downloads._terminal import format_progress, show_progress
from inductiva_widgets.downloads.download import Download
from inductiva_widgets.downloads.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def work(tracker, path=Path("/x/[red]out")):
    tracker.set_path(path)
    part = tracker.add_part()
    part.set_file_count(2)
    part.reset(0, 2048)
    part.receive(2048)
    part.finish_file(path / "a")
    part.finish_file(path / "b")
    return path


def test_progress_is_drawn_in_a_terminal_and_names_are_no_markup(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "150")
    download = Download(work)
    with show_progress(download):
        download.run()
    assert "[red]out" in screen.getvalue()
    assert "2.00 KiB of 2.00 KiB, 2/2 files, done" in screen.getvalue()


def test_progress_shows_control_characters_of_names(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    path = Path("/x/out\x1b]0;title\x07\u202e")
    download = Download(lambda tracker: work(tracker, path))
    with show_progress(download):
        download.run()
    assert r"out\x1b]0;title\x07\u202e" in screen.getvalue()
    assert not {"\x07", "\u202e"} & set(screen.getvalue())


def test_nothing_is_drawn_elsewhere(capsys):
    download = Download(work)
    with show_progress(download):
        download.run()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (Progress(bytes_done=5), "5 B"),
        (Progress(bytes_done=5, bytes_total=2048, files_total=1), "5 B of 2.00 KiB"),
        (
            Progress("running", 1, 9, 2, 7, 1024.4, 75.0),
            "1 B of 9 B, 2/7 files, 1.00 KiB/s, 1 min 15 s left",
        ),
        (Progress("cancelled", 1, 9, 2, 7, 0, None), "1 B of 9 B, 2/7 files, cancelled"),
    ],
)
def test_describe(state, words):
    assert format_progress(state) == words
