"""Registration request of a machine group."""

from __future__ import annotations

import math
import operator
from datetime import datetime, timedelta, timezone
from typing import Any, TypedDict

import msgspec

from inductiva_widgets.errors import InputError

DEFAULT_IDLE_TIME = 180.0
# A smaller number is probably meant as minutes, as in the client of the service. As seconds, it
# would terminate the group between two tasks.
_MIN_IDLE_SECONDS = 60


class GroupRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Body of the request. Nullable fields are sent as null, as the service expects."""

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
    # Sent only for the kinds of group that have them.
    min_vms: int | msgspec.UnsetType = msgspec.UNSET
    max_vms: int | msgspec.UnsetType = msgspec.UNSET
    type: str | msgspec.UnsetType = msgspec.UNSET


class GroupOptions(TypedDict, total=False):
    """Options of all kinds of machine groups.

    Parameters
    ----------
    disk_size_gb
        Disk size of each machine in gigabytes, 10 by default.
    threads_per_core
        Number of threads per core, 2 by default, or 1.
    max_idle_time
        Time without a task after which the group is terminated, as seconds or ``timedelta``, or
        None for the default of the service. 3 minutes by default. Seconds must be at least 60,
        since smaller numbers are usually meant as minutes.
    auto_terminate_ts
        Timezone-aware time at which the group is terminated.
    zone
        Zone of the machines, or None for the default of the service.
    provider
        Provider of the machines, ``"GCP"`` by default.
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
    """Validate the arguments of a machine group, and build its registration request.

    Parameters
    ----------
    machine_type, num_vms, spot
        Fields of all kinds of groups.
    options
        Common options.
    **kind
        Fields of this kind of group only.

    Raises
    ------
    InputError
        An argument is invalid.
    """
    unknown = sorted(set(options) - set(GroupOptions.__annotations__))
    if unknown:
        raise InputError(
            f"Unknown argument of a machine group: {', '.join(unknown)}, "
            f"expected one of: {', '.join(GroupOptions.__annotations__)}."
        )
    if not isinstance(spot, bool):
        raise InputError(f"`spot` must be True or False, got {spot!r}.")
    threads = options.get("threads_per_core", 2)
    if threads not in (1, 2) or isinstance(threads, bool):
        raise InputError(f"`threads_per_core` must be 1 or 2, got {threads!r}.")
    zone = options.get("zone")
    return GroupRequest(
        machine_type=_text("machine_type", machine_type, "c2-standard-4"),
        provider_id=_text("provider", options.get("provider", "GCP"), "GCP").upper(),
        threads_per_core=threads,
        disk_size_gb=check_count("disk_size_gb", options.get("disk_size_gb", 10)),
        max_idle_time=_seconds(options.get("max_idle_time", DEFAULT_IDLE_TIME)),
        auto_terminate_ts=_future_time(options.get("auto_terminate_ts")),
        zone=None if zone is None else _text("zone", zone, "europe-west1-b"),
        num_vms=num_vms,
        spot=spot,
        **kind,
    )


def check_count(name: str, value: Any) -> int:
    """Convert a positive integer of any type to ``int``, or raise InputError."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if isinstance(value, bool) or number < 1:
        raise InputError(f"`{name}` must be a positive integer, got {value!r}.")
    return number


def _text(name: str, value: Any, example: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"`{name}` must be a string such as {example!r}, got {value!r}.")
    return value.strip()


def _seconds(value: Any) -> int | None:
    if value is None:
        return None
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_number or not math.isfinite(seconds) or seconds <= 0:
        raise InputError(
            f"`max_idle_time` must be a positive number of seconds or a timedelta, got {value!r}."
        )
    if seconds is value and seconds < _MIN_IDLE_SECONDS:
        raise InputError(
            f"`max_idle_time` must be at least {_MIN_IDLE_SECONDS} seconds, got {value:g}. For "
            f"{value:g} minutes, pass timedelta(minutes={value:g})."
        )
    # Rounded up, so that the group is not terminated too early.
    return math.ceil(seconds)


def _future_time(value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InputError(
            "`auto_terminate_ts` must be a datetime with a time zone, such as "
            f"datetime.now(timezone.utc) + timedelta(hours=2), got {value!r}."
        )
    if value <= datetime.now(timezone.utc):
        raise InputError(f"`auto_terminate_ts` must be in the future, got {value.isoformat()}.")
    return value
