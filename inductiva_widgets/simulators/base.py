"""Base class of simulators: validate, submit and upload."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec

from inductiva_widgets.errors import InputError
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.models.machines import MachineGroupInfo
from inductiva_widgets.models.tasks import TaskSubmission
from inductiva_widgets.simulators._commands import CommandLike, parse_commands, parse_duration
from inductiva_widgets.simulators._inputs import Inputs
from inductiva_widgets.simulators._machine_group import resolve_machine_group
from inductiva_widgets.simulators._upload import submit_and_upload
from inductiva_widgets.simulators._versions import DEVICES, Device, select_image_variant
from inductiva_widgets.simulators.options import InputDir, RunOptions
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

_REGISTRY = "docker://inductiva/kutu:"

Steps = Iterable[CommandLike] | Callable[[MachineGroupInfo], Iterable[CommandLike]]
"""Commands, or how to write them for a machine."""


class Simulator:
    """Base of the simulators: each has a ``run`` that submits a simulation and returns its task.

    ``run`` checks all it can before it asks the service for anything, and raises ``InputError``
    with what is wrong and what to do. It costs six requests, one or two more where ``project``
    names a project, and sends the input folder as one archive.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> swmm = inductiva.simulators.SWMM()
    >>> task = swmm.run("cases/swmm_storm", time_to_live="10m")
    >>> print(task.wait())
    success
    """

    # Not class variables in the typing sense: one class may stand for several products.
    alias: str | None = None
    """Name of the simulator on the wire."""
    image: str = ""
    """Name of its image in the catalogue of versions."""
    device: Device = "auto"
    """Whether to run the variant for GPUs; ``"auto"``: where machine and version have it."""
    multi_node: ClassVar[bool] = False
    """Whether one task can spread over the machines of an MPI cluster."""
    run_options: ClassVar[type[Any]] = RunOptions
    """The arguments of ``run`` that are declared apart from it."""

    def __init__(self, *, version: str | None = None, use_dev: bool = False) -> None:
        """Choose the simulator's version.

        Parameters
        ----------
        version
            Version of the simulator; None for the newest that the service offers.
        use_dev
            Whether to take development images.

        Raises
        ------
        InputError
            ``version`` is no text.
        """
        if version is not None and not isinstance(version, str):
            raise InputError(f"version must be text, such as {str(version)!r}.")
        self.version = version
        self.use_dev = use_dev

    def __repr__(self) -> str:
        version = "" if self.version is None else f"version={self.version!r}"
        return f"{type(self).__name__}({version})"

    def container_image(
        self, client: Client | None = None, machine: MachineGroupInfo | None = None
    ) -> str:
        """Return the container image that the chosen version runs in; costs one request.

        Parameters
        ----------
        client
            The service; None for the default one.
        machine
            Where it will run, which decides about the variant for GPUs.

        Raises
        ------
        InputError
            The service offers no such version, or not this simulator, or the machine has no GPU
            though one was asked for.

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
            others = ", ".join(sorted(offered)) or "none"
            raise InputError(f"{client.url} does not offer {name}. It offers: {others}.")
        has_gpu = machine is not None and machine.has_gpu
        # The embedded server does not look for GPUs: there the user knows better.
        if self.device == "gpu" and machine and machine.has_no_gpu and not client.is_local:
            raise InputError(f"{name} is to run on a GPU, and {machine.display_name} has none.")
        variant = select_image_variant(
            name, offered[self.image], self.version, self.device, has_gpu
        )
        return f"{_REGISTRY}{self.image}_{variant.tag}{'_dev' if self.use_dev else ''}"

    def _validate_inputs(self, input_dir: InputDir, options: RunOptions) -> Inputs:
        """Check the names of a run's arguments and the inputs; makes no request."""
        allowed = cast("frozenset[str]", self.run_options.__optional_keys__)
        unknown = sorted(set(options) - allowed)
        if unknown:
            raise InputError(
                f"{type(self).__name__}.run() has no argument {', '.join(unknown)}. "
                f"Common arguments: {', '.join(sorted(allowed))}."
            )
        return Inputs(input_dir, options.get("remote_assets"))

    def _submit(
        self, inputs: Inputs, steps: Steps, options: RunOptions, **extra_params: Any
    ) -> Task:
        """Check the rest, then submit; ``extra_params`` go to the service as they are."""
        cleanup = _cleanup(options.get("on_finish_cleanup"), inputs)
        if not callable(steps):
            steps = parse_commands([*steps, *cleanup])
        seconds = parse_duration(options.get("time_to_live"))

        client = default_client()
        machine = resolve_machine_group(client, options.get("on"))
        if machine.is_mpi_cluster and not self.multi_node:
            raise InputError(
                f"{type(self).__name__} runs on one machine; "
                f"{machine.display_name} is an MPI cluster."
            )
        if callable(steps):
            steps = [*steps(machine), *cleanup]
        commands = parse_commands(steps)
        image = self.container_image(client, machine)
        project = options.get("project")
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
        self, *, version: str | None = None, use_dev: bool = False, device: Device = "auto"
    ) -> None:
        """Choose the simulator's version and variant.

        Parameters
        ----------
        version
            Version of the simulator; None for the newest that the service offers.
        use_dev
            Whether to take development images.
        device
            ``"cpu"``, ``"gpu"``, or ``"auto"`` for the GPU where the machine has one.

        Raises
        ------
        InputError
            There is no such device, or ``version`` is no text.
        """
        if device not in DEVICES:
            raise InputError(f"device is one of {', '.join(DEVICES)}, not {device!r}.")
        super().__init__(version=version, use_dev=use_dev)
        self.device = device


def _cleanup(on_finish: str | Iterable[CommandLike] | None, inputs: Inputs) -> list[CommandLike]:
    if on_finish is None:
        return []
    if isinstance(on_finish, str):
        # Missing, it would be missed only at the end of a long run.
        return [f"bash {inputs.input_file(on_finish, 'on_finish_cleanup')}"]
    return list(on_finish)
