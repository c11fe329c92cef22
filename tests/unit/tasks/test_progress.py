import re

import pytest

from inductiva_widgets.tasks import _history
from inductiva_widgets.tasks._history import history_progress


class Shown:
    """What a notebook has been shown, the last of it last."""

    def __init__(self):
        self.texts = []

    def __call__(self, html, *, display_id):
        assert display_id
        self.update(html)
        return self

    def update(self, html):
        self.texts.append(html.data)


@pytest.fixture
def notebook(monkeypatch):
    shown = Shown()
    monkeypatch.setattr(_history, "in_notebook", lambda: True)
    monkeypatch.setattr(_history, "_DRAW_PERIOD", 0.0)
    monkeypatch.setattr("IPython.display.display", shown)
    return shown


def test_a_notebook_shows_a_bar_that_a_line_takes_the_place_of(notebook):
    with history_progress(None) as told:
        told(500, 4000)
        told(2000, 4000)
    first, second, last = notebook.texts
    assert 'aria-valuenow="12"' in first
    assert "2,000 of 4,000 tasks" in second
    assert re.search(r"Task history: 2,000 tasks read in \d", last)
    assert "progressbar" not in last


def test_an_interrupt_is_told_from_an_end(notebook):
    def read():
        with history_progress(None) as told:
            told(500, 4000)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read()
    assert "500 tasks read until the interrupt in" in notebook.texts[-1]


def test_what_takes_no_time_shows_nothing(notebook, capsys):
    with history_progress(None) as told:
        told(500, 900)
        told(900, 900)
    with history_progress(False) as told:
        told(500, 90_000)
    assert notebook.texts == []
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_a_bar_and_a_log_file_nothing(capsys, monkeypatch):
    with history_progress(None) as told:
        told(500, 90_000)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with history_progress(None) as told:
        told(500, 90_000)
        told(45_000, 90_000)
    assert "45000/90000" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capsys.readouterr().err)
