"""Base class of simulators."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec

from inductiva_widgets.errors import InputError
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.http.time_limits import persistent
from inductiva_widgets.models.machines import MachineGroupInfo
from inductiva_widgets.models.tasks import TaskSubmission
from inductiva_widgets.projects import current_project
from inductiva_widgets.simulators._commands import CommandLike, parse_commands, parse_duration
from inductiva_widgets.simulators._inputs import Inputs
from inductiva_widgets.simulators._machine_group import (
    ensure_started,
    resolve_machine_group,
)
from inductiva_widgets.simulators._upload import submit_and_upload
from inductiva_widgets.simulators._versions import DEVICES, Device, select_image_variant
from inductiva_widgets.simulators.options import InputDir, RunOptions
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

_REGISTRY = "docker://inductiva/kutu:"

Steps = Iterable[CommandLike] | Callable[[MachineGroupInfo], Iterable[CommandLike]]
"""Commands, or a function that returns the commands for a machine group."""


class Simulator:
    """Base class of simulators, whose ``run`` submits a simulation and returns its task.

    ``run`` validates its arguments before the first request, and uploads the input folder as one
    archive. Failed requests are repeated. If the response to the submission is lost, the task is
    found by a unique id in its parameters, so that no second one runs. If the inputs cannot be
    uploaded, for example because a file changes during the upload, the task is killed.

    Notes
    -----
    Requests of ``run``: 6, 1 or 2 more if ``project`` is given, and up to 3 more to register and
    start a machine group.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> swmm = inductiva.simulators.SWMM()
    >>> task = swmm.run("cases/swmm_storm", time_to_live="10m")
    >>> print(task.wait())
    success
    """

    # Not ClassVar, since some classes set them for each instance.
    alias: str | None = None
    """Name of the simulator in the API."""
    image: str = ""
    """Name of the image in the catalogue of versions."""
    device: Device = "auto"
    """Device to run on; ``"auto"`` for the GPU if both the machine and the version support it."""
    multi_node: ClassVar[bool] = False
    """If True, one task can use all machines of an MPI cluster."""
    run_options: ClassVar[type[Any]] = RunOptions
    """Type of the keyword arguments of ``run``."""

    def __init__(self, version: str | None = None, use_dev: bool = False) -> None:
        """Set the version of the simulator.

        Parameters
        ----------
        version
            Version of the simulator, or None for the newest one offered by the service.
        use_dev
            If True, use development images.

        Raises
        ------
        InputError
            ``version`` is not a string.
        """
        if version is not None and not isinstance(version, str):
            raise InputError(
                f"`version` must be a string such as {str(version)!r}, got {version!r}."
            )
        self.version = version
        self.use_dev = use_dev

    def __repr__(self) -> str:
        version = "" if self.version is None else f"version={self.version!r}"
        return f"{type(self).__name__}({version})"

    @property
    def name(self) -> str:
        """Name of the simulator."""
        return type(self).__name__

    @property
    def image_uri(self) -> str:
        """Container image, as ``container_image`` returns it. One request."""
        return self.container_image()

    def container_image(
        self, client: Client | None = None, machine: MachineGroupInfo | None = None
    ) -> str:
        """Return the container image of the simulator.

        Parameters
        ----------
        client
            Client of the service, or None for the default one.
        machine
            Machine group of the task, to select the variant for CPUs or GPUs.

        Raises
        ------
        InputError
            The service does not offer the simulator or its version, or the machine has no GPU, but
            ``device`` is ``"gpu"``.

        Notes
        -----
        Requests: 1.

        Examples
        --------
        >>> inductiva.simulators.SWMM().container_image()
        'docker://inductiva/kutu:swmm_v...'
        """
        client = client or default_client()
        name = type(self).__name__
        catalogue = client.list_images()
        offered = catalogue.development if self.use_dev else catalogue.production
        if not offered.get(self.image):
            images = ", ".join(sorted(offered)) or "none"
            raise InputError(f"{client.url} does not offer {name}, expected one of: {images}.")
        has_gpu = machine is not None and machine.has_gpu
        # The embedded server does not detect GPUs, so the user decides.
        if self.device == "gpu" and machine and machine.has_no_gpu and not client.is_local:
            raise InputError(
                f"{name} requires a machine with a GPU, but {machine.display_name} has none."
            )
        variant = select_image_variant(
            name, offered[self.image], self.version, self.device, has_gpu
        )
        return f"{_REGISTRY}{self.image}_{variant.tag}{'_dev' if self.use_dev else ''}"

    def _validate_inputs(self, input_dir: InputDir, options: RunOptions) -> Inputs:
        """Validate the names of the arguments and the inputs."""
        allowed = cast("frozenset[str]", self.run_options.__optional_keys__)
        unknown = sorted(set(options) - allowed)
        if unknown:
            raise InputError(
                f"Unknown argument of {type(self).__name__}.run(): {', '.join(unknown)}, "
                f"expected one of: {', '.join(sorted(allowed))}."
            )
        return Inputs(input_dir, options.get("remote_assets"))

    def _submit(
        self, inputs: Inputs, steps: Steps, options: RunOptions, **extra_params: Any
    ) -> Task:
        """Validate the options and submit the task, with ``extra_params`` added unchanged."""
        cleanup = _cleanup(options.get("on_finish_cleanup"), inputs)
        if not callable(steps):
            steps = parse_commands([*steps, *cleanup])
        seconds = parse_duration(options.get("time_to_live"))

        with persistent():
            client = default_client()
            machine = resolve_machine_group(client, options.get("on"))
            if machine.is_mpi_cluster and not self.multi_node:
                raise InputError(
                    f"{type(self).__name__} runs on one machine, but {machine.display_name} is an "
                    "MPI cluster. Pass another machine group as `on`."
                )
            if callable(steps):
                steps = [*steps(machine), *cleanup]
            commands = parse_commands(steps)
            image = self.container_image(client, machine)
            # Last, as only a valid submission is worth the cost of machines.
            ensure_started(machine, options.get("on"), auto_start=options.get("auto_start", True))
            project = options.get("project") or current_project()
            if project is not None:
                client.ensure_project(project)
            submission = TaskSubmission(
                simulator="arbitrary_commands",
                simulator_name_alias=self.alias,
                resource_pool=machine.id,
                container_image=image,
                extra_params={
                    "sim_dir": "sim_dir",
                    "container_image": image,
                    "commands": msgspec.to_builtins(commands),
                    **extra_params,
                },
                storage_path_prefix=options.get("storage_dir", ""),
                project=project,
                input_resources=inputs.assets,
                time_to_live_seconds=seconds,
                resubmit_on_preemption=options.get("resubmit_on_preemption", False),
            )
            return submit_and_upload(client, submission, inputs.folder)


class GpuVariantMixin(Simulator):
    """A simulator with a variant for GPUs that users may choose."""

    def __init__(
        self, version: str | None = None, use_dev: bool = False, device: Device = "auto"
    ) -> None:
        """Set the version and the device.

        Parameters
        ----------
        version
            Version of the simulator, or None for the newest one offered by the service.
        use_dev
            If True, use development images.
        device
            ``"cpu"``, ``"gpu"``, or ``"auto"`` for the GPU if the machine has one.

        Raises
        ------
        InputError
            ``device`` or ``version`` is invalid.
        """
        if device not in DEVICES:
            raise InputError(f"Unknown device {device!r}, expected one of: {', '.join(DEVICES)}.")
        super().__init__(version=version, use_dev=use_dev)
        self.device = device


def _cleanup(on_finish: str | Iterable[CommandLike] | None, inputs: Inputs) -> list[CommandLike]:
    if on_finish is None:
        return []
    if isinstance(on_finish, str):
        # Checked now, since a missing script would only fail at the end of a long run.
        return [f"bash {inputs.input_file(on_finish, 'on_finish_cleanup')}"]
    return list(on_finish)
