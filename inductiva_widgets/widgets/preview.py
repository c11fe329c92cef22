"""Preview of an output file, from the first bytes in the archive.

Output files may have any content. The kind of preview depends on the content; the extension only
selects the kind of text. Nothing is executed, and each kind has a size limit.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, BinaryIO, TypedDict

from inductiva_widgets.errors import InputError
from inductiva_widgets.formatting import format_bytes
from inductiva_widgets.widgets import content_sniffing

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task import Task

TEXT_BUDGET = 256 * 1024
IMAGE_BUDGET = 2 * 1024 * 1024
HEX_BUDGET = 4 * 1024
# A small file may decompress to a huge image in the browser.
_MAX_PIXELS = 64_000_000
_JSON = frozenset({"json", "geojson", "ipynb"})


class PreviewView(TypedDict, total=False):
    """Preview of a file. ``PreviewView`` in TypeScript has the fields of each kind."""

    kind: str
    name: str
    size: int
    note: str
    text: str
    columns: list[str]
    rows: list[list[str]]
    mime: str
    data: str


def preview(task: Task, name: object) -> PreviewView:
    """Return a preview of an output file. Thread-safe.

    Parameters
    ----------
    task
        The task.
    name
        Name of the file in the output archive.

    Raises
    ------
    InputError
        The archive has no such file.
    TaskError
        The task has no output.
    ArchiveError
        The file is encrypted, damaged, or has an unsupported compression.

    Notes
    -----
    Requests: 1 to 3, and 2 or 3 more to open the archive the first time.
    """
    if not isinstance(name, str):
        raise InputError("A request 'preview' must have the `name` of a file.")
    with task.open_output(name) as file:
        size = file.seek(0, 2)
        file.seek(0)
        view = _preview(file, name.rpartition("/")[2], size)
    view["name"], view["size"] = name, size
    return view


def _preview(file: BinaryIO, name: str, size: int) -> PreviewView:
    head = file.read(HEX_BUDGET)
    if not head:
        return {"kind": "none", "note": "The file is empty."}
    mime = content_sniffing.image_type(head)
    if mime:
        return _image(file, head, mime, size)
    is_whole = len(head) == size
    if content_sniffing.decode(head, is_whole=is_whole) is not None:
        data = head + file.read(TEXT_BUDGET - len(head))
        is_whole = len(data) == size
        decoded = content_sniffing.decode(data, is_whole=is_whole)
        if decoded is not None:
            return _text(*decoded, name, size, is_whole=is_whole)
    rest = "" if is_whole else f": {_first(HEX_BUDGET, size)}"
    return {"kind": "hex", "note": f"No text{rest}", "text": content_sniffing.hex_lines(head)}


def _image(file: BinaryIO, head: bytes, mime: str, size: int) -> PreviewView:
    what = mime.partition("/")[2].upper()
    width, height = content_sniffing.image_size(head, mime)
    if width * height > _MAX_PIXELS:
        note = f"A {what} picture of {width:,} by {height:,} pixels: too many to show here."
        return {"kind": "none", "note": note}
    if size > IMAGE_BUDGET:
        note = f"A {what} picture of {_bytes(size)}: only those up to {_bytes(IMAGE_BUDGET)} are"
        return {"kind": "none", "note": f"{note} shown here. Download it to view it."}
    data = base64.b64encode(head + file.read(IMAGE_BUDGET - len(head))).decode()
    return {"kind": "image", "note": "", "mime": mime, "data": data}


def _text(text: str, encoding: str, name: str, size: int, *, is_whole: bool) -> PreviewView:
    notes = [] if is_whole else [_first(TEXT_BUDGET, size)]
    notes += [f"read as {encoding}"] if encoding != "UTF-8" else []
    extension = name.rpartition(".")[2].lower()
    is_named_json = extension in _JSON
    if is_named_json or (is_whole and text.lstrip()[:1] in {"{", "["}):
        error = _json_error(text) if is_whole else ""
        formatted = None if error else content_sniffing.pretty_json(text)
        if formatted is not None:
            return {
                "kind": "json",
                "note": ", ".join(notes),
                "text": content_sniffing.escape_controls(formatted),
            }
        if error and is_named_json:
            notes.append(f"not valid JSON: {error}")

    table = content_sniffing.parse_table(text, extension, is_whole=is_whole)
    if table is not None:
        note = ", ".join([*table.notes, *notes])
        return {"kind": "table", "note": note, "columns": table.columns, "rows": table.rows}
    return {
        "kind": "text",
        "note": ", ".join(notes),
        "text": content_sniffing.escape_controls(text),
    }


def _json_error(text: str) -> str:
    """Return the error of invalid JSON, or ""."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.msg}, line {error.lineno}"
    except (RecursionError, ValueError):
        # The parser gives up at deep nesting or long numbers, which are valid.
        return ""
    return ""


def _first(budget: int, size: int) -> str:
    return f"first {_bytes(budget)} of {_bytes(size)}"


def _bytes(size: int) -> str:
    return format_bytes(size).replace(".00 ", " ")
