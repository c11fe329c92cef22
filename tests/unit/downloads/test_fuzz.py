"""Damaged archives, thousands of them: success or an `ArchiveError`, and never anything else."""

from __future__ import annotations

import functools
import struct
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inductiva_widgets.downloads import _decompress
from inductiva_widgets.downloads._decompress import EntryDecoder
from inductiva_widgets.downloads._safe_paths import assign_paths
from inductiva_widgets.downloads.zip_directory import LOCAL_HEADER, read_central_directory
from inductiva_widgets.errors import ArchiveError
from tests.unit.downloads.archives import make_zip, noise, text
from tests.unit.downloads.malicious_zips import Entry, build
from tests.unit.downloads.test_zip_directory import Memory

ENTRIES = {"a/": b"", "a/x.txt": text(300), "é\\b": noise(40), "A": b"", "zeros": bytes(5000)}
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
# Values that parsers stumble over.
EDGES = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF]
SIGNATURES = [b"PK\1\2", b"PK\3\4", b"PK\5\5", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\7\x08"]

quick = settings(
    max_examples=200,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@functools.cache
def seeds():
    made = [
        make_zip(ENTRIES, method, stream=stream, zip64=zip64, comment=b"comment")
        for method in METHODS
        for stream, zip64 in [(False, False), (True, False), (False, True)]
    ]
    path = struct.pack("<2HBL", 0x7075, 10, 1, 0) + b"other"
    return [*made, build(Entry(b"\x81", text(100), 8, extra=path), "b", comment=b"PK\5\6")]


@st.composite
def damaged(draw):
    """Return an archive with a few changes: flips, values, cuts, repetitions, insertions."""
    data = bytearray(draw(st.sampled_from(seeds())))
    for _ in range(draw(st.integers(1, 5))):
        # The headers stand at both ends, and little in between matters.
        at = draw(st.integers(0, max(0, len(data) - 1)))
        at = max(0, len(data) - 1 - at % 400) if draw(st.booleans()) else at
        kind = draw(st.sampled_from(["flip", "value", "cut", "splice", "insert", "mark", "end"]))
        if kind == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "value":
            width = draw(st.sampled_from([1, 2, 4, 8]))
            value = draw(st.sampled_from(EDGES)) & ((1 << 8 * width) - 1)
            data[at : at + width] = value.to_bytes(width, "little")
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 60))]
        elif kind == "splice":
            other = draw(st.sampled_from(seeds()))
            start = draw(st.integers(0, len(other)))
            data[at : at + 50] = other[start : start + draw(st.integers(0, 100))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=30))
        elif kind == "mark":
            data[at : at + 4] = draw(st.sampled_from(SIGNATURES))
        else:
            del data[at:]
    return bytes(data)


def decode(data, member):
    """Decode a member in pieces, no more than it declares; return why it failed, if it did."""
    try:
        _decode(data, member)
    except ArchiveError as exc:
        return str(exc)
    return None


def _decode(data, member):
    given_out = 0

    def sink(piece):
        nonlocal given_out
        assert len(piece) <= _decompress.PIECE
        given_out += len(piece)
        assert given_out <= member.size

    decoder = EntryDecoder(member, sink)
    at = member.offset
    while at < member.read_limit and not decoder.done:
        used = decoder.feed(data[at : min(at + 97, member.read_limit)])
        assert used > 0  # or it would go on for ever
        at += used


@quick
@given(damaged())
def test_damaged_archives(data):
    try:
        members = read_central_directory(Memory(data)).entries
    except ArchiveError:
        return
    assert all(0 <= m.offset <= m.offset + LOCAL_HEADER.size <= m.end for m in members)
    assert all(m.end <= len(data) for m in members)
    for member in members:
        error = decode(data, member)
        assert error is None or error.startswith(f"Entry {member.name!r} ")


@pytest.mark.parametrize("method", METHODS)
@quick
@given(
    at=st.integers(0, 10_000), value=st.integers(0, 255), size=st.sampled_from([0, 1, 300, 1 << 40])
)
def test_damaged_data(method, at, value, size):
    """One byte anywhere, the first of which are what the codecs set themselves up by."""
    data = bytearray(make_zip({"a": text(300)}, method))
    member = read_central_directory(Memory(bytes(data))).entries[0]
    place = member.offset + 31 + at % (12 if at % 2 else member.compressed_size)
    data[place] = value
    member.size = size if method != zipfile.ZIP_STORED else member.size
    error = decode(bytes(data), member)
    assert error is None or error.startswith("Entry 'a' ")


def test_every_lzma_property_byte_is_decoded_or_refused():
    """Some that the format allows are known to no library, which fails in a way of its own."""
    data = bytearray(make_zip({"a": text(300)}, zipfile.ZIP_LZMA))
    member = read_central_directory(Memory(bytes(data))).entries[0]
    place = member.offset + LOCAL_HEADER.size + len("a") + 4  # behind version and length
    assert decode(bytes(data), member) is None
    for properties in range(256):
        data[place] = properties
        error = decode(bytes(data), member)
        assert error is None or error.startswith("Entry 'a' ")


part = st.one_of(
    st.sampled_from(
        ["", ".", "..", "...", "a", "A", "a.", "a ", "é", "e\u0301", "a:b", "con", "NUL.txt", "~1",
         "a~1", "a~2", "x" * 300, "ü" * 200, ".inductiva-download", ".Inductiva-Download", "a?",
         "a*", "\u202e", "\u200c", "C:", "-", "_", "a_"]
    ),
    st.text("aA.~1 /:\\é\0", max_size=4),
)  # fmt: skip
name = st.builds(
    lambda parts, slash, tail: slash.join(parts) + tail,
    st.lists(part, min_size=1, max_size=5),
    st.sampled_from(["/", "/", "\\"]),
    st.sampled_from(["", "", "", "/", "\\"]),
)


@quick
@given(names=st.lists(name, max_size=12), fold=st.booleans(), windows=st.booleans())
def test_every_name_has_a_safe_place_of_its_own_or_none(names, fold, windows):
    layout = assign_paths(names, fold_case=fold, windows=windows)
    assert layout.paths.keys() | layout.refused.keys() == set(names)
    assert not layout.paths.keys() & layout.refused.keys()
    files, folders = [], set()
    for one, path in layout.paths.items():
        parts = path.split("/") if path else []
        for this in parts:
            assert this not in {"", ".", ".."}
            assert len(this.encode("utf-8", "replace")) <= 255
            assert not set(this) & set('<>:"|?*\\\0')
            assert not windows or this == this.rstrip(" .")
        assert not parts or parts[0].lower() != ".inductiva-download"
        is_dir = one.endswith(("/", "\\"))
        if not is_dir:
            assert parts
            files.append(path)
        above = parts if is_dir else parts[:-1]
        folders.update("/".join(above[: i + 1]) for i in range(len(above)))
    keys = [path.casefold() if fold else path for path in files]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & {folder.casefold() if fold else folder for folder in folders}
    # In whatever order and however often: a name keeps its place from call to call.
    assert assign_paths(names + names, fold_case=fold, windows=windows) == layout
