"""Options of the demo, and the marks of its tasks and answers."""

from __future__ import annotations

from typing import NamedTuple

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.models.tasks import DEMO_MARK

DEFAULT_SEED = 1
DEFAULT_SPEED = 10.0
SLOWEST, FASTEST = 1.0, 100.0

[(DEMO_KEY, DEMO_VALUE)] = DEMO_MARK.items()
"""Each task of the demo has this entry in its metadata, so that the mark travels with the task."""

DEMO_HEADER = "X-Inductiva-Widgets-Data"
"""Header by which the server of the demo says in each answer that all it has is made up."""


class DemoOptions(NamedTuple):
    """Which history to show, and how fast its live tasks go."""

    seed: int = DEFAULT_SEED
    speed: float = DEFAULT_SPEED

    def check(self) -> None:
        """Refuse a speed that nobody could follow.

        Raises
        ------
        LocalServerError
            It is out of bounds.
        """
        if not SLOWEST <= self.speed <= FASTEST:
            raise LocalServerError(
                f"The speed of the demo goes from {SLOWEST:g} to {FASTEST:g}, "
                f"{self.speed:g} is outside."
            )
