"""Registration request of a machine group."""

from __future__ import annotations

import math
import operator
from datetime import datetime, timedelta, timezone
from typing import Any, TypedDict

import msgspec

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.tasks import MpiConfig

DEFAULT_IDLE_MINUTES = 3
_FREE_DISK_GB = 5


class DiskResize(msgspec.Struct, frozen=True, kw_only=True):
    """Limit of the automatic growth of a disk, and the free space that triggers it."""

    max_disk_size_gb: int
    free_space_threshold_gb: int = _FREE_DISK_GB


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
    dynamic_disk_resize_config: DiskResize | None = None
    custom_vm_image: None = None
    # Sent only for the kinds of group that have them.
    min_vms: int | msgspec.UnsetType = msgspec.UNSET
    max_vms: int | msgspec.UnsetType = msgspec.UNSET
    type: str | msgspec.UnsetType = msgspec.UNSET


class GroupOptions(TypedDict, total=False):
    """Options of all kinds of machine groups.

    Parameters
    ----------
    threads_per_core
        Number of threads per core, 2 by default, or 1.
    data_disk_gb
        Disk size of each machine in gigabytes, 10 by default.
    auto_resize_disk_max_gb
        Size up to which the disk grows when it is almost full, or None for a fixed size.
    max_idle_time
        Time without a task after which the group is terminated, as minutes or ``timedelta``, or
        None for the default of the service. 3 minutes by default.
    auto_terminate_ts
        Timezone-aware time at which the group is terminated.
    auto_terminate_minutes
        Minutes from now after which the group is terminated, instead of ``auto_terminate_ts``.
    mpi_config
        Version and options of MPI for commands on all processors of the group, instead of the
        following three.
    mpi_version
        Version of Open MPI in the image, ``"4.1.6"`` by default.
    np
        Number of MPI processes, or None for as many as there are processors.
    use_hwthread_cpus
        If True, the default, hardware threads count as processors.
    """

    threads_per_core: int
    data_disk_gb: int
    auto_resize_disk_max_gb: int | None
    max_idle_time: float | timedelta | None
    auto_terminate_ts: datetime | None
    auto_terminate_minutes: float | None
    mpi_config: MpiConfig | None
    mpi_version: str
    np: int | None
    use_hwthread_cpus: bool


def build_request(
    machine_type: str,
    zone: str | None,
    provider: str,
    options: GroupOptions,
    *,
    num_vms: int,
    spot: bool,
    **kind: Any,
) -> GroupRequest:
    """Validate the arguments of a machine group, and build its registration request.

    Parameters
    ----------
    machine_type, zone, provider, num_vms, spot
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
    largest = options.get("auto_resize_disk_max_gb")
    resize = None
    if largest is not None:
        resize = DiskResize(max_disk_size_gb=check_count("auto_resize_disk_max_gb", largest))
    return GroupRequest(
        machine_type=_text("machine_type", machine_type, "c2-standard-4"),
        provider_id=_text("provider", provider, "GCP").upper(),
        threads_per_core=threads,
        disk_size_gb=check_count("data_disk_gb", options.get("data_disk_gb", 10)),
        dynamic_disk_resize_config=resize,
        max_idle_time=_idle_seconds(options.get("max_idle_time", DEFAULT_IDLE_MINUTES)),
        auto_terminate_ts=_end(options),
        zone=None if zone is None else _text("zone", zone, "europe-west1-b"),
        num_vms=num_vms,
        spot=spot,
        **kind,
    )


def build_mpi_config(options: GroupOptions) -> MpiConfig | None:
    """Return the MPI settings of a machine group, or None if there are none.

    Parameters
    ----------
    options
        Common options.

    Raises
    ------
    InputError
        An argument is invalid, or contradicts ``mpi_config``.
    """
    single = options.keys() & {"mpi_version", "np", "use_hwthread_cpus"}
    config = options.get("mpi_config")
    if config is not None:
        if single:
            raise InputError(
                f"Pass either `mpi_config` or {', '.join(sorted(single))}, which it replaces."
            )
        try:
            return msgspec.convert(config, MpiConfig, from_attributes=True)
        except msgspec.ValidationError as error:
            raise InputError(f"`mpi_config` is invalid: {error}.") from error
    if not single:
        return None
    settings: dict[str, Any] = {"use-hwthread-cpus": bool(options.get("use_hwthread_cpus", True))}
    np = options.get("np")
    if np is not None:
        settings["np"] = check_count("np", np)
    version = _text("mpi_version", options.get("mpi_version", "4.1.6"), "4.1.6")
    return MpiConfig(version=version, options=settings)


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


def _idle_seconds(value: Any) -> int | None:
    if value is None:
        return None
    minutes = value / timedelta(minutes=1) if isinstance(value, timedelta) else value
    # Rounded up, so that the group is not terminated too early.
    return math.ceil(60 * _minutes("max_idle_time", minutes, " or a timedelta"))


def _minutes(name: str, value: Any, alternative: str = "") -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value <= 0:
        raise InputError(
            f"`{name}` must be a positive number of minutes{alternative}, got {value!r}."
        )
    return float(value)


def _end(options: GroupOptions) -> datetime | None:
    moment = _future_time(options.get("auto_terminate_ts"))
    minutes = options.get("auto_terminate_minutes")
    if minutes is None:
        return moment
    if moment is not None:
        raise InputError("Pass either `auto_terminate_ts` or `auto_terminate_minutes`.")
    try:
        after = timedelta(minutes=_minutes("auto_terminate_minutes", minutes))
        return datetime.now(timezone.utc) + after
    except OverflowError:
        raise InputError(f"`auto_terminate_minutes` is too large, got {minutes!r}.") from None


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
