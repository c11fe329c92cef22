"""Kinds of machine groups, and the listing of those of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from inductiva_widgets.errors import InputError
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.models import machines
from inductiva_widgets.resources._base import BaseMachineGroup
from inductiva_widgets.resources.costs import Bounds
from inductiva_widgets.resources.request import (
    GroupOptions,
    build_mpi_config,
    build_request,
    check_count,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from inductiva_widgets.http.client import Client


class MachineGroup(BaseMachineGroup):
    """Group of machines of one type, each of which runs one task at a time.

    Parameters
    ----------
    machine_type
        Type of the machines, such as ``"c2-standard-4"``.
    zone
        Zone of the machines, or None for the default of the service.
    provider
        Provider of the machines.
    num_machines
        Number of machines.
    spot
        If True, use spot machines, which are cheaper but may be reclaimed by the provider.
    client
        Client of the service, or None for the default one.
    **options
        Further options such as the disk size, see ``GroupOptions``.

    Raises
    ------
    InputError
        An argument is invalid.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> group = inductiva.resources.MachineGroup("c2-standard-4", num_machines=2)
    >>> group.num_machines, group.spot, group.status
    (2, True, None)
    >>> group.max_idle_time
    datetime.timedelta(seconds=180)
    """

    def __init__(
        self,
        machine_type: str,
        zone: str | None = None,
        provider: str = "GCP",
        *,
        num_machines: int = 1,
        spot: bool = True,
        client: Client | None = None,
        **options: Unpack[GroupOptions],
    ) -> None:
        count = check_count("num_machines", num_machines)
        request = build_request(machine_type, zone, provider, options, num_vms=count, spot=spot)
        super().__init__(request, None, client, build_mpi_config(options))


class ElasticMachineGroup(BaseMachineGroup):
    """Group of machines of one type whose number adapts to the number of tasks.

    Parameters
    ----------
    machine_type
        Type of the machines, such as ``"c2-standard-4"``.
    zone
        Zone of the machines, or None for the default of the service.
    provider
        Provider of the machines.
    min_machines, max_machines
        Minimum and maximum number of machines.
    spot
        If True, use spot machines, which are cheaper but may be reclaimed by the provider.
    client
        Client of the service, or None for the default one.
    **options
        Further options such as the disk size, see ``GroupOptions``.

    Raises
    ------
    InputError
        An argument is invalid.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> group = inductiva.resources.ElasticMachineGroup("c2-standard-4", max_machines=5)
    >>> group.min_machines, group.max_machines
    (1, 5)
    """

    kind: ClassVar[str] = "elastic machine group"

    def __init__(
        self,
        machine_type: str,
        zone: str | None = None,
        provider: str = "GCP",
        *,
        min_machines: int = 1,
        max_machines: int = 2,
        spot: bool = True,
        client: Client | None = None,
        **options: Unpack[GroupOptions],
    ) -> None:
        low = check_count("min_machines", min_machines)
        high = check_count("max_machines", max_machines)
        if low > high:
            raise InputError(
                f"`min_machines` must be at most `max_machines`, got {low} and {high}."
            )
        request = build_request(
            machine_type,
            zone,
            provider,
            options,
            num_vms=low,
            spot=spot,
            is_elastic=True,
            min_vms=low,
            max_vms=high,
        )
        super().__init__(request, None, client, build_mpi_config(options))

    @property
    def min_machines(self) -> int | None:
        """Minimum number of machines."""
        return self._bounds()[0]

    @property
    def max_machines(self) -> int | None:
        """Maximum number of machines."""
        return self._bounds()[1]

    def _bounds(self) -> Bounds:
        return self._get("min_vms", int), self._get("max_vms", int)


class MPICluster(BaseMachineGroup):
    """Cluster of machines of one type that run each task together.

    Parameters
    ----------
    machine_type
        Type of the machines, such as ``"c2-standard-4"``.
    zone
        Zone of the machines, or None for the default of the service.
    provider
        Provider of the machines.
    num_machines
        Number of machines.
    spot
        If True, use spot machines. The provider reclaims them one by one, and the task ends with
        the first one.
    client
        Client of the service, or None for the default one.
    **options
        Further options such as the disk size, see ``GroupOptions``.

    Raises
    ------
    InputError
        An argument is invalid.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> cluster = inductiva.resources.MPICluster("c2-standard-16", num_machines=4, spot=False)
    >>> cluster.num_machines, cluster.kind
    (4, 'MPI cluster')
    """

    kind: ClassVar[str] = "MPI cluster"

    def __init__(
        self,
        machine_type: str,
        zone: str | None = None,
        provider: str = "GCP",
        *,
        num_machines: int = 2,
        spot: bool = True,
        client: Client | None = None,
        **options: Unpack[GroupOptions],
    ) -> None:
        count = check_count("num_machines", num_machines)
        request = build_request(
            machine_type, zone, provider, options, num_vms=count, spot=spot, type="mpi"
        )
        super().__init__(request, None, client, build_mpi_config(options))


_KINDS: dict[str, type[BaseMachineGroup]] = {"elastic": ElasticMachineGroup, "mpi": MPICluster}


def get(*, client: Client | None = None) -> list[BaseMachineGroup]:
    """Return the active machine groups of the account.

    Parameters
    ----------
    client
        Client of the service, or None for the default one.

    Returns
    -------
    list of BaseMachineGroup
        Registered and started groups.

    Notes
    -----
    Requests: 1.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.resources.get()
    [<MachineGroup ...: ..., started>]
    """
    client = client or default_client()
    return [_from_info(info, client) for info in client.list_machine_groups()]


def get_by_name(machine_name: str, *, client: Client | None = None) -> BaseMachineGroup:
    """Return the machine group with a name.

    Parameters
    ----------
    machine_name
        Name of the group, such as ``"api-4f8k2m9x"``.
    client
        Client of the service, or None for the default one.

    Returns
    -------
    BaseMachineGroup
        The group.

    Raises
    ------
    NotFoundError
        The account has no such group.
    InputError
        ``machine_name`` is empty or not a string.

    Notes
    -----
    Requests: 1.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> group = inductiva.resources.MachineGroup("c2-standard-4")
    >>> name = group.register().name
    >>> inductiva.resources.get_by_name(name).status
    'registered'
    >>> group.terminate()
    """
    if not isinstance(machine_name, str) or not machine_name:
        raise InputError(
            f"`machine_name` must be the name of a machine group, got {machine_name!r}."
        )
    client = client or default_client()
    return _from_info(client.get_machine_group(machine_name), client)


def _from_info(info: machines.MachineGroupInfo, client: Client) -> BaseMachineGroup:
    kind = info.type if info.type in _KINDS else ("elastic" if info.is_elastic else "")
    return _KINDS.get(kind or "", MachineGroup).from_info(info, client)
