"""Chart colours, from the design tokens."""

from __future__ import annotations

from collections.abc import Sequence

from inductiva_widgets.design_tokens import TOKENS, hue, phase_colour, status_group
from inductiva_widgets.status import Status

PHASES = {name.capitalize(): phase_colour(name) for name in TOKENS.phases}
DURATIONS = tuple(phase_colour(name) for name in ("queue", "computing", "finalizing", "preparing"))
"""Colours of duration columns, a panel each."""
COST = hue("teal")
LINE = OTHER = hue(TOKENS.other)
UNFINISHED_OPACITY = 0.4
MAX_GROUPS = len(TOKENS.series)
"""Number of groups that can be distinguished by colour, "other" included."""
MAX_STATUSES = 6
"""Number of statuses that a chart names; the rest are summed up as "other"."""

_STATUS_HUES = {
    Status.STARTED: TOKENS.phases["preparing"],
    Status.COMPUTATION_ENDED: TOKENS.phases["finalizing"],
}
# For the second status of a group; those that no group has come first.
_FURTHER_HUES = ("orange", "teal", "violet", "sky", "magenta", "amber")


def group_colours(count: int, *, has_others: bool) -> list[str]:
    """Return the colours of groups, grey for the last if it is "other"."""
    names = [TOKENS.series[index % MAX_GROUPS] for index in range(count)]
    return [hue(name) for name in ([*names[:-1], TOKENS.other] if has_others else names)]


def status_colours(statuses: Sequence[Status]) -> list[str]:
    """Return the colours of at most ``MAX_STATUSES`` statuses, all different.

    The first status of a group has the colour of the group.
    """
    chosen: dict[Status, str] = {}
    for status in statuses:
        own = _STATUS_HUES.get(status, status_group(status.info.group).hue)
        if own not in chosen.values():
            chosen[status] = own
    free = (name for name in _FURTHER_HUES if name not in chosen.values())
    return [hue(chosen[status] if status in chosen else next(free)) for status in statuses]
