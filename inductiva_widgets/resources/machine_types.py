"""Available machine types and their prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inductiva_widgets.errors import InputError
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.models.machines import MachineTypeInfo

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

Range = tuple[float, float]


def get_available_machine_types(  # noqa: PLR0917 - the positions are those of the vendor
    provider: str = "GCP",
    machine_families: list[str] | None = None,
    machine_configs: list[str] | None = None,
    vcpus_range: Range | None = None,
    memory_range: Range | None = None,
    price_range: Range | None = None,
    spot: bool | None = None,
    gpus_range: Range | None = None,
    gpu_names: list[str] | None = None,
    zones: list[str] | None = None,
    *,
    client: Client | None = None,
) -> list[MachineTypeInfo]:
    """Return the machine types that the service offers.

    Parameters
    ----------
    provider
        Provider of the machines.
    machine_families, machine_configs
        Only families such as ``"c2"``, and configurations such as ``"standard"``.
    vcpus_range, memory_range, price_range
        Minimum and maximum number of virtual CPUs, gigabytes of memory, and US dollars per hour.
    spot
        If True, only spot machines; if False, only others; None for both.
    gpus_range
        Minimum and maximum number of GPUs.
    gpu_names, zones
        Only these GPUs, and zones.
    client
        Client of the service, or None for the default one.

    Returns
    -------
    list of MachineTypeInfo
        Machine types with their price per hour.

    Raises
    ------
    InputError
        A range is not a pair of numbers.

    Notes
    -----
    Requests: 1.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> [machine.machine_type for machine in inductiva.resources.get_available_machine_types()]
    ['local']
    """
    ranges = {
        "vcpus_range": vcpus_range,
        "memory_range": memory_range,
        "price_range": price_range,
        "gpus_range": gpus_range,
    }
    for name, limits in ranges.items():
        if limits is not None and len(limits) != 2:
            raise InputError(f"`{name}` must be a minimum and a maximum, got {limits!r}.")
    return (client or default_client()).list_machine_types(
        {
            "provider_id": provider.upper(),
            "machine_families": machine_families,
            "machine_configs": machine_configs,
            **{name: None if limits is None else list(limits) for name, limits in ranges.items()},
            "spot": None if spot is None else str(spot).lower(),
            "gpu_names": gpu_names,
            "zones": zones,
        }
    )


def estimate_machine_cost(
    machine_type: str, spot: bool = False, zone: str | None = None, *, client: Client | None = None
) -> float | None:
    """Return the price of a machine in US dollars per hour, or None if it is not offered.

    Parameters
    ----------
    machine_type
        Type of the machine, such as ``"c2-standard-4"``.
    spot
        If True, the price as a spot machine.
    zone
        Zone of the machine, or None for the default of the service.
    client
        Client of the service, or None for the default one.

    Notes
    -----
    Requests: 1.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.resources.estimate_machine_cost("c2-standard-4", spot=True)
    1e-06
    """
    price = (client or default_client()).get_machine_price(machine_type, zone)
    return price.preemptible_price if spot else price.on_demand_price
