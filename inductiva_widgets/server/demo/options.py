"""Options of the demo, and the marks of its tasks and responses."""

from __future__ import annotations

from typing import NamedTuple

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.models.tasks import DEMO_MARK

DEFAULT_SEED = 1
DEFAULT_SPEED = 10.0
SLOWEST, FASTEST = 1.0, 100.0

[(DEMO_KEY, DEMO_VALUE)] = DEMO_MARK.items()
"""Metadata entry that marks each task of the demo, also in copies of the task."""

DEMO_HEADER = "X-Inductiva-Widgets-Data"
"""Header that marks each response of the demo as synthetic."""


class DemoOptions(NamedTuple):
    """Seed of the history, and speed of the live tasks."""

    seed: int = DEFAULT_SEED
    speed: float = DEFAULT_SPEED

    def check(self) -> None:
        """Check the limits of the speed.

        Raises
        ------
        LocalServerError
            The speed is out of bounds.
        """
        if not SLOWEST <= self.speed <= FASTEST:
            raise LocalServerError(
                f"The speed of the demo goes from {SLOWEST:g} to {FASTEST:g}, "
                f"{self.speed:g} is outside."
            )
