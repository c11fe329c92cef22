"""The journal of a task, whoever is stopped in the middle of a line."""

from __future__ import annotations

import json
import os

from inductiva_widgets.server import journal
from inductiva_widgets.server.journal import JournalWriter, read_lines_from


def names(path):
    return [json.loads(line)["event"] for line in path.read_bytes().splitlines()]


def test_line_that_a_killed_writer_left_half_does_not_spoil_the_next(tmp_path):
    path = tmp_path / "events"
    with JournalWriter(path) as writer:
        writer.write("first")
    with path.open("ab") as file:
        file.write(b'{"event": "ha')
    with JournalWriter(path) as writer:
        writer.write("second")
        writer.write("third")
    lines, offset = read_lines_from(path, 0)
    assert [json.loads(lines[at])["event"] for at in (0, 2, 3)] == ["first", "second", "third"]
    assert lines[1] == b'{"event": "ha'
    assert offset == path.stat().st_size


def test_journal_completes_partial_writes(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(journal.os, "write", lambda to, content: write(to, content[:7]))
    with JournalWriter(tmp_path / "events") as writer:
        writer.write("first", text="x" * 100)
        writer.write("second")
    assert names(tmp_path / "events") == ["first", "second"]


def test_half_line_is_left_for_later(tmp_path):
    path = tmp_path / "events"
    path.write_bytes(b'{"event": "a"}\n{"eve')
    lines, offset = read_lines_from(path, 0)
    assert lines == [b'{"event": "a"}']
    path.write_bytes(b'{"event": "a"}\n{"event": "b"}\n')
    assert read_lines_from(path, offset)[0] == [b'{"event": "b"}']
    assert read_lines_from(tmp_path / "none", 5) == ([], 5)
