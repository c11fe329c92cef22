"""Validate and build the registration request of a machine group."""

from __future__ import annotations

import math
import operator
from datetime import datetime, timedelta, timezone
from typing import Any, TypedDict

import msgspec

from inductiva_widgets.errors import InputError

DEFAULT_IDLE_TIME = 180.0
# A smaller number is most likely meant as minutes, which is how the service's own client has it. As
# seconds it would end the group, and what waits for it, between two tasks.
_SHORTEST_IDLE = 60


class GroupRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Body of the registration; nullable fields are sent as null, as the service expects."""

    machine_type: str
    provider_id: str
    threads_per_core: int
    disk_size_gb: int
    max_idle_time: int | None
    auto_terminate_ts: datetime | None
    zone: str | None
    num_vms: int
    spot: bool
    is_elastic: bool = False
    dynamic_disk_resize_config: None = None
    custom_vm_image: None = None
    # Not sent where they do not belong to the kind of group.
    min_vms: int | msgspec.UnsetType = msgspec.UNSET
    max_vms: int | msgspec.UnsetType = msgspec.UNSET
    type: str | msgspec.UnsetType = msgspec.UNSET


class GroupOptions(TypedDict, total=False):
    """The arguments that every kind of machine group takes beside its own.

    Parameters
    ----------
    disk_size_gb
        Size of each machine's disk in gigabytes, 10 by default.
    threads_per_core
        Threads that run on each core: 2, the default, or 1.
    max_idle_time
        How long the group may be without a task before the service ends it: seconds or a
        ``timedelta``, three minutes by default; None leaves it to the service. A number below 60
        is refused, as it is meant as minutes more often than not.
    auto_terminate_ts
        When the service ends the group in any case: a time with a time zone.
    zone
        Where the machines are; None leaves it to the service.
    provider
        Whose machines they are, ``"GCP"`` by default.
    """

    disk_size_gb: int
    threads_per_core: int
    max_idle_time: float | timedelta | None
    auto_terminate_ts: datetime | None
    zone: str | None
    provider: str


def build_request(
    machine_type: str, options: GroupOptions, *, num_vms: int, spot: bool, **kind: Any
) -> GroupRequest:
    """Return the body of a registration.

    Parameters
    ----------
    machine_type, num_vms, spot
        What all kinds have.
    options
        The common options.
    **kind
        Fields of the kind of group alone.

    Raises
    ------
    InputError
        An argument cannot be used; the text says which and why.
    """
    unknown = sorted(set(options) - set(GroupOptions.__annotations__))
    if unknown:
        raise InputError(
            f"A machine group has no argument {', '.join(unknown)}. "
            f"Common arguments: {', '.join(GroupOptions.__annotations__)}."
        )
    if not isinstance(spot, bool):
        raise InputError(f"spot must be True or False, not {spot!r}.")
    threads = options.get("threads_per_core", 2)
    if threads not in (1, 2) or isinstance(threads, bool):
        raise InputError(f"threads_per_core must be 1 or 2, not {threads!r}.")
    zone = options.get("zone")
    return GroupRequest(
        machine_type=_text("machine_type", machine_type, "c2-standard-4"),
        provider_id=_text("provider", options.get("provider", "GCP"), "GCP").upper(),
        threads_per_core=threads,
        disk_size_gb=check_count("disk_size_gb", options.get("disk_size_gb", 10)),
        max_idle_time=_seconds(options.get("max_idle_time", DEFAULT_IDLE_TIME)),
        auto_terminate_ts=_future(options.get("auto_terminate_ts")),
        zone=None if zone is None else _text("zone", zone, "europe-west1-b"),
        num_vms=num_vms,
        spot=spot,
        **kind,
    )


def check_count(name: str, value: Any) -> int:
    """Return a whole number of at least 1, of any integer type; else raise InputError."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if isinstance(value, bool) or number < 1:
        raise InputError(f"{name} must be a whole number, 1 or more, not {value!r}.")
    return number


def _text(name: str, value: Any, example: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{name} must be text, such as {example!r}, not {value!r}.")
    return value.strip()


def _seconds(value: Any) -> int | None:
    if value is None:
        return None
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_number or not math.isfinite(seconds) or seconds <= 0:
        raise InputError(
            f"max_idle_time must be seconds or a timedelta, more than 0, not {value!r}."
        )
    if seconds is value and seconds < _SHORTEST_IDLE:
        raise InputError(
            f"max_idle_time is in seconds: for {value:g} minutes give timedelta(minutes={value:g})."
        )
    # The service counts whole seconds; rounding up never ends a group too early.
    return math.ceil(seconds)


def _future(value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InputError(
            "auto_terminate_ts must be a datetime with a time zone, such as "
            f"datetime.now(timezone.utc) + timedelta(hours=2), not {value!r}."
        )
    if value <= datetime.now(timezone.utc):
        raise InputError(f"auto_terminate_ts is in the past: {value.isoformat()}.")
    return value
