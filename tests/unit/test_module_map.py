"""CONTRIBUTING's picture of the packages is the one that the code's arrows give."""

import xml.etree.ElementTree as ET

import pytest

from tests.module_map import FOLDER, PLACES, THEMES, arrows, picture
from tests.unit.test_architecture import PACKAGES


@pytest.mark.parametrize("theme", THEMES)
def test_stored_picture_is_that_of_the_arrows(theme):
    stored = (FOLDER / f"module-map-{theme}.svg").read_text(encoding="utf-8")
    assert stored == picture(THEMES[theme]), "draw it anew with: python -m tests.module_map"
    ET.fromstring(stored)


def test_every_arrow_between_the_rooms_is_drawn_or_follows_from_those_drawn():
    drawn = arrows()

    def reach(room):
        ahead = {other for start, other in drawn if start == room}
        return ahead.union(*(reach(other) for other in ahead))

    for room in PLACES:
        assert reach(room) == _all_below(room)


def _all_below(room):
    below = PACKAGES[room] & PLACES.keys()
    return below.union(*(_all_below(other) for other in below))
