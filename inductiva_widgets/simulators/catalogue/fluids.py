"""Simulators of fluid dynamics, with meshes or particles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.machines import MachineGroupInfo
from inductiva_widgets.simulators._commands import CommandLike
from inductiva_widgets.simulators._commands_mpi import hybrid_command, mesh_command, mpi_on_all_cpus
from inductiva_widgets.simulators.base import GpuVariantMixin, Simulator
from inductiva_widgets.simulators.bases import ConfigFileSimulator, ScriptSimulator
from inductiva_widgets.simulators.options import HybridOptions, InputDir, MeshOptions
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AmrWind(GpuVariantMixin, ConfigFileSimulator):
    """AMR-Wind: winds and wind farms on adaptive meshes."""

    alias = "amrwind"
    image = "amr-wind"
    program = "amr_wind"
    multi_node = True


class CaNS(GpuVariantMixin, ConfigFileSimulator):
    """CaNS: direct numerical simulation of turbulent flows."""

    alias = "cans"
    image = "cans"
    program = "cans"
    pre_commands = ("mkdir -p data",)
    multi_node = True


class OpenFOAM(ScriptSimulator):
    """OpenFOAM: computational fluid dynamics.

    Commands with ``-parallel`` are run under MPI, on all processors of the machine group.

    Parameters
    ----------
    distribution
        ``"foundation"`` or ``"esi"``.
    version, use_dev
        As for ``Simulator``.
    include_cfmesh
        If True, use the build with the mesher cfMesh, for version 2412 of ESI only.
    """

    multi_node = True

    def __init__(
        self,
        distribution: str = "foundation",
        version: str | None = None,
        use_dev: bool = False,
        include_cfmesh: bool = False,
    ) -> None:
        if distribution not in ("foundation", "esi"):
            raise InputError(
                f"Unknown distribution {distribution!r}, expected one of: foundation, esi."
            )
        if include_cfmesh and (distribution, version) != ("esi", "2412"):
            raise InputError("`include_cfmesh` requires distribution='esi' and version='2412'.")
        super().__init__(version=version, use_dev=use_dev)
        # The build with cfMesh is selected by its alias and has no image name of its own.
        self.alias = "openfoam_cfmesh_v2412_dev" if include_cfmesh else f"openfoam_{distribution}"
        self.image = f"openfoam-{distribution}"

    def _wrap_command(self, command: str, machine: MachineGroupInfo) -> CommandLike:
        return mpi_on_all_cpus(command, machine) if "-parallel" in command.split() else command


class FDS(Simulator):
    """Fire Dynamics Simulator: fires, smoke and heat in buildings."""

    alias = "fds"
    image = "fds"
    run_options = HybridOptions

    def run(
        self,
        input_dir: InputDir = None,
        sim_config_filename: str = "",
        *,
        smokeview_case_name: str | None = None,
        smokeview_video_sources: Iterable[str] | None = None,
        **options: Unpack[HybridOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        sim_config_filename
            Path of the ``.fds`` file in the folder.
        smokeview_case_name
            Case whose Smokeview script is run at the end; None for none.
        smokeview_video_sources
            First parts of the names of the pictures that become videos.
        **options
            Processes, threads and common arguments, see ``HybridOptions`` and
            ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        name = inputs.input_file(sim_config_filename, "sim_config_filename")
        after: list[CommandLike] = []
        if smokeview_case_name is not None:
            after.append(f"smokeview -runscript {smokeview_case_name}")
        after += [f"bash /scripts/make_movie.sh {part}" for part in smokeview_video_sources or ()]
        solver = f"/opt/fds/Build/ompi_gnu_linux/fds_ompi_gnu_linux {name}"
        return self._submit(
            inputs, lambda machine: [hybrid_command(solver, machine, options), *after], options
        )


class SplishSplash(Simulator):
    """SPlisHSPlasH: fluids and solids as particles."""

    alias = "splishsplash"
    image = "splishsplash"
    run_options = MeshOptions

    def run(
        self,
        input_dir: InputDir = None,
        sim_config_filename: str = "",
        *,
        gen_gif: bool = False,
        gen_gif_cam_pos: Sequence[float] = (4.0, 1.0, 4.0),
        gen_gif_cam_fp: Sequence[float] = (0.0, 0.0, 0.0),
        **options: Unpack[MeshOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the scene and its meshes.
        sim_config_filename
            Path of the scene file in the folder.
        gen_gif
            If True, create an animation of the VTK files at the end.
        gen_gif_cam_pos
            Position of the camera: x, y, z.
        gen_gif_cam_fp
            Point that its camera looks at: x, y, z.
        **options
            Mesh and common arguments, see ``MeshOptions`` and ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        name = inputs.input_file(sim_config_filename, "sim_config_filename")
        commands = [
            "cp /SPlisHSPlasH_CPU/bin/SPHSimulator .",
            f"./SPHSimulator {name} --no-gui --output-dir .",
            "rm SPHSimulator",
            *mesh_command(options),
        ]
        if gen_gif:
            camera = _point(gen_gif_cam_pos, "gen_gif_cam_pos")
            focus = _point(gen_gif_cam_fp, "gen_gif_cam_fp")
            commands.append(
                "python3 /home/scripts/gen_gif.py ./vtk res.gif "
                f"--cam_pos {camera} --cam_fp {focus}"
            )
        return self._submit(inputs, commands, options)


class DualSPHysics(GpuVariantMixin):
    """DualSPHysics: waves and impacts as particles."""

    alias = "dualsphysics"
    image = "dualsphysics"
    run_options = MeshOptions

    def run(
        self, input_dir: InputDir = None, shell_script: str = "", **options: Unpack[MeshOptions]
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        shell_script
            Path of the script in the folder that runs the programs of DualSPHysics.
        **options
            Mesh and common arguments, see ``MeshOptions`` and ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        script = inputs.input_file(shell_script, "shell_script")
        return self._submit(inputs, [f"bash {script}", *mesh_command(options)], options)


def _point(values: Sequence[float], argument: str) -> str:
    if len(values) != 3:
        raise InputError(f"`{argument}` must be three numbers, got {values!r}.")
    return " ".join(str(value) for value in values)
