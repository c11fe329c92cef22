"""File format of the history cache: columns as stored in memory, without parsing.

::

    magic and version, length of the header (4 bytes, little-endian), header (JSON),
    the blobs one after the other, SHA-256 of all the preceding bytes

A blob is an array of little-endian numbers or a JSON array of strings; the header has their names
and lengths. The content is untrusted: a file that does not match the format is corrupt.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

import msgspec
import numpy as np

from inductiva_widgets._atomic import AtomicFile
from inductiva_widgets.frames._columnar import (
    COUNTS,
    NUMBERS,
    TEXTS,
    TIMES,
    DictionaryColumn,
    TaskColumns,
)
from inductiva_widgets.history.cache import CachedListing, TaskRows

MAGIC = b"inductiva-history\n"
# Increased if the format changes, or the meaning of a column.
VERSION = 2

_START = MAGIC + VERSION.to_bytes(2, "little")
DIGEST = 32
"""Length of the checksum at the end of a file."""
_LENGTH = 4
# All rows were read at a time that Python can represent.
_FIRST_TIME, _LAST_TIME = np.datetime64("1970-01-01"), np.datetime64("9999-01-01")


class CorruptCacheError(Exception):
    """The file is damaged or was not written by this version."""


class CacheVersionError(CorruptCacheError):
    """The file was written by another version of this package."""


class _Header(msgspec.Struct):
    segments: tuple[int, ...]
    complete: bool
    as_of: datetime | None
    blobs: dict[str, int]


def write(file: IO[bytes] | AtomicFile, listing: CachedListing) -> None:
    """Write a listing column by column, to limit the memory.

    Parameters
    ----------
    file
        The output file.
    listing
        The listing.
    """
    digest = hashlib.sha256()

    def put(part: Any) -> None:
        digest.update(part)
        file.write(part)

    # Strings are encoded, as their lengths are needed; arrays are not copied.
    blobs = [(name, _flat(content)) for name, content in _blobs(listing.rows)]
    lengths = {name: len(blob) for name, blob in blobs}
    header = msgspec.json.encode(
        _Header(listing.segments, listing.complete, listing.as_of, lengths)
    )
    put(_START)
    put(len(header).to_bytes(_LENGTH, "little"))
    put(header)
    for _, blob in blobs:
        put(blob)
    file.write(digest.digest())


def read(content: bytes) -> CachedListing:
    """Parse the content of a file.

    Parameters
    ----------
    content
        The whole file.

    Raises
    ------
    CorruptCacheError
        If the file is damaged or of another version.
    """
    if content.startswith(MAGIC) and not content.startswith(_START):
        raise CacheVersionError
    body = memoryview(content)[:-DIGEST]
    if hashlib.sha256(body).digest() != content[-DIGEST:]:
        raise CorruptCacheError
    try:
        return _read(body)
    except KeyError as error:
        # A version with fewer columns has written the file.
        raise CacheVersionError from error
    # The checksum is right, but the file was not written by this package.
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise CorruptCacheError from error


def _read(body: memoryview) -> CachedListing:
    start = len(_START) + _LENGTH
    if body[: len(_START)] != _START:
        raise CorruptCacheError
    stop = start + int.from_bytes(body[len(_START) : start], "little")
    header = msgspec.json.decode(body[start:stop], type=_Header)
    blobs: dict[str, memoryview] = {}
    for name, length in header.blobs.items():
        start, stop = stop, stop + length
        blobs[name] = body[start:stop]
    if stop != len(body):
        raise CorruptCacheError
    rows = _rows(blobs)
    if sum(header.segments) != len(rows) or min(header.segments, default=1) < 1:
        raise CorruptCacheError
    return CachedListing(rows, header.segments, header.complete, header.as_of)


def _blobs(rows: TaskRows) -> Iterator[tuple[str, Any]]:
    fields = rows.fields
    yield "ids", fields.ids
    yield "settled", rows.final.astype("<u1")
    for name in TEXTS:
        text = _compact(fields.texts[name])
        yield f"{name} texts", list(text.values)
        yield f"{name} codes", text.codes.astype("<i4", copy=False)
    for name in TIMES:
        yield f"{name} time", fields.times[name].astype("<M8[us]", copy=False).view("<i8")
    for name in NUMBERS:
        yield f"{name} number", fields.numbers[name].astype("<f8", copy=False)
    for name in COUNTS:
        yield f"{name} count", fields.counts[name].astype("<i8", copy=False)


def _compact(text: DictionaryColumn) -> DictionaryColumn:
    """Return a column without unused values."""
    if text.in_use.all():
        return text
    # The last item is for code -1.
    used = np.append(text.in_use, np.False_)
    new_codes = np.where(used, np.cumsum(used) - 1, -1).astype(np.int32)
    values = tuple(itertools.compress(text.values, text.in_use))
    return DictionaryColumn(new_codes[text.codes], values)


def _flat(content: Any) -> Any:
    if isinstance(content, list):
        return msgspec.json.encode(content)
    return np.ascontiguousarray(content).view(np.uint8).data


def _rows(blobs: dict[str, memoryview]) -> TaskRows:
    ids = msgspec.json.decode(blobs["ids"], type=list[str])

    def array(name: str, kind: str) -> Any:
        values = np.frombuffer(blobs[name], dtype=kind)
        if len(values) != len(ids):
            raise CorruptCacheError
        return values

    def text(name: str) -> DictionaryColumn:
        values = tuple(msgspec.json.decode(blobs[f"{name} texts"], type=list[str]))
        codes = array(f"{name} codes", "<i4")
        if len(codes) and not -1 <= codes.min() <= codes.max() < len(values):
            raise CorruptCacheError
        return DictionaryColumn(codes, values)

    if len(set(ids)) < len(ids):
        raise CorruptCacheError
    fields = TaskColumns(
        ids=ids,
        texts={name: text(name) for name in TEXTS},
        times={name: array(f"{name} time", "<i8").view("<M8[us]") for name in TIMES},
        numbers={name: array(f"{name} number", "<f8") for name in NUMBERS},
        counts={name: array(f"{name} count", "<i8") for name in COUNTS},
    )
    read_at = fields.times["read_at"]
    if not ((read_at >= _FIRST_TIME) & (read_at < _LAST_TIME)).all():
        raise CorruptCacheError
    return TaskRows(fields, array("settled", "<u1") > 0)
