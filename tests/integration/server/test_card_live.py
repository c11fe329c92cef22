"""What a card reads of a running program by itself and by a watch, on the real server."""

from __future__ import annotations

import json

import pytest

from tests.integration.server.conftest import until
from tests.integration.server.test_card_logs import Card

SOLVE = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
for step in range(1, 41):
    print(f"step {step} residual {'nan' if step == 7 else 1 / step}", flush=True)
pathlib.Path("vtk").mkdir()
pathlib.Path("vtk/a.vtk").write_bytes(bytes(12))
while not (folder / "end").exists():
    time.sleep(0.02)
print("step 41 residual 0.001")
"""
RESIDUAL = r"residual\s+(?P<residual>\S+)"


@pytest.fixture
def card(shared, tmp_path, monkeypatch):
    """Return a card in sight of a program that has printed, and waits to be ended."""
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", None)
    task_id = shared.run(f"python solve.py {tmp_path}", files={"solve.py": SOLVE})
    shared.wait(task_id, "computation-started")
    card = Card(shared, task_id)
    card.ask("visible", view="a", is_visible=True)
    yield card
    (tmp_path / "end").touch()
    shared.wait(task_id)
    card.widget.close()


def series(card):
    live = card.widget.log_metrics
    return {one["name"]: one for one in live["series"]} if live else {}


def test_card_reads_by_itself_as_its_simulator_prints(card):
    until(
        lambda: card.widget.log_metrics and card.widget.log_metrics["last_output"],
        "the last output",
    )
    # The server takes the program for SWMM, whose percentages it does not print.
    assert card.widget.log_metrics["source"] == "SWMM progress"
    assert series(card) == {}


def test_card_shows_a_watch_from_its_beginning_to_the_end_of_the_task(card, tmp_path, shared):
    watch = card.widget.task.watch(RESIDUAL, notify=True)
    until(
        lambda: card.widget.log_metrics and card.widget.log_metrics["samples"] == 40,
        "forty samples",
    )
    residual = series(card)["residual"]
    assert (residual["last"], residual["high"]) == (1 / 40, 1.0)
    json.dumps(card.widget.log_metrics, allow_nan=False)
    assert card.widget.notify is True

    (tmp_path / "end").touch()
    shared.wait(card.widget.task.id)
    until(lambda: not card.widget.log_metrics["can_grow"], "the end of the reading")
    assert series(card)["residual"]["last"] == 0.001
    assert watch.is_finished


def test_files_of_a_running_task_come_with_sizes_and_times(card):
    def listed():
        files = {file["name"]: file for file in card.ask("files")["files"]}
        return files if "vtk/a.vtk" in files and files["stdout.txt"]["size"] else None

    files = until(listed, "the files")
    assert files["vtk/a.vtk"]["size"] == 12
    now = card.ask("files")["as_of"]
    assert 0 <= now - files["vtk/a.vtk"]["modified"] < 60_000


def test_any_text_file_of_a_running_task_is_read_like_a_log(card):
    view = until(lambda: card.log("solve.py"), "a file")
    assert view["text"].startswith("\nimport pathlib")
    assert view["edition"] != ""
