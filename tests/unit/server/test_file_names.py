"""File names that are not valid UTF-8, in listings and archives."""

from __future__ import annotations

import os
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inductiva_widgets.server.archives import create_archive
from inductiva_widgets.server.errors import BadRequestError, MissingError
from inductiva_widgets.server.file_names import from_text, to_text
from inductiva_widgets.server.work_dir import WorkDir

MARK = "\N{REPLACEMENT CHARACTER}"
# Names that differ only in bytes that are not UTF-8, or that look like the text of another one.
NAMES = [b"a\xff.txt", b"a\xfe.txt", b"a.txt", f"a{MARK}.txt".encode(), f"a{MARK}FF.txt".encode()]


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a file of each name below a folder of each name; each has its path."""
    root = tmp_path / "work"
    for top in NAMES:
        (root / os.fsdecode(top)).mkdir(parents=True)
        for name in NAMES:
            path = top + b"/" + name
            (root / os.fsdecode(path)).write_bytes(path)
    return root


PATHS = {top + b"/" + name for top in NAMES for name in NAMES}


def test_archive_has_every_file_whatever_its_name(folder, tmp_path):
    created = create_archive(folder, tmp_path / "output.zip")
    assert created.files == len(PATHS)
    with zipfile.ZipFile(tmp_path / "output.zip") as archive:
        members = [name for name in archive.namelist() if name != "artifacts/"]
        assert len(set(members)) == len(members)
        assert {archive.read(name) for name in members} == PATHS
        assert "artifacts/a.txt/a.txt" in members


def test_listed_file_is_opened_by_its_name_in_the_listing(folder):
    work = WorkDir(folder)
    names = [file.name for file in work.files()]
    assert len(set(names)) == len(PATHS)
    found = set()
    for name in names:
        with work.open(name) as file:
            found.add(file.read())
    assert found == PATHS


@pytest.mark.parametrize(
    "name", [f"{MARK}2E{MARK}2E/x", f"{MARK}2Fetc", f"a{MARK}00", "../x", "\udcff", "x" * 256]
)
def test_name_of_no_file_is_refused(folder, name):
    with pytest.raises((BadRequestError, MissingError)):
        WorkDir(folder).open(name)


@given(st.binary())
def test_text_is_valid_and_leads_back_to_the_name(data):
    name = os.fsdecode(data)
    text = to_text(name)
    text.encode()
    assert from_text(text) == name


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters=MARK)))
def test_valid_name_stays_as_it_is(name):
    assert to_text(name) == name
