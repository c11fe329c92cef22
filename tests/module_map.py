"""Draw CONTRIBUTING's picture of the packages and the imports between them.

`python -m tests.module_map` writes it, light and dark. The arrows are those that
`tests/unit/test_architecture.py` holds the code to, less those that follow from others; only where
each box stands is written here.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import NamedTuple

from tests.unit.test_architecture import PACKAGES

FOLDER = Path(__file__).parents[1] / "notebooks" / "images"
WIDTH, HEIGHT, MARGIN = 196, 54, 24
COLUMNS = (24, 256, 488, 720)
ROWS = (24, 122, 220, 318)
# Room: column, row, what it is for.
PLACES = {
    "widgets": (0, 0, "cards and tables"),
    "simulators": (1, 0, "what submits tasks"),
    "cli": (2, 0, "the command line"),
    "resources": (3, 0, "machine groups, costs"),
    "polling": (0, 1, "one poller a kernel"),
    "tasks": (1, 1, "tasks and lists of them"),
    "metrics": (2, 1, "numbers in logs"),
    "downloads": (0, 2, "any part of a remote zip"),
    "history": (1, 2, "what is kept, what is new"),
    "webrtc": (2, 2, "to a running task's machine"),
    "plots": (0, 3, "pictures of frames"),
    "frames": (1, 3, "tasks as DataFrames"),
    "server": (2, 3, "embedded server, a process"),
    "http": (3, 3, "one door for HTTP"),
}
# Every package may import these, so their arrows are left out.
GROUND = "errors · status · models · timing · config · formatting"


class Colours(NamedTuple):
    """What differs between the two pictures."""

    box: str
    edge: str
    text: str
    faint: str
    line: str
    page: str


THEMES = {
    "light": Colours("#ffffff", "#c3c9d4", "#1f2430", "#667085", "#8a93a5", "#2563eb"),
    "dark": Colours("#1c2029", "#434b5c", "#e6e9ef", "#9aa4b5", "#7b8598", "#6ea0ff"),
}


def arrows() -> set[tuple[str, str]]:
    """Return the drawn imports between packages, without those that follow from others."""
    uses = {package: PACKAGES[package] & PLACES.keys() for package in PLACES}

    def reach(package: str) -> set[str]:
        return uses[package].union(*(reach(other) for other in uses[package]))

    return {
        (package, other)
        for package in uses
        for other in uses[package]
        if not any(other in reach(between) for between in uses[package] - {other})
    }


def picture(colours: Colours) -> str:
    """Return the SVG text of the map."""
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 940 546" width="940" height="546" '
        'role="img" aria-label="The packages and the imports between them" '
        'font-family="ui-sans-serif, system-ui, Segoe UI, Helvetica, Arial, sans-serif">',
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        f'markerHeight="8" orient="auto"><path d="M0 0.6 7.2 4 0 7.4z" fill="{colours.line}"/>'
        f'</marker></defs><g transform="translate(0 78)">',
    ]
    parts += [_arrow(start, end, colours) for start, end in sorted(arrows())]
    parts += [
        _box(package, what, COLUMNS[column], ROWS[row], WIDTH, colours)
        for package, (column, row, what) in PLACES.items()
    ]
    whole = COLUMNS[-1] + WIDTH - COLUMNS[0]
    parts.append("</g>")
    parts.append(_box("js", "the page: Preact, TypeScript", COLUMNS[0], 8, WIDTH, colours, True))
    parts.append(
        f'<path d="M{COLUMNS[0] + WIDTH / 2} 64V100" stroke="{colours.page}" stroke-width="1.6"/>'
        f'<text x="{COLUMNS[0] + WIDTH / 2 + 10}" y="86" font-size="12" fill="{colours.faint}">'
        "twins: contract.ts, views.py</text>"
    )
    parts.append(
        _box("used by all", GROUND, COLUMNS[0], ROWS[-1] + 78 + HEIGHT + 34, whole, colours)
    )
    return "\n".join([*parts, "</svg>", ""])


def _box(
    name: str, what: str, x: float, y: float, width: float, colours: Colours, is_page: bool = False
) -> str:
    edge = colours.page if is_page else colours.edge
    middle = x + width / 2
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="8" fill="{colours.box}" '
        f'stroke="{edge}" stroke-width="1.2"/>'
        f'<text x="{middle}" y="{y + 23}" text-anchor="middle" font-size="15" font-weight="600" '
        f'fill="{colours.text}">{escape(name)}</text>'
        f'<text x="{middle}" y="{y + 42}" text-anchor="middle" font-size="12" '
        f'fill="{colours.faint}">{escape(what)}</text>'
    )


def _arrow(start: str, end: str, colours: Colours) -> str:
    (column, row, _), (to_column, to_row, _) = PLACES[start], PLACES[end]
    x, y, to_x, to_y = COLUMNS[column], ROWS[row], COLUMNS[to_column], ROWS[to_row]
    if row == to_row:
        rightwards = to_x > x
        x, to_x = (x + WIDTH, to_x) if rightwards else (x, to_x + WIDTH)
        y, to_y = y + HEIGHT / 2, to_y + HEIGHT / 2
    else:
        # Arrows that lean leave and arrive beside the middle, so that they meet at no one point.
        lean = (to_column > column) - (to_column < column)
        x, to_x = x + WIDTH / 2 + lean * 30, to_x + WIDTH / 2 - lean * 30
        y += HEIGHT
    return (
        f'<path d="M{x} {y}L{to_x} {to_y}" stroke="{colours.line}" stroke-width="1.4" '
        f'marker-end="url(#tip)"/>'
    )


def main() -> None:
    """Write the two pictures."""
    for theme, colours in THEMES.items():
        (FOLDER / f"module-map-{theme}.svg").write_text(picture(colours), encoding="utf-8")


if __name__ == "__main__":
    main()
