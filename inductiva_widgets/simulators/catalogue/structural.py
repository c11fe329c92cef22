"""Simulators of structures and fields, and custom images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.tasks import CommandSpec
from inductiva_widgets.simulators._commands import CommandLike
from inductiva_widgets.simulators._commands_mpi import check_positive, openmp_env
from inductiva_widgets.simulators.base import Simulator
from inductiva_widgets.simulators.bases import (
    CommandsSimulator,
    ConfigFileSimulator,
    ScriptSimulator,
)
from inductiva_widgets.simulators.options import InputDir, MpiOptions, RunOptions
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from typing_extensions import Unpack


class CalculiX(Simulator):
    """CalculiX: finite elements for structures."""

    alias = "calculix"
    image = "calculix"

    def run(
        self,
        input_dir: InputDir = None,
        sim_config_filename: str = "",
        *,
        n_vcpus: int | None = None,
        **options: Unpack[RunOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        sim_config_filename
            Path of the ``.inp`` file in the folder.
        n_vcpus
            Number of threads; None for all of the machine.
        **options
            Common arguments, see ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        name = inputs.input_file(sim_config_filename, "sim_config_filename").removesuffix(".inp")
        count = check_positive(n_vcpus, "n_vcpus")
        return self._submit(
            inputs,
            lambda machine: [
                CommandSpec(cmd=f"ccx -i {name}", env=openmp_env(count or machine.n_vcpus))
            ],
            options,
        )


class OpenSees(ConfigFileSimulator):
    """OpenSees: structures in earthquakes.

    Parameters
    ----------
    version, use_dev
        As for ``Simulator``.
    interface
        Language of the model: ``"python"``, ``"tcl"``, or ``"eesd"`` for the Tcl build of that
        name, which runs as one process.
    """

    alias = "opensees"
    multi_node = True

    # Image and program by interface.
    _BUILDS = {  # noqa: RUF012
        "python": ("openseespy", "python"),
        "tcl": ("opensees", "OpenSeesMP"),
        "eesd": ("opensees-eesd", "OpenSees"),
    }

    def __init__(
        self, version: str | None = None, use_dev: bool = False, interface: str = "python"
    ) -> None:
        if interface not in self._BUILDS:
            raise InputError(
                f"Unknown interface {interface!r}, expected one of: {', '.join(self._BUILDS)}."
            )
        super().__init__(version=version, use_dev=use_dev)
        self.interface = interface
        self.image, self.program = self._BUILDS[interface]

    def _main_command(self, cmd: str, options: MpiOptions) -> CommandLike:
        return cmd if self.interface == "eesd" else super()._main_command(cmd, options)


class GprMax(CommandsSimulator):
    """gprMax: ground-penetrating radar."""

    alias = "GprMax"
    image = "gprmax"
    multi_node = True


class Elmer(ScriptSimulator):
    """Elmer: multiphysics finite elements."""

    alias = "elmer"
    image = "elmer"
    multi_node = True


class FreeFEM(ScriptSimulator):
    """FreeFEM: finite elements for user-defined equations."""

    alias = "freefem"
    image = "freefem"


class OpenFAST(CommandsSimulator):
    """OpenFAST: wind turbines on land and at sea."""

    alias = "openfast"
    image = "openfast"


class CustomImage(CommandsSimulator):
    """Custom container image, or any installed program on the embedded server.

    Parameters
    ----------
    container_image
        Address of the image, such as ``"docker://user/image:tag"``.

    Raises
    ------
    InputError
        The address is empty or no text.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> image = inductiva.simulators.CustomImage("docker://user/image:tag")
    >>> task = image.run("cases/swmm_storm", commands=["runswmm model.inp model.rpt"])
    >>> task.kill()
    """

    alias = None
    multi_node = True

    def __init__(self, container_image: str) -> None:
        if not isinstance(container_image, str) or not container_image.strip():
            raise InputError(
                f"`container_image` must be the address of an image, got {container_image!r}."
            )
        super().__init__()
        self._image = container_image.strip()

    def container_image(self, client: Any = None, machine: Any = None) -> str:  # noqa: ARG002
        """Return the image as given.

        Parameters
        ----------
        client, machine
            Ignored.
        """
        return self._image
