"""Base class of machine groups. Only ``start()`` costs money."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeVar

from msgspec.structs import asdict, replace

from inductiva_widgets import errors
from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.formatting import MISSING
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.models import machines
from inductiva_widgets.resources.costs import (
    Bounds,
    CostEstimate,
    HourlyRange,
    cost_from_service,
    estimate,
    range_from_price,
)
from inductiva_widgets.resources.request import GroupRequest

if TYPE_CHECKING:
    from typing_extensions import Self

    from inductiva_widgets.http.client import Client
    from inductiva_widgets.models.tasks import MpiConfig

_ENDED = frozenset({"shutting_down", "terminated"})
_STARTED = frozenset({"starting", "started"})
# The service uses this year for "never".
_NEVER = 9999
_TIMES = "\N{MULTIPLICATION SIGN}"
# Seconds between two requests for quotas.
_QUOTA_PERIOD = 60.0
Value = TypeVar("Value")


class VcpuCount(NamedTuple):
    """Number of virtual CPUs of a machine group; None if unknown.

    Parameters
    ----------
    total
        Those of all machines, for an elastic group of the maximum number.
    per_machine
        Those of one machine.
    """

    total: int | None
    per_machine: int | None


class BaseMachineGroup:
    """Base class of machine groups.

    The first use of ``register()``, ``start()`` or ``id`` registers the group, which is free of
    charge. ``with group: ...`` starts the group and always terminates it, so wait for the tasks
    inside the block.

    Parameters
    ----------
    request
        Request to register the group, or None if it is registered.
    info
        Info from the service, or None if the group is not registered.
    client
        Client of the service, or None for the default one.
    mpi_config
        MPI settings of commands on all processors, or None for the default ones.

    Examples
    --------
    >>> with inductiva.resources.MachineGroup("c2-standard-4") as group:
    ...     task = inductiva.simulators.SWMM().run("cases/swmm_storm", on=group)
    ...     print(task.wait(silent_mode=True))
    Starting api-...: 1 ... c2-standard-4 (spot), about ... per hour.
    success
    >>> group.is_started
    False
    """

    kind: ClassVar[str] = "machine group"
    """Name of the kind of group, for messages."""

    def __init__(
        self,
        request: GroupRequest | None,
        info: machines.MachineGroupInfo | None,
        client: Client | None,
        mpi_config: MpiConfig | None = None,
    ) -> None:
        self._request = request
        self._mpi_config = mpi_config
        self._info = info
        self._given_client = client
        self._price: machines.MachinePrice | None = None

    @classmethod
    def from_info(cls, info: machines.MachineGroupInfo, client: Client) -> Self:
        """Return the object of a registered group, without a request.

        Parameters
        ----------
        info
            Info from the service.
        client
            Client of the service.
        """
        group = cls.__new__(cls)
        BaseMachineGroup.__init__(group, None, info, client)
        return group

    def __repr__(self) -> str:
        name = "" if self.name is None else f" {self.name}"
        facts = f"{name}: {self._summary()}, {self.status or 'not registered'}"
        return f"<{type(self).__name__}{escape_control_chars(facts)}>"

    @property
    def id(self) -> str:
        """Id of the group. The first use registers it with one request."""
        return self.register().id

    @property
    def name(self) -> str | None:
        """Name given by the service, or None if the group is not registered."""
        return self._get("name", str)

    @property
    def status(self) -> str | None:
        """Last known status, such as ``"started"``, or None if the group is not registered."""
        if self._info is None:
            return None
        return self._info.status or ("started" if self._info.started else "registered")

    @property
    def is_started(self) -> bool:
        """Whether the last known status is that of a started group."""
        return self._info is not None and self._info.is_started

    @property
    def machine_type(self) -> str | None:
        """Type of the machines, such as ``"c2-standard-4"``."""
        return self._get("machine_type", str)

    @property
    def num_machines(self) -> int | None:
        """Number of machines, for an elastic group at its start."""
        return self._get("num_vms", int)

    @property
    def spot(self) -> bool | None:
        """Whether these are spot machines, which are cheaper but may be reclaimed."""
        return self._get("spot", bool)

    @property
    def data_disk_gb(self) -> float | None:
        """Disk size of each machine in gigabytes."""
        return self._get("disk_size_gb", float)

    @property
    def auto_resize_disk_max_gb(self) -> int | None:
        """Size in gigabytes up to which the disk grows, or None for a fixed size."""
        resize = None if self._request is None else self._request.dynamic_disk_resize_config
        return None if resize is None else resize.max_disk_size_gb

    @property
    def threads_per_core(self) -> int | None:
        """Number of threads per core."""
        return self._get("threads_per_core", int)

    @property
    def max_idle_time(self) -> timedelta | None:
        """Time without a task after which the group is terminated."""
        seconds = self._get("max_idle_time", float)
        return None if seconds is None else timedelta(seconds=seconds)

    @property
    def auto_terminate_ts(self) -> datetime | None:
        """Time at which the group is terminated, or None."""
        moment = self._get("auto_terminate_ts", datetime)
        return None if moment is None or moment.year >= _NEVER else moment

    @property
    def zone(self) -> str | None:
        """Zone of the machines, such as ``"europe-west1-b"``."""
        return self._get("zone", str)

    @property
    def provider(self) -> str | None:
        """Provider of the machines, such as ``"GCP"``."""
        return self._get("provider_id", str)

    @property
    def create_time(self) -> datetime | None:
        """Time of the registration."""
        return self._get("creation_timestamp", datetime)

    @property
    def n_vcpus(self) -> VcpuCount:
        """Number of virtual CPUs. The first use registers the group with one request."""
        cpus = self.register().cpu_info
        per_machine = None if cpus is None else cpus.cpu_cores_logical
        count = self._bounds()[1]
        if per_machine is None or count is None:
            return VcpuCount(None, per_machine)
        return VcpuCount(per_machine * count, per_machine)

    @property
    def total_ram_gb(self) -> float | None:
        """Memory in gigabytes. The first use registers the group with one request."""
        self.register()
        return self._get("total_ram_gb", float)

    @property
    def idle_time(self) -> timedelta | None:
        """Time without a task, or None if unknown. One request."""
        seconds = self.refresh()._get("idle_seconds", float)
        return None if seconds is None else timedelta(seconds=seconds)

    @property
    def started(self) -> bool:
        """Whether the last known status is that of a started group, as ``is_started``."""
        return self.is_started

    @property
    def cost_per_hour(self) -> float | None:
        """Maximum cost in US dollars per hour, or None if unknown. One request if not cached."""
        return self._cost().high

    def estimate_cost(self) -> CostEstimate:
        """Estimate the cost per hour as spot and as on-demand machines.

        The group need not be registered.

        Returns
        -------
        CostEstimate
            US dollars per hour for the maximum number of machines.

        Notes
        -----
        Requests: 1, the first time.

        Examples
        --------
        >>> cost = inductiva.resources.MachineGroup("c2-standard-4").estimate_cost()
        >>> print(cost)
        $0.00... (spot), $0.00... (on demand)
        """
        return estimate(self._machine_price(), self._bounds())

    def estimate_cloud_cost(self, verbose: bool = True) -> float | None:
        """Return the maximum cost in US dollars per hour, and print the cost.

        Parameters
        ----------
        verbose
            If False, print nothing.

        Returns
        -------
        float or None
            None if the cost is unknown.

        Notes
        -----
        Requests: 1, the first time.

        Examples
        --------
        >>> cost = inductiva.resources.MachineGroup("c2-standard-4").estimate_cloud_cost()
        1 ... c2-standard-4 (spot): about $0.00... per hour.
        """
        cost = self._cost()
        if verbose:
            _print(f"{self._summary()}: {cost}.")
        return cost.high

    def register(self) -> machines.MachineGroupInfo:
        """Register the group, unless it is registered. This is free of charge.

        Returns
        -------
        MachineGroupInfo
            Info from the service, such as the id, the name and the status.

        Raises
        ------
        InputError
            The service does not accept the group, for example because of its machine type.

        Notes
        -----
        Requests: 1, the first time.
        """
        if self._info is None and self._request is not None:
            client = self.client
            try:
                self._info = client.register_machine_group(self._request)
            except (errors.InvalidRequestError, errors.NotFoundError) as error:
                why = error.detail or str(error)
                message = (
                    f"{client.url} does not accept this {self.kind} ({self._summary()}): {why}"
                )
                raise errors.InputError(message) from error
        assert self._info is not None  # noqa: S101 - without a request there is an info
        return self._info

    def refresh(self) -> Self:
        """Update the status of the group, and return the group.

        Raises
        ------
        NotFoundError
            The group has been terminated.

        Notes
        -----
        Requests: 1, and 1 to register the group if necessary.
        """
        info = self.register()
        self._info = self.client.get_machine_group(info.name or info.id)
        return self

    def start(self, wait_for_quotas: bool = False, verbose: bool = True) -> None:
        """Start the machines, unless they are started.

        From now on the group costs money until it is terminated.

        Parameters
        ----------
        wait_for_quotas
            If True, wait until the quotas of the account allow the start.
        verbose
            If True, print the cost before the start.

        Raises
        ------
        InputError
            The service does not accept the group, or it has been terminated.

        Notes
        -----
        Requests: 1 to 3, to register the group, to get its cost and to start it, and 1 per minute
        of waiting for quotas.
        """
        info = self.register()
        if self.status in _ENDED:
            raise errors.InputError(
                f"The {self.kind} {self.name} was terminated and cannot be started again. "
                "Create a new one."
            )
        if self.status in _STARTED:
            return
        if wait_for_quotas and not self.client.is_local:
            self._wait_for_quotas(info, verbose)
        if verbose:
            name = info.name or info.id
            _print(f"Starting {name}: {self._summary()}, {self._cost()}.")
        try:
            self.client.start_machine_group(info.id)
        except errors.APITimeoutError:
            # The start of machines may take longer than the timeout.
            if self.refresh().status not in _STARTED:
                raise
        else:
            self._info = replace(info, status="started", started=True)

    def terminate(self, verbose: bool = False) -> None:
        """Terminate the machines, which ends their cost.

        Tasks in the queue of the group are lost, and running tasks end without output.

        Parameters
        ----------
        verbose
            If True, print the name of the group once the service has accepted.

        Notes
        -----
        Requests: 1, unless the group is not registered or has been terminated.
        """
        if self._info is None or self.status in _ENDED:
            return
        try:
            self.client.terminate_machine_group(self._info.id)
        except errors.NotFoundError:
            # The service has terminated it before, because of a time limit.
            self._info = replace(self._info, status="terminated", started=False)
        else:
            self._info = replace(self._info, status="shutting_down", started=False)
        if verbose:
            _print(f"Terminated {self.name or self._info.id}.")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            # The machines may be starting in spite of the exception, such as an interrupt.
            self._terminate_or_warn()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._terminate_or_warn()

    def _terminate_or_warn(self) -> None:
        try:
            self.terminate()
        except errors.InductivaError as error:
            raise errors.InductivaError(
                f"The {self.kind} {self.name} could not be terminated and may still cost money. "
                f"Call terminate() again, or use the Inductiva console. {error}"
            ) from error

    @property
    def client(self) -> Client:
        """Client of the service."""
        if self._given_client is None:
            self._given_client = default_client()
        return self._given_client

    def _get(self, field: str, _type: type[Value]) -> Value | None:
        """Return a field of the info, or of the request if the info lacks it."""
        value: Value | None = getattr(self._info, field, None)
        return getattr(self._request, field, None) if value is None else value

    def _bounds(self) -> Bounds:
        """Return the minimum and the maximum number of machines."""
        return self.num_machines, self.num_machines

    def _summary(self) -> str:
        low, high = self._bounds()
        kind = self.machine_type or MISSING
        billing = {True: " (spot)", False: " (on demand)", None: ""}[self.spot]
        if high is None:
            return f"{kind}{billing}"
        return f"{high if low == high else f'{low} to {high}'} {_TIMES} {kind}{billing}"

    def prepare(self) -> machines.MachineGroupTarget:
        """Return the current info of the group with its MPI settings, for a task.

        Notes
        -----
        Requests: 1, to register the group or to refresh its status.
        """
        info = self.register() if self._info is None else self.refresh().register()
        mpi = self._mpi_config
        if mpi is not None and "np" not in mpi.options:
            slots = self._mpi_slots(info, bool(mpi.options.get("use-hwthread-cpus", True)))
            if slots is not None:
                mpi = replace(mpi, options={**mpi.options, "np": slots})
        return machines.MachineGroupTarget(**asdict(info), mpi_config=mpi)

    @staticmethod
    def _mpi_slots(info: machines.MachineGroupInfo, use_hwthread: bool) -> int | None:
        if use_hwthread:
            return info.n_vcpus
        cores = None if info.cpu_info is None else info.cpu_info.cpu_cores_physical
        count = info.num_vms or 1 if info.is_mpi_cluster else 1
        return None if cores is None else cores * count

    def _wait_for_quotas(self, info: machines.MachineGroupInfo, verbose: bool) -> None:
        while exceeded := [
            quota.label
            for name, quota in self.client.get_quotas().items()
            if quota.max_allowed is not None
            and (quota.in_use or 0.0) + (getattr(info.quota_usage, name, None) or 0.0)
            > quota.max_allowed
        ]:
            if verbose:
                _print(f"Waiting for the quotas of the account: {', '.join(exceeded)}.")
            time.sleep(_QUOTA_PERIOD)

    def _cost(self) -> HourlyRange:
        hourly, bounds = self._get("cost_per_hour", machines.HourlyCost), self._bounds()
        cost = cost_from_service(hourly, bounds, may_be_free=self.client.is_local)
        return cost or range_from_price(self._machine_price(), bounds, self.spot)

    def _machine_price(self) -> machines.MachinePrice:
        if self._price is None:
            kind, unknown = self.machine_type, machines.MachinePrice()
            self._price = self.client.get_machine_price(kind, self.zone) if kind else unknown
        return self._price


def _print(text: str) -> None:
    sys.stdout.write(f"{escape_control_chars(text)}\n")
    sys.stdout.flush()
