"""Cost estimates of machine groups."""

from __future__ import annotations

from typing import NamedTuple

from inductiva_widgets.formatting import format_cost
from inductiva_widgets.models.machines import HourlyCost, MachinePrice
from inductiva_widgets.models.tasks import is_usd

Bounds = tuple[int | None, int | None]
"""Minimum and maximum number of machines of a group."""


class HourlyRange(NamedTuple):
    """US dollars per hour for the minimum and the maximum number of machines, None if unknown."""

    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.high is None:
            return "at an unknown cost"
        amount = format_cost(self.high)
        if self.low not in (None, self.high):
            amount = f"{format_cost(self.low)} to {amount}"
        return f"about {amount} per hour"


class CostEstimate(NamedTuple):
    """US dollars per hour for the maximum number of machines of a group.

    Parameters
    ----------
    spot
        Cost as spot machines, or None if these are not offered.
    on_demand
        Cost as on-demand machines, or None if these are not offered.
    """

    spot: float | None
    on_demand: float | None

    def __str__(self) -> str:
        return f"{format_cost(self.spot)} (spot), {format_cost(self.on_demand)} (on demand)"


def estimate(price: MachinePrice, bounds: Bounds) -> CostEstimate:
    """Estimate the cost of a group from the prices of one machine."""
    _, high = bounds
    spot, on_demand = price.preemptible_price, price.on_demand_price
    return CostEstimate(_multiply(spot, high), _multiply(on_demand, high))


def range_from_price(price: MachinePrice, bounds: Bounds, spot: bool | None) -> HourlyRange:
    """Estimate the range of the cost of a group from the prices of one machine."""
    unit = price.preemptible_price if spot else price.on_demand_price
    return HourlyRange(*(_multiply(unit, count) for count in bounds))


def cost_from_service(
    cost: HourlyCost | None, bounds: Bounds, *, may_be_free: bool
) -> HourlyRange | None:
    """Return the cost of a group as given by the service, or None if unknown or not in dollars.

    Parameters
    ----------
    cost
        Cost from the service.
    bounds
        Minimum and maximum number of machines.
    may_be_free
        If False, a cost of 0 counts as unknown: it means that no machine has started yet, and
        would mislead before a start.
    """
    if cost is None or cost.max is None or not (cost.max or may_be_free):
        return None
    if not is_usd(cost.currency):
        return None
    low, high = bounds
    return HourlyRange(cost.max if low == high else cost.min, cost.max)


def _multiply(unit: float | None, count: int | None) -> float | None:
    return None if unit is None or count is None else unit * count
