"""Find the machine group for a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.machines import BUILT_IN_GROUP, MachineGroupInfo

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client


def resolve_machine_group(
    client: Client, on: MachineGroupInfo | str | Any | None
) -> MachineGroupInfo:
    """Return the machine group to run on; costs one request.

    Parameters
    ----------
    client
        The service.
    on
        A machine group, its name or id, any object with an ``id``; None for the account's started
        group.

    Raises
    ------
    InputError
        None is started, several are and none was named, or there is none of that name.
    """
    given = on if on is None or isinstance(on, str) else getattr(on, "id", None)
    if on is not None and not isinstance(given, str):
        raise InputError(f"on must be a machine group or its name, not {type(on).__name__}.")
    groups = client.list_machine_groups()
    if given is None:
        return _only_started(groups, is_embedded=client.is_local)
    match = next((group for group in groups if given in (group.id, group.name)), None)
    if match is not None:
        return match
    if not isinstance(on, str):
        # The object knows its id, and the service will say what is wrong with it, if anything.
        return MachineGroupInfo(id=given)
    names = ", ".join(group.display_name for group in groups) or "none"
    raise InputError(f"There is no active machine group {on!r}. Active groups: {names}.")


def _only_started(groups: list[MachineGroupInfo], *, is_embedded: bool) -> MachineGroupInfo:
    started = [group for group in groups if group.is_started]
    if is_embedded:
        # All groups there are this one machine: the built-in one is as good as any.
        started = [group for group in started if group.id == BUILT_IN_GROUP] or started
    if len(started) == 1:
        return started[0]
    if not started:
        raise InputError(
            "No machine group is started. Start one, which costs money while it is up, with "
            "inductiva.resources.MachineGroup(...).start() or in the Inductiva console; or run on "
            'this machine with inductiva.connect("local").'
        )
    names = ", ".join(group.display_name for group in started)
    raise InputError(f"Several machine groups are started: say on which to run, on=... ({names}).")
