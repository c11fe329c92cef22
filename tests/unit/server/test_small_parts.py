"""Journal, ranges, queries, JSON, files and the guard's view of hosts: the small parts."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta
from starlette.requests import Request

from inductiva_widgets._atomic import write_atomically
from inductiva_widgets._secret import Secret
from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.server import data_dir, events, launch, requirements
from inductiva_widgets.server.http_ranges import UnsatisfiableRangeError, parse_range
from inductiva_widgets.server.http_util import MalformedRequestError, read_query
from inductiva_widgets.server.journal import JournalWriter, read_lines_from
from inductiva_widgets.server.schemas.base import encode
from inductiva_widgets.server.server_info import ServerInfo
from inductiva_widgets.status import Status

# Journal -----------------------------------------------------------------------------------------


def test_journal_is_read_from_the_last_offset(tmp_path):
    path = tmp_path / "events.jsonl"
    assert read_lines_from(path, 0) == ([], 0)
    with JournalWriter(path) as journal:
        journal.write("supervising", pid=7)
        lines, offset = read_lines_from(path, 0)
        assert events.decode(lines[0]).pid == 7
        assert read_lines_from(path, offset) == ([], offset)
        journal.write("finished", outcome="success", reason=None)
    [line], _ = read_lines_from(path, offset)
    assert events.decode(line).outcome is Status.SUCCESS


def test_half_a_line_waits_for_its_other_half(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"a":1}\n{"b"')
    lines, offset = read_lines_from(path, 0)
    assert lines == [b'{"a":1}']
    with path.open("ab") as file:
        file.write(b":2}\n")
    assert read_lines_from(path, offset)[0] == [b'{"b":2}']


def test_event_that_is_none_is_refused():
    for line in (b"{", b"{}", b'{"event":"strange","time":"2024-01-01T00:00:00+00:00"}'):
        with pytest.raises(msgspec.MsgspecError):
            events.decode(line)


# Ranges ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=2-5", range(2, 6)),
        ("bytes=2-", range(2, 10)),
        ("bytes=2-99", range(2, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-99", range(10)),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=a-b", None),
    ],
)
def test_range_is_one_part_or_none(header, wanted):
    assert parse_range(header, 10) == wanted


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_parse_range_outside_raises(header, size):
    with pytest.raises(UnsatisfiableRangeError):
        parse_range(header, size)


# Queries and JSON --------------------------------------------------------------------------------


class Query(msgspec.Struct):
    page: Annotated[int, Meta(ge=1)] = 1
    flag: bool | None = None
    paths: Annotated[list[str], Meta(min_length=1)] = msgspec.field(default_factory=list)
    name: str = ""


def query_of(text):
    return read_query(
        Request({"type": "http", "query_string": text.encode(), "headers": []}), Query
    )


def test_query_takes_lists_numbers_and_flags():
    query = query_of("page=3&flag=true&paths=a&paths=b&name=x&name=y&unknown=1")
    assert (query.page, query.flag, query.paths, query.name) == (3, True, ["a", "b"], "y")
    assert query_of("paths=a").paths == ["a"]


@pytest.mark.parametrize("text", ["page=0", "page=x", "page=1.5", "flag=maybe"])
def test_malformed_query_names_the_field(text):
    with pytest.raises(MalformedRequestError) as caught:
        query_of(text)
    [detail] = caught.value.detail()
    assert detail["loc"] == ["query", text.partition("=")[0]]


def test_place_of_a_problem_in_a_body_is_a_path():
    error = MalformedRequestError("body", "Expected `str`, got `int` - at `$.a.commands[2].cmd`")
    assert error.detail()[0]["loc"] == ["body", "a", "commands", 2, "cmd"]


def test_times_carry_an_offset_and_text_is_left_alone():
    moment = datetime(2024, 2, 1, 17, 16, 17, 250000, tzinfo=timezone.utc)
    value = {"at": [moment], "text": "2024-02-01T17:16:17Z"}
    assert json.loads(encode(value)) == {
        "at": ["2024-02-01T17:16:17.250000+00:00"],
        "text": "2024-02-01T17:16:17Z",
    }


# Files -------------------------------------------------------------------------------------------


def test_file_is_replaced_whole_and_private(tmp_path):
    path = tmp_path / "note"
    path.write_text("old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["note"]


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "note"
    path.write_text("old")

    def fail(_descriptor):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["note"]


def test_folder_is_private_and_keeps_its_key(tmp_path, monkeypatch):
    monkeypatch.setenv(data_dir.ENV_FOLDER, str(tmp_path / "configured"))
    data = data_dir.DataDir()
    data.prepare()
    assert data.root == tmp_path / "configured"
    assert data.root.stat().st_mode & 0o777 == 0o700
    assert data.api_key() == data_dir.DataDir().api_key()
    assert data.api_key().encode() != data.link_secret()


# Connection and requirements ---------------------------------------------------------------------


def test_note_that_makes_no_sense_is_none(tmp_path):
    path = tmp_path / "server.json"
    assert ServerInfo.read(path) is None
    for content in ("", "{", "[]", "{}", '{"url": "x", "unknown": 1}'):
        path.write_text(content)
        assert ServerInfo.read(path) is None
    note = ServerInfo("http://127.0.0.1:1", Secret("canary"), 1, "0.1", "instance")
    note.write(path)
    assert ServerInfo.read(path) == note
    assert "canary" not in f"{note!r} {note}"
    assert path.stat().st_mode & 0o777 == 0o600


def test_missing_extra_raises_with_install_command(monkeypatch, tmp_path):
    monkeypatch.setattr(
        requirements, "find_spec", lambda name: None if name == "starlette" else object()
    )
    with pytest.raises(LocalServerError) as caught:
        launch.start_or_attach(tmp_path)
    assert "starlette" in str(caught.value)
    assert 'pip install "inductiva-widgets[local]"' in str(caught.value)


def test_check_requirements_on_windows_raises_with_advice(monkeypatch):
    monkeypatch.setattr(requirements.os, "name", "nt")
    with pytest.raises(LocalServerError, match="WSL"):
        requirements.check_requirements()
