"""Design tokens: contrast, and differences that people with colour blindness see as well."""

import json
import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import inductiva_widgets
from inductiva_widgets.design_tokens import TOKENS, hue, phase_colour
from inductiva_widgets.plots import _palette
from inductiva_widgets.status import KNOWN_STATUSES, Status, StatusGroup
from inductiva_widgets.widgets.static_html.markup import status_colour

PACKAGE = Path(inductiva_widgets.__file__).parent
# Pages and cells of JupyterLab, Visual Studio Code and our own dark theme.
PAGES = {"light": ["#ffffff"], "dark": ["#111111", "#15191f", "#1f1f1f", "#212121"]}
MIN_DIFFERENCE = 10
# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
# Deficiency", IEEE TVCG 15 (2009), severity 1.0: factors of linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# IEC 61966-2-1: from linear sRGB to XYZ.
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE_D65 = np.array([0.95047, 1.0, 1.08883])

GRAPHICS = [hue(name) for name in TOKENS.hues]
BADGES = [
    pytest.param(group, theme, id=f"{group.value}-{theme}")
    for group in StatusGroup
    for theme in range(2)
]


def linear_rgb(colour):
    parts = np.array([int(colour[index : index + 2], 16) for index in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(first, second):
    dark, light = sorted(float(XYZ[1] @ linear_rgb(colour)) for colour in (first, second))
    return (light + 0.05) / (dark + 0.05)


def lab(colour, vision):
    xyz = XYZ @ np.clip(VISIONS[vision] @ linear_rgb(colour), 0, 1) / WHITE_D65
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(first, second, vision):
    """Return the CIE 1976 difference of two colours."""
    return float(np.linalg.norm(lab(first, vision) - lab(second, vision)))


def too_similar(colours):
    return [
        (first, second, vision, round(difference(first, second, vision), 1))
        for first, second in combinations(colours, 2)
        for vision in VISIONS
        if difference(first, second, vision) < MIN_DIFFERENCE
    ]


def test_difference_of_black_and_white_is_100_in_every_vision():
    for vision in VISIONS:
        assert difference("#000000", "#ffffff", vision) == pytest.approx(100, abs=0.1)


def test_red_and_green_are_similar_with_deuteranopia_only():
    pair = ("#c65040", "#808030")
    assert difference(*pair, "deuteranopia") < difference(*pair, "normal") / 2


def test_graphics_of_one_picture_differ_in_every_vision():
    assert too_similar(GRAPHICS) == []


@pytest.mark.parametrize("theme", [0, 1], ids=list(PAGES))
def test_status_groups_differ_in_every_vision(theme):
    assert too_similar([group.text[theme] for group in TOKENS.status_groups.values()]) == []


def test_status_groups_have_symbols_of_their_own():
    symbols = [group.symbol for group in TOKENS.status_groups.values()]
    assert len(set(symbols)) == len(StatusGroup) == len(symbols)


@pytest.mark.parametrize("page", [page for pages in PAGES.values() for page in pages])
def test_graphics_have_contrast_on_light_and_dark_pages(page):
    assert [colour for colour in GRAPHICS if contrast(colour, page) < 3] == []


@pytest.mark.parametrize(("group", "theme"), BADGES)
def test_text_of_badge_is_readable_on_badge_and_page(group, theme):
    badge = TOKENS.status_groups[group]
    grounds = [badge.surface[theme], *list(PAGES.values())[theme]]
    assert min(contrast(badge.text[theme], ground) for ground in grounds) >= 4.5


@pytest.mark.parametrize("group", StatusGroup)
def test_static_badge_is_readable(group):
    assert contrast("#ffffff", status_colour(group)) >= 4.5


def test_phases_have_colours():
    assert [*TOKENS.phases] == ["queue", "preparing", "computing", "finalizing", "failed"]
    assert len({phase_colour(name) for name in TOKENS.phases}) == len(TOKENS.phases)


@pytest.mark.parametrize("count", range(1, _palette.MAX_STATUSES + 1))
def test_statuses_of_one_chart_have_different_colours(count):
    statuses = [*map(Status, KNOWN_STATUSES), Status("new-1"), Status("new-2")]
    for named in combinations(statuses, count):
        colours = _palette.status_colours(named)
        assert len({*colours, _palette.OTHER}) == count + 1, named


def test_first_status_of_a_group_has_the_colour_of_the_group():
    named = [Status.SUCCESS, Status.FAILED, Status.ZOMBIE, Status.KILLED]
    green, red, other_red, grey = _palette.status_colours(named)
    assert (green, red, grey) == (hue("green"), hue("red"), hue("slate"))
    assert other_red not in (green, red, grey)


def test_python_names_no_colour_of_its_own():
    pattern = re.compile(r"""#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}[;"']|rgba?\(""")
    found = [
        f"{path.relative_to(PACKAGE)}: {match}"
        for path in PACKAGE.rglob("*.py")
        for match in pattern.findall(path.read_text(encoding="utf-8"))
        if match != "#fff;"
    ]
    assert found == []


def test_every_token_is_read_by_python_or_the_front_end():
    names = json.loads((PACKAGE / "design_tokens.json").read_text(encoding="utf-8"))
    front_end = {"theme", "sizes", "icons"}
    assert set(names) == set(TOKENS.__struct_fields__) | front_end
