"""Machine groups of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inductiva_widgets.errors import InputError
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.models import machines
from inductiva_widgets.resources._base import BaseMachineGroup
from inductiva_widgets.resources.machine_groups import ElasticMachineGroup, MachineGroup, MPICluster

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

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


def get_by_name(name: str, *, client: Client | None = None) -> BaseMachineGroup:
    """Return the machine group with a name.

    Parameters
    ----------
    name
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
        ``name`` is empty or not a string.

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
    if not isinstance(name, str) or not name:
        raise InputError(f"`name` must be the name of a machine group, got {name!r}.")
    client = client or default_client()
    return _from_info(client.get_machine_group(name), client)


def _from_info(info: machines.MachineGroupInfo, client: Client) -> BaseMachineGroup:
    kind = info.type if info.type in _KINDS else ("elastic" if info.is_elastic else "")
    return _KINDS.get(kind or "", MachineGroup).from_info(info, client)
