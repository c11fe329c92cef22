"""Chart colours with a contrast of at least 3:1 on light and dark."""

from __future__ import annotations

from collections.abc import Sequence

from inductiva_widgets.status import Status, StatusGroup

PHASES = {
    "Queue": "#b48a1c",
    "Preparing": "#6596cc",
    "Computing": "#1769c9",
    "Finalizing": "#8a6fc0",
    "Failed": "#d9453b",
}
OTHERS = "#7d8792"
_GROUPS = (
    "#3b82c4",
    "#d4782a",
    "#2a9d8f",
    "#8f74d2",
    "#c85a9a",
    "#8a8d2e",
    "#a9744f",
    "#4f9d4a",
)
MOST_GROUPS = len(_GROUPS)
"""How many groups can be told apart by their colour."""

# Statuses of one tone differ in their shade, so that a legend can name each.
_TONES: dict[StatusGroup, tuple[str, ...]] = {
    StatusGroup.PENDING: ("#c2821a", "#a07d1f"),
    StatusGroup.RUNNING: ("#6596cc", "#1769c9", "#8a6fc0"),
    StatusGroup.SUCCEEDED: ("#2f9e4f",),
    StatusGroup.FAILED: (
        "#d9453b",
        "#a84a2f",
        "#e8684f",
        "#c45a7a",
        "#b8443c",
        "#cc6f2e",
        "#a8507e",
        "#d1694f",
        "#b03a66",
    ),
    StatusGroup.STOPPED: ("#8b939d", "#6a727c"),
    StatusGroup.UNKNOWN: ("#a08a6a", "#7f7361"),
}


def group_colours(count: int, *, has_others: bool) -> list[str]:
    """Return the colours of groups, the last one grey where it stands for others."""
    colours = [_GROUPS[place % MOST_GROUPS] for place in range(count)]
    return [*colours[:-1], OTHERS] if has_others else colours


def status_colours(statuses: Sequence[Status]) -> list[str]:
    """Return the colours of statuses by their tones."""
    used: dict[StatusGroup, int] = {}
    colours = []
    for status in statuses:
        tone = status.info.group
        place = used.get(tone, 0)
        used[tone] = place + 1
        colours.append(_TONES[tone][place % len(_TONES[tone])])
    return colours
