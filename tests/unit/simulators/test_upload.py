"""Progress of an upload: for people at a terminal, and for inputs that take a while."""

from __future__ import annotations

import io
import os

import pytest

from inductiva_widgets import simulators
from inductiva_widgets.simulators import _upload


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def large(case, monkeypatch):
    monkeypatch.setattr(_upload, "_MIN_BAR_BYTES", 2_000_000)
    (case / "mesh.bin").write_bytes(os.urandom(3_000_000))
    return case


def test_terminal_shows_how_far_it_is(client, large, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    simulators.REEF3D().run(large)
    assert "Uploading inputs" in screen.getvalue()
    assert "2.9/2.9 MiB" in screen.getvalue()


def test_small_input_shows_nothing(client, case, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    simulators.REEF3D().run(case)
    assert screen.getvalue() == ""


def test_log_file_and_notebook_show_nothing(client, large, capsys):
    simulators.REEF3D().run(large)
    assert capsys.readouterr() == ("", "")


def test_second_try_sends_the_whole_archive_again(client, large, monkeypatch):
    tries = []

    def upload_twice(url, body):
        tries.extend([sum(map(len, body())), sum(map(len, body()))])

    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setattr(client.transport, "upload", upload_twice)
    simulators.REEF3D().run(large)
    assert tries[0] == tries[1] > 3_000_000


def test_interrupt_in_the_middle_kills_the_half_made_task(client, large, monkeypatch):
    def interrupted(url, body):
        next(iter(body()))
        raise KeyboardInterrupt

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(client.transport, "upload", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulators.REEF3D().run(large)
    assert client.transport.requests[-1] == "POST /tasks/new-task/kill"
