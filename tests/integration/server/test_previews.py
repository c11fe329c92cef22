"""Output files of a real task on a real server, looked into and listed as a widget does."""

from __future__ import annotations

import base64
import json
import struct
import zlib

import pytest

from inductiva_widgets import connect
from inductiva_widgets.errors import InputError
from inductiva_widgets.tasks import Task
from inductiva_widgets.widgets import OutputsWidget
from inductiva_widgets.widgets.preview import TEXT_BUDGET, preview
from tests.integration.server.conftest import RUN_SWMM, case_files


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\xff"))
    + _chunk(b"IEND", b"")
)
HOSTILE = (
    "<img src=x onerror=alert(1)>.txt",
    "\"double\" 'single' `back` $(touch x).txt",
    "\u202egnp.txt",
    "bell\u0007 escape\u001b[31m.txt",
    "x" * 200 + ".txt",
    "*.txt",
    "[a-z].txt",
)
FILES: dict[str, str | bytes] = {
    "waves.csv": "t,h\n" + "".join(f"{n},{n / 2}\n" for n in range(1000)),
    "state.json": '{"step": 1.50, "done": true}',
    "plot.png": PNG,
    "frame.bin": bytes(range(256)) * 4000,
    "long.log": "a line of a log\n" * 100_000,
    "gauge.dat": "".join(f" {n:5d}  {n / 7:12.5E}\n" for n in range(50)),
    "deep/er/still/words.txt": "words",
    **{f"hostile/{name}": f"this is {name!r}" for name in HOSTILE},
}


@pytest.fixture(scope="module")
def task(shared):
    # What comes with the input and stays is part of the output, which spares a program that writes.
    task_id = shared.run(RUN_SWMM, files=case_files("swmm_storm", "01/02/2024") | FILES)
    shared.wait(task_id)
    return Task(task_id, client=connect(shared.url, api_key=shared.key))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("waves.csv", "table"),
        ("state.json", "json"),
        ("plot.png", "image"),
        ("frame.bin", "hex"),
        ("long.log", "text"),
        ("gauge.dat", "table"),
        ("deep/er/still/words.txt", "text"),
    ],
)
def test_each_kind_of_file_is_shown_as_what_it_is(task, name, kind):
    view = preview(task, name)
    content = FILES[name]
    assert (view["kind"], view["name"]) == (kind, name)
    assert view["size"] == len(content)
    json.dumps(view)


def test_content_is_that_of_the_files(task):
    assert preview(task, "waves.csv")["rows"][:2] == [["0", "0.0"], ["1", "0.5"]]
    assert preview(task, "waves.csv")["note"] == "first 200 of 1,000 rows"
    assert preview(task, "state.json")["text"] == '{\n  "step": 1.50,\n  "done": true\n}'
    assert base64.b64decode(preview(task, "plot.png")["data"]) == PNG
    log = preview(task, "long.log")
    assert len(log["text"]) == TEXT_BUDGET - 1  # without the last line break
    assert log["note"] == "first 256 KiB of 1.53 MiB"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_names_of_files(task, name):
    assert preview(task, f"hostile/{name}")["text"].startswith("this is ")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "hostile", "hostile/", "", "*", "deep/er/*"]
)
def test_what_is_no_output_file_is_refused(task, name):
    with pytest.raises(InputError, match="The archive has no"):
        preview(task, name)


def test_folders_that_are_chosen_are_downloaded_whole(task, tmp_path):
    widget = OutputsWidget(task, chosen=["hostile/", "waves.csv"])
    assert sorted(widget.selected) == sorted(
        ["waves.csv", *(f"hostile/{name}" for name in HOSTILE)]
    )
    with pytest.warns(UserWarning, match="Stored with a different name"):
        folder = task.download_outputs(widget.chosen, tmp_path, _quiet=True)
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert len([path for path in found if path.parent.name == "hostile"]) == len(HOSTILE)
    assert (folder / "waves.csv").read_text() == FILES["waves.csv"]
