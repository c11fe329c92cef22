"""List the machine groups of the account."""

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
    """Return the account's active machine groups; costs one request.

    Parameters
    ----------
    client
        The service; None for the default one.

    Returns
    -------
    list of Machines
        The groups that are registered or started, each of its own kind.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.resources.get()
    [<MachineGroup ...: ..., started>]
    """
    client = client or default_client()
    return [_object(known, client) for known in client.list_machine_groups()]


def get_by_name(name: str, *, client: Client | None = None) -> BaseMachineGroup:
    """Return the machine group of a name; costs one request.

    Parameters
    ----------
    name
        Name of the group, such as ``"api-4f8k2m9x"``.
    client
        The service; None for the default one.

    Returns
    -------
    Machines
        The group, of its own kind.

    Raises
    ------
    NotFoundError
        The account has no such group.
    InputError
        ``name`` is empty or no text.

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
        raise InputError(f"name must be the name of a machine group, not {name!r}.")
    client = client or default_client()
    return _object(client.get_machine_group(name), client)


def _object(known: machines.MachineGroupInfo, client: Client) -> BaseMachineGroup:
    kind = known.type if known.type in _KINDS else ("elastic" if known.is_elastic else "")
    return _KINDS.get(kind or "", MachineGroup).from_info(known, client)
