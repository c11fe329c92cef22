"""A look into an output file where it lies: a few of its bytes, shown as what they are.

Files come from simulations, so anything may be in them: the content decides what is shown, the
name only between kinds of text, nothing is executed, and every kind has its budget.
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
# What a browser would have to unfold, whatever few bytes the picture comes in.
_PIXELS = 64_000_000
_JSON = frozenset({"json", "geojson", "ipynb"})


class PreviewView(TypedDict, total=False):
    """A look into a file; the page's ``PreviewView`` says which kind has which of the last five."""

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
    """Return a look into an output file.

    Costs one to three requests, two or three more where nothing of the archive was read before.
    Thread-safe.

    Parameters
    ----------
    task
        The task.
    name
        Name of the file in the output archive.

    Raises
    ------
    InputError
        The archive has no such file; close matches are named.
    TaskError
        There is no output, the reason given.
    ArchiveError
        The file is encrypted, damaged, or compressed in an unknown way.
    """
    if not isinstance(name, str):
        raise InputError("Choose a file.")
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
    if width * height > _PIXELS:
        note = f"A {what} picture of {width:,} by {height:,} pixels: too many to show here."
        return {"kind": "none", "note": note}
    if size > IMAGE_BUDGET:
        note = f"A {what} picture of {_bytes(size)}: only those up to {_bytes(IMAGE_BUDGET)} are"
        return {"kind": "none", "note": f"{note} shown here. Download it to look at it."}
    data = base64.b64encode(head + file.read(IMAGE_BUDGET - len(head))).decode()
    return {"kind": "image", "note": "", "mime": mime, "data": data}


def _text(text: str, encoding: str, name: str, size: int, *, is_whole: bool) -> PreviewView:
    notes = [] if is_whole else [_first(TEXT_BUDGET, size)]
    notes += [f"read as {encoding}"] if encoding != "UTF-8" else []
    extension = name.rpartition(".")[2].lower()
    is_named_json = extension in _JSON
    if is_named_json or (is_whole and text.lstrip()[:1] in {"{", "["}):
        wrong = _json_error(text) if is_whole else ""
        laid = None if wrong else content_sniffing.pretty_json(text)
        if laid is not None:
            return {
                "kind": "json",
                "note": ", ".join(notes),
                "text": content_sniffing.escape_controls(laid),
            }
        if wrong and is_named_json:
            notes.append(f"not valid JSON: {wrong}")

    table = content_sniffing.parse_table(text, extension, is_whole=is_whole)
    if table is not None:
        columns, rows, said = table
        note = ", ".join([*said, *notes])
        return {"kind": "table", "note": note, "columns": columns, "rows": rows}
    return {
        "kind": "text",
        "note": ", ".join(notes),
        "text": content_sniffing.escape_controls(text),
    }


def _json_error(text: str) -> str:
    """Return why a text is no JSON, empty where it is."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.msg}, line {error.lineno}"
    except (RecursionError, ValueError):
        return ""  # nested too deeply, or with endless numbers: valid for all we know
    return ""


def _first(budget: int, size: int) -> str:
    return f"first {_bytes(budget)} of {_bytes(size)}"


def _bytes(size: int) -> str:
    return format_bytes(size).replace(".00 ", " ")
