"""Base class of machine groups. Only ``start()`` costs money."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, TypeVar

from msgspec.structs import replace

from inductiva_widgets import errors
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

_ENDED = frozenset({"shutting_down", "terminated"})
_ON_THE_WAY = frozenset({"starting", "started"})
# The year of a time that never comes, as the service says it.
_NEVER = 9999
_TIMES = "\N{MULTIPLICATION SIGN}"
Fact = TypeVar("Fact")


class BaseMachineGroup:
    """What all kinds of machine groups have in common.

    The service learns of a group at its first use, be it ``register()``, ``start()`` or ``.id``;
    that costs no money. ``with group: ...`` starts the group and terminates it in any case, so wait
    for the tasks inside the block.

    Parameters
    ----------
    request
        What to register; None for a group that the service knows already.
    known
        The service's word on it, where there is one.
    client
        The service; None for the default one at the first use.

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
    """What people call this kind."""

    def __init__(
        self,
        request: GroupRequest | None,
        known: machines.MachineGroupInfo | None,
        client: Client | None,
    ) -> None:
        self._request = request
        self._known = known
        self._chosen = client
        self._price: machines.MachinePrice | None = None

    @classmethod
    def from_info(cls, known: machines.MachineGroupInfo, client: Client) -> Self:
        """Return the object for a group that the service has told of; costs no request.

        Parameters
        ----------
        known
            The service's word on it.
        client
            The service.
        """
        group = cls.__new__(cls)
        BaseMachineGroup.__init__(group, None, known, client)
        return group

    def __repr__(self) -> str:
        name = "" if self.name is None else f" {self.name}"
        return (
            f"<{type(self).__name__}{name}: {self._summary()}, {self.status or 'not registered'}>"
        )

    @property
    def id(self) -> str:
        """Id on the service; the first use registers the group, which costs one request."""
        return self.register().id

    @property
    def name(self) -> str | None:
        """Name that the service gave the group; None before that. Costs no request."""
        return self._get("name", str)

    @property
    def status(self) -> str | None:
        """Status as last told, such as ``"started"``; None before. Costs no request."""
        if self._known is None:
            return None
        return self._known.status or ("started" if self._known.started else "registered")

    @property
    def is_started(self) -> bool:
        """Whether the group was started when the service last told; costs no request."""
        return self._known is not None and self._known.is_started

    @property
    def machine_type(self) -> str | None:
        """Type of the machines, such as ``"c2-standard-4"``; costs no request."""
        return self._get("machine_type", str)

    @property
    def num_machines(self) -> int | None:
        """Number of machines; of an elastic group, those it starts with. Costs no request."""
        return self._get("num_vms", int)

    @property
    def spot(self) -> bool | None:
        """Whether these are spot machines, which cost less but may be lost; costs no request."""
        return self._get("spot", bool)

    @property
    def disk_size_gb(self) -> float | None:
        """Size of each machine's disk in gigabytes; costs no request."""
        return self._get("disk_size_gb", float)

    @property
    def threads_per_core(self) -> int | None:
        """Threads that run on each core; costs no request."""
        return self._get("threads_per_core", int)

    @property
    def max_idle_time(self) -> timedelta | None:
        """How long the group may be without a task before it is ended; costs no request."""
        seconds = self._get("max_idle_time", float)
        return None if seconds is None else timedelta(seconds=seconds)

    @property
    def auto_terminate_ts(self) -> datetime | None:
        """When the service ends the group in any case, if ever; costs no request."""
        moment = self._get("auto_terminate_ts", datetime)
        return None if moment is None or moment.year >= _NEVER else moment

    @property
    def zone(self) -> str | None:
        """Where the machines are; costs no request."""
        return self._get("zone", str)

    @property
    def provider(self) -> str | None:
        """Whose machines they are, such as ``"GCP"``; costs no request."""
        return self._get("provider_id", str)

    @property
    def cost_per_hour(self) -> float | None:
        """US dollars per hour at most; one request unless told before. None where not known."""
        return self._cost().high

    def estimate_cost(self) -> CostEstimate:
        """Return what the group costs per hour as spot machines and on demand.

        Costs one request the first time, and no money; the group need not be registered.

        Returns
        -------
        CostEstimate
            US dollars per hour for the most machines that the group may have.

        Examples
        --------
        >>> cost = inductiva.resources.MachineGroup("c2-standard-4").estimate_cost()
        >>> print(cost)
        0.00... US$ (spot), 0.00... US$ (on demand)
        """
        return estimate(self._machine_price(), self._bounds())

    def register(self) -> machines.MachineGroupInfo:
        """Make the group known to the service, where it is not yet.

        Costs one request the first time, and no money.

        Returns
        -------
        MachineGroup
            The service's word on the group: its id, name, status.

        Raises
        ------
        InputError
            The service does not accept the group, for an unknown machine type perhaps.
        """
        if self._known is None and self._request is not None:
            client = self._client()
            try:
                self._known = client.register_machine_group(self._request)
            except (errors.InvalidRequestError, errors.NotFoundError) as error:
                why = error.detail or str(error)
                message = (
                    f"{client.url} does not accept this {self.kind} ({self._summary()}): {why}"
                )
                raise errors.InputError(message) from error
        assert self._known is not None  # noqa: S101 - an object has the one or the other
        return self._known

    def refresh(self) -> Self:
        """Return the object itself, after asking the service how the group is; costs one request.

        Raises
        ------
        NotFoundError
            The group has ended.
        """
        known = self.register()
        self._known = self._client().get_machine_group(known.name or known.id)
        return self

    def start(self, *, quiet: bool = False) -> None:
        """Start the machines: from here on the group costs money, until it ends.

        Costs one request, one more where the group is not registered, and one more where the
        service has not told the cost. A group that is started already is left alone.

        Parameters
        ----------
        quiet
            Whether to leave out the line that tells the cost, before anything is started.

        Raises
        ------
        InputError
            The service does not accept the group, or it was terminated.
        """
        known = self.register()
        if self.status in _ENDED:
            raise errors.InputError(
                f"The {self.kind} {self.name} was terminated and cannot be started again: "
                "make a new one."
            )
        if self.status in _ON_THE_WAY:
            return
        if not quiet:
            name = known.name or known.id
            sys.stdout.write(f"Starting {name}: {self._summary()}, {self._cost()}.\n")
            sys.stdout.flush()
        try:
            self._client().start_machine_group(known.id)
        except errors.APITimeoutError:
            # Machines may take longer to come up than we wait for the answer.
            if self.refresh().status not in _ON_THE_WAY:
                raise
        else:
            self._known = replace(known, status="started", started=True)

    def terminate(self) -> None:
        """End the machines, and with them the cost.

        Tasks that still wait for the group are over, those that run are ended without output.
        Costs one request; none where the group is not registered, or was terminated before.
        """
        if self._known is None or self.status in _ENDED:
            return
        try:
            self._client().terminate_machine_group(self._known.id)
        except errors.NotFoundError:
            # It has ended by itself, idle or out of time.
            self._known = replace(self._known, status="terminated", started=False)
        else:
            self._known = replace(self._known, status="shutting_down", started=False)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            # The machines may be on their way all the same, as after an interrupt.
            self._give_back()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._give_back()

    # Inside --------------------------------------------------------------------------------------

    def _give_back(self) -> None:
        try:
            self.terminate()
        except errors.InductivaError as error:
            raise errors.InductivaError(
                f"The {self.kind} {self.name} could not be terminated and may still cost money. "
                f"Call terminate() again, or use the Inductiva console. {error}"
            ) from error

    def _client(self) -> Client:
        if self._chosen is None:
            self._chosen = default_client()
        return self._chosen

    def _get(self, field: str, _kind: type[Fact]) -> Fact | None:
        """Return a fact, of a kind, as the service told it, else as it was asked for."""
        value: Fact | None = getattr(self._known, field, None)
        return getattr(self._request, field, None) if value is None else value

    def _bounds(self) -> Bounds:
        """Return the fewest and the most machines."""
        return self.num_machines, self.num_machines

    def _summary(self) -> str:
        low, high = self._bounds()
        kind = self.machine_type or MISSING
        billing = {True: " (spot)", False: " (on demand)", None: ""}[self.spot]
        if high is None:
            return f"{kind}{billing}"
        return f"{high if low == high else f'{low} to {high}'} {_TIMES} {kind}{billing}"

    def _cost(self) -> HourlyRange:
        told, bounds = self._get("cost_per_hour", machines.HourlyCost), self._bounds()
        found = cost_from_service(told, bounds, may_be_free=self._client().is_local)
        return found or range_from_price(self._machine_price(), bounds, self.spot)

    def _machine_price(self) -> machines.MachinePrice:
        if self._price is None:
            kind, unknown = self.machine_type, machines.MachinePrice()
            self._price = self._client().get_machine_price(kind, self.zone) if kind else unknown
        return self._price
