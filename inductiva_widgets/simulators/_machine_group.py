"""Selection of the machine group of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.machines import BUILT_IN_GROUP, MachineGroupInfo
from inductiva_widgets.resources import BaseMachineGroup

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client


def resolve_machine_group(
    client: Client, on: MachineGroupInfo | str | Any | None
) -> MachineGroupInfo:
    """Return the machine group to run on.

    Parameters
    ----------
    client
        Client of the service.
    on
        Machine group, its name or id, or an object with an ``id``. If None, the only started group
        of the account.

    Raises
    ------
    InputError
        There is no such group, or it is None and there is not exactly one started group.

    Notes
    -----
    Requests: 1.
    """
    if isinstance(on, BaseMachineGroup):
        if on.client.url != client.url:
            raise InputError(
                f"`on` must be a machine group of {client.url}, got one of {on.client.url}. Call "
                "inductiva.connect() before the group is made."
            )
        return on.prepare()
    name = on if on is None or isinstance(on, str) else getattr(on, "id", None)
    if on is not None and not isinstance(name, str):
        raise InputError(f"`on` must be a machine group or its name, got {type(on).__name__}.")
    groups = client.list_machine_groups()
    if name is None:
        return _only_started(groups, is_embedded=client.is_local)
    match = next((group for group in groups if name in (group.id, group.name)), None)
    if match is not None:
        return match
    if not isinstance(on, str):
        # The service returns an error if the id of the object is invalid.
        return MachineGroupInfo(id=name)
    names = ", ".join(group.display_name for group in groups) or "none"
    raise InputError(f"Unknown machine group {on!r}, expected one of: {names}.")


def ensure_started(machine: MachineGroupInfo, on: object, *, auto_start: bool) -> None:
    """Start the machine group of a task, which prints its cost, unless it is started.

    Only a group that was passed as an object is started.

    Parameters
    ----------
    machine
        Current info of the group.
    on
        Machine group as passed to ``run``.
    auto_start
        If False, start nothing.

    Raises
    ------
    InputError
        The group is not started and must not be.

    Notes
    -----
    Requests: 0, or 1 or 2 if the group is started.
    """
    if machine.is_started or not isinstance(on, BaseMachineGroup):
        return
    if not auto_start:
        raise InputError(
            f"The {on.kind} {machine.display_name} is not started (status: {on.status}). Call "
            "group.start(), which costs money until the group is terminated, or pass "
            "auto_start=True."
        )
    on.start()


def _only_started(groups: list[MachineGroupInfo], *, is_embedded: bool) -> MachineGroupInfo:
    started = [group for group in groups if group.is_started]
    if is_embedded:
        # All groups of the embedded server are this machine, so take the built-in one.
        started = [group for group in started if group.id == BUILT_IN_GROUP] or started
    if len(started) == 1:
        return started[0]
    if not started:
        raise InputError(
            "No machine group is started. Start one with "
            "inductiva.resources.MachineGroup(...).start() or in the Inductiva console, which "
            "costs money until it is terminated, or run on this machine with "
            'inductiva.connect("local").'
        )
    names = ", ".join(group.display_name for group in started)
    raise InputError(f"Several machine groups are started, pass one of them as `on`: {names}.")
