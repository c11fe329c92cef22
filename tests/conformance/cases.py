"""Tasks to look at, made with our client past the recorder."""

from __future__ import annotations

from pathlib import Path

from inductiva_widgets.http import default_client
from inductiva_widgets.simulators import SWMM
from inductiva_widgets.tasks import Task
from tests.conformance.server import Served

CASES = Path(__file__).parents[2] / "notebooks" / "cases"
LONG = CASES / "swmm_long"
FAILING = CASES / "swmm_fail"


def make_short_storm(folder: Path, end: str = "01/12/2024") -> Path:
    """Write the storm case cut to its first days: a second or two instead of ten."""
    case = folder / "short_storm"
    case.mkdir()
    text = (CASES / "swmm_storm" / "model.inp").read_text()
    assert "01/31/2024" in text
    (case / "model.inp").write_text(text.replace("01/31/2024", end))
    return case


def start(served: Served, case: Path) -> Task:
    """Submit a case."""
    client = served.client()
    before = default_client._default
    default_client._default = client
    try:
        return SWMM().run(case)
    finally:
        default_client._default = before


def finish(served: Served, case: Path) -> Task:
    """Submit a case that ends well, and wait for its end."""
    task = start(served, case)
    status = task.wait(0.1, silent_mode=True, download_std_on_completion=False)
    assert status == "success", status
    return task
