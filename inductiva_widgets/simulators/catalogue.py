"""The simulators: what each is called on the wire and which commands it sends.

Names, images and commands are facts of the service's protocol.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.models import Command, MpiConfig
from inductiva_widgets.simulators.base import RunOptions, Simulator
from inductiva_widgets.simulators.commands import CommandLike
from inductiva_widgets.simulators.packing import check_input_folder
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from typing_extensions import Unpack

InputDir = str | os.PathLike[str] | None

_MPI_VERSION = "4.1.6"


def _mpi(cmd: str, n_vcpus: int | None = None, use_hwthread: bool = True) -> Command:
    options: dict[str, Any] = {"use-hwthread-cpus": use_hwthread}
    if n_vcpus is not None:
        options["np"] = n_vcpus
    return Command(cmd=cmd, mpi_config=MpiConfig(version=_MPI_VERSION, options=options))


class CommandsSimulator(Simulator):
    """A simulator that runs the user's own list of commands."""

    def run(
        self,
        input_dir: InputDir = None,
        *,
        commands: Iterable[CommandLike],
        **options: Unpack[RunOptions],
    ) -> Task:
        """Submit a simulation.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        commands
            Command lines, run one after another in the folder, without a shell.
        **options
            Common arguments, see :class:`RunOptions`.
        """
        return self._run(commands, input_dir, options=options)


class ConfigFileSimulator(Simulator):
    """A simulator that runs on one configuration file of the input folder."""

    def _config_file(self, input_dir: InputDir, name: str) -> str:
        if not isinstance(name, str) or not name:
            raise InputError("sim_config_filename must name the configuration file.")
        if input_dir is not None and not (check_input_folder(input_dir).path / name).is_file():
            raise InputError(f"The input folder {str(input_dir)!r} has no file {name!r}.")
        return name


class SWMM(CommandsSimulator):
    """EPA SWMM, the storm water management model; built into the embedded server."""

    alias = "swmm"
    image = "swmm"

    def run(
        self,
        input_dir: InputDir = None,
        *,
        commands: Iterable[CommandLike] | None = None,
        **options: Unpack[RunOptions],
    ) -> Task:
        """Submit a simulation.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        commands
            Command lines such as ``"runswmm model.inp model.rpt model.out"``. None for just this
            on the folder's only ``.inp`` file.
        **options
            Common arguments, see :class:`RunOptions`.
        """
        if commands is None:
            if input_dir is None:
                raise InputError("Give commands, such as ['runswmm model.inp model.rpt'].")
            models = sorted(check_input_folder(input_dir).path.glob("*.inp"))
            if len(models) != 1:
                found = ", ".join(model.name for model in models) or "none"
                raise InputError(
                    f"SWMM runs on the folder's only .inp file; {str(input_dir)!r} has {found}: "
                    "say which with commands=['runswmm model.inp model.rpt model.out']."
                )
            name = models[0].name
            stem = Path(name).stem
            if len(name.split()) > 1:
                raise InputError(f"The name {name!r} has blanks, which commands cannot carry.")
            commands = [f"runswmm {name} {stem}.rpt {stem}.out"]
        return super().run(input_dir, commands=commands, **options)


class REEF3D(Simulator):
    """REEF3D with its mesher DIVEMesh: free-surface flows, waves and coasts."""

    alias = "reef3d"
    image = "reef3d"

    def run(
        self,
        input_dir: InputDir = None,
        *,
        n_vcpus: int | None = None,
        use_hwthread: bool = True,
        **options: Unpack[RunOptions],
    ) -> Task:
        """Submit a simulation: the mesher, then the solver under MPI.

        Parameters
        ----------
        input_dir
            Folder with ``control.txt`` and ``ctrl.txt``.
        n_vcpus
            Number of MPI processes; None for all of the machine.
        use_hwthread
            Whether hardware threads count as processors.
        **options
            Common arguments, see :class:`RunOptions`.
        """
        commands = [
            Command(cmd="/DIVEMesh/bin/DiveMESH"),
            _mpi("/REEF3D/bin/REEF3D", n_vcpus, use_hwthread),
        ]
        return self._run(commands, input_dir, options=options)


class SplishSplash(ConfigFileSimulator):
    """SPlisHSPlasH: fluids and solids as particles."""

    alias = "splishsplash"
    image = "splishsplash"

    def run(
        self, input_dir: InputDir = None, *, sim_config_filename: str, **options: Unpack[RunOptions]
    ) -> Task:
        """Submit a simulation.

        Parameters
        ----------
        input_dir
            Folder with the scene and its meshes.
        sim_config_filename
            Name of the scene file in the folder.
        **options
            Common arguments, see :class:`RunOptions`.
        """
        name = self._config_file(input_dir, sim_config_filename)
        commands = [
            "cp /SPlisHSPlasH_CPU/bin/SPHSimulator .",
            f"./SPHSimulator {name} --no-gui --output-dir .",
            "rm SPHSimulator",
        ]
        return self._run(commands, input_dir, options=options)


class OpenFOAM(CommandsSimulator):
    """OpenFOAM: computational fluid dynamics.

    Parameters
    ----------
    distribution
        ``"foundation"`` or ``"esi"``.
    version, use_dev
        As for every simulator.
    """

    def __init__(
        self,
        *,
        distribution: str = "foundation",
        version: str | None = None,
        use_dev: bool = False,
    ) -> None:
        if distribution not in ("foundation", "esi"):
            raise InputError(f"distribution is 'foundation' or 'esi', not {distribution!r}.")
        super().__init__(version=version, use_dev=use_dev)
        # Two products under one class, as users know it, hence set on the object.
        self.alias = f"openfoam_{distribution}"  # type: ignore[misc]
        self.image = f"openfoam-{distribution}"  # type: ignore[misc]


class GROMACS(CommandsSimulator):
    """GROMACS: molecular dynamics."""

    alias = "gromacs"
    image = "gromacs"


class CalculiX(ConfigFileSimulator):
    """CalculiX: finite elements for structures."""

    alias = "calculix"
    image = "calculix"

    def run(
        self, input_dir: InputDir = None, *, sim_config_filename: str, **options: Unpack[RunOptions]
    ) -> Task:
        """Submit a simulation.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        sim_config_filename
            Name of the ``.inp`` file in the folder.
        **options
            Common arguments, see :class:`RunOptions`.
        """
        name = self._config_file(input_dir, sim_config_filename)
        return self._run([f"ccx -i {name.removesuffix('.inp')}"], input_dir, options=options)


class CustomImage(CommandsSimulator):
    """Any container image, or on the embedded server any program that it finds.

    Parameters
    ----------
    container_image
        Address of the image, such as ``"docker://user/image:tag"``.
    """

    alias = None

    def __init__(self, container_image: str) -> None:
        if not isinstance(container_image, str) or not container_image.strip():
            raise InputError("container_image must be the address of an image.")
        super().__init__()
        self._image = container_image.strip()

    def container_image(self, client: Any = None) -> str:  # noqa: ARG002
        """Return the image as given; costs no request."""
        return self._image
