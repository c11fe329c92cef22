"""Colours and symbols that widgets, static HTML, plots and the command line share.

``design_tokens.json`` is their only source: the front end's build reads the same file.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from inductiva_widgets.status import StatusGroup


class StatusGroupTokens(msgspec.Struct, frozen=True):
    """How a status group is drawn.

    Parameters
    ----------
    text, surface
        Text and background of its badge, in a light and in a dark theme.
    hue
        Its colour in plots, a key of ``DesignTokens.hues``.
    symbol
        The character that stands for its icon.
    terminal
        Its colour in a terminal, "" for the terminal's own.
    """

    text: tuple[str, str]
    surface: tuple[str, str]
    hue: str
    symbol: str
    terminal: str


class DesignTokens(msgspec.Struct, frozen=True):
    """The part of the design tokens that Python uses.

    Parameters
    ----------
    hues
        Colours of graphics, visible on light and dark backgrounds and distinguishable in pairs.
    series
        Hues of categories, in the order in which they are used.
    other
        Hue of what is summed up as other.
    phases
        Hues of the phases of a task, and of the phase in which it failed.
    status_groups
        How each status group is drawn.
    static_line
        Colour of frames and tracks in HTML without a style sheet.
    """

    hues: dict[str, str]
    series: tuple[str, ...]
    other: str
    phases: dict[str, str]
    status_groups: dict[StatusGroup, StatusGroupTokens]
    static_line: str


def _read() -> DesignTokens:
    path = Path(__file__).with_suffix(".json")
    return msgspec.json.decode(path.read_bytes(), type=DesignTokens)


TOKENS = _read()


def hue(name: str) -> str:
    """Return the colour of a hue."""
    return TOKENS.hues[name]


def phase_colour(name: str) -> str:
    """Return the colour of a phase, or of "failed"."""
    return hue(TOKENS.phases[name])


def status_group(group: StatusGroup) -> StatusGroupTokens:
    """Return how a status group is drawn."""
    return TOKENS.status_groups[group]
