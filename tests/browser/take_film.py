"""Make the README's moving picture: ``make pictures``.

As `take_pictures.py`, on the tests' fixtures: a real JupyterLab in which a real simulation runs,
its log grows, and its output files appear.
"""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

import inductiva_widgets as inductiva
from tests.browser.take_pictures import HERO_LIST, HERO_RUN, HERO_SETUP, ROOT, becomes, region

# Seconds from one frame to the next, and how long each is shown.
PACE, SHOWN = 0.4, 0.16
LAST_SHOWN = 4.0


@pytest.fixture
def other_tasks(local_server, tmp_path, monkeypatch):
    """Run what the list shows beside the storm: two short ones, and one that fails."""
    for name, value in local_server.items():
        monkeypatch.setitem(os.environ, name, value)
    inductiva.connect("local")
    swmm = inductiva.simulators.SWMM()
    cases = ROOT / "notebooks" / "cases"
    short = tmp_path / "short"
    shutil.copytree(cases / "swmm_storm", short)
    model = short / "model.inp"
    model.write_text(model.read_text().replace("01/31/2024", "01/14/2024"))
    for case, project in ((short, "sewers-2030"), (cases / "swmm_fail", None), (short, None)):
        swmm.run(case, project=project).wait(silent_mode=True)


class Film:
    """Frames of one part of a page."""

    def __init__(self, page, clip) -> None:
        self._page, self._clip = page, clip
        self.frames: list[Image.Image] = []

    def shoot(self) -> None:
        """Take one frame."""
        png = self._page.screenshot(clip=self._clip)
        self.frames.append(Image.open(io.BytesIO(png)).convert("RGB"))

    def shoot_for(self, seconds: float) -> None:
        """Take frames for a time."""
        for _ in range(round(seconds / PACE)):
            self._page.wait_for_timeout(PACE * 1000)
            self.shoot()

    def shoot_until(self, is_over) -> None:
        """Take frames until something has happened."""
        for _ in range(200):
            self.shoot_for(PACE)
            if is_over():
                return
        raise AssertionError("the scene does not end")

    def save(self, path: Path) -> None:
        """Write the frames as an animated image, without what they have in common."""
        times = [round(SHOWN * 1000)] * (len(self.frames) - 1) + [round(LAST_SHOWN * 1000)]
        self.frames[0].save(
            path, save_all=True, append_images=self.frames[1:], duration=times, loop=0,
            quality=82, method=6, minimize_size=True,
        )  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_take_the_readmes_film(open_notebook, page, lab, theme, other_tasks):
    page.set_viewport_size({"width": 1080, "height": 1000})
    page.emulate_media(reduced_motion="no-preference")
    name = lab.write(f"film_{theme}.ipynb", HERO_SETUP, HERO_RUN, HERO_LIST.replace("6", "4"))
    notebook = open_notebook(name, theme)
    notebook.run(0)
    first = page.locator(".jp-Notebook .jp-Cell").first.bounding_box()
    page.mouse.move(5, 5)
    # Narrow enough to be read in the README at its real size.
    clip = {"x": first["x"], "y": first["y"] - 6, "width": first["width"], "height": 860}
    film = Film(page, clip)
    film.shoot_for(0.8)
    notebook.start(1)
    storm = region(notebook, 1)
    expect(storm).to_be_visible(timeout=60_000)
    film.shoot()
    becomes(storm, "computation-started")
    notebook.start(2)
    film.shoot_for(1.2)
    storm.get_by_role("tab", name="Log").click()
    badge = storm.get_by_role("status").first
    film.shoot_until(lambda: badge.get_attribute("data-status") == "success")
    film.shoot_for(0.8)
    storm.get_by_role("tab", name="Outputs").click()
    expect(storm).to_contain_text("model.rpt")
    film.shoot_for(1.2)
    storm.get_by_text("model.rpt").first.click()
    film.shoot_for(1.6)
    film.save(ROOT / "notebooks" / "images" / f"film-{theme}.webp")
