"""Cost estimates of machine groups."""

from __future__ import annotations

from typing import NamedTuple

from inductiva_widgets.formatting import format_cost
from inductiva_widgets.models.machines import HourlyCost, MachinePrice

Bounds = tuple[int | None, int | None]
"""The fewest and the most machines of a group."""


class HourlyRange(NamedTuple):
    """US dollars per hour with the fewest and with the most machines; None where not known."""

    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.high is None:
            return "at a cost that the service does not tell"
        amount = format_cost(self.high)
        if self.low not in (None, self.high):
            amount = f"{format_cost(self.low)} to {amount}"
        return f"about {amount} per hour"


class CostEstimate(NamedTuple):
    """US dollars per hour for the most machines that a group may have.

    Parameters
    ----------
    spot
        As spot machines; None where these are not offered.
    on_demand
        As machines that stay; None where these are not offered.
    """

    spot: float | None
    on_demand: float | None

    def __str__(self) -> str:
        return f"{format_cost(self.spot)} (spot), {format_cost(self.on_demand)} (on demand)"


def estimate(price: MachinePrice, bounds: Bounds) -> CostEstimate:
    """Return both costs of a group from the prices of one machine."""
    most = bounds[1]
    return CostEstimate(_times(price.preemptible_price, most), _times(price.on_demand_price, most))


def range_from_price(price: MachinePrice, bounds: Bounds, spot: bool | None) -> HourlyRange:
    """Return the cost of a group from the prices of one machine."""
    unit = price.preemptible_price if spot else price.on_demand_price
    return HourlyRange(*(_times(unit, machines) for machines in bounds))


def cost_from_service(
    told: HourlyCost | None, bounds: Bounds, *, may_be_free: bool
) -> HourlyRange | None:
    """Return the cost of a group in the service's own word.

    Parameters
    ----------
    told
        The service's word.
    bounds
        The fewest and the most machines.
    may_be_free
        Whether a cost of nothing is one. Elsewhere it may mean that no machine is up yet, and
        must not be shown to somebody who is about to start some.

    Returns
    -------
    HourlyRange or None
        None where that says nothing.
    """
    if told is None or told.max is None or not (told.max or may_be_free):
        return None
    low, high = bounds
    return HourlyRange(told.max if low == high else told.min, told.max)


def _times(unit: float | None, machines: int | None) -> float | None:
    return None if unit is None or machines is None else unit * machines
