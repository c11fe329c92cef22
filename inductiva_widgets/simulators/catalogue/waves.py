"""Simulators of waves: REEF3D, XBeach and the SWAN family."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, ClassVar

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.machines import MachineGroupInfo
from inductiva_widgets.models.tasks import CommandSpec
from inductiva_widgets.simulators._commands import CommandLike
from inductiva_widgets.simulators._commands_mpi import check_positive, mpi_command
from inductiva_widgets.simulators.base import Simulator
from inductiva_widgets.simulators.options import InputDir, MpiOptions
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from typing_extensions import Unpack


class REEF3D(Simulator):
    """REEF3D with its mesher DIVEMesh: free-surface flows, waves and coasts."""

    alias = "reef3d"
    image = "reef3d"
    multi_node = True
    run_options = MpiOptions

    def run(self, input_dir: InputDir = None, **options: Unpack[MpiOptions]) -> Task:
        """Submit a simulation, the mesher and then the solver under MPI, and return its task.

        Parameters
        ----------
        input_dir
            Folder with ``control.txt`` and ``ctrl.txt``.
        **options
            MPI and common arguments, see ``MpiOptions`` and ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        commands: list[CommandLike] = [
            "/DIVEMesh/bin/DiveMESH",
            mpi_command("/REEF3D/bin/REEF3D", options),
        ]
        return self._submit(inputs, commands, options)


class XBeach(Simulator):
    """XBeach: storms on sandy coasts."""

    alias = "xbeach"
    image = "xbeach"
    multi_node = True
    run_options = MpiOptions

    def run(
        self,
        input_dir: InputDir = None,
        *,
        export_vtk: bool = False,
        **options: Unpack[MpiOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with ``params.txt`` and what it names.
        export_vtk
            If True, write the results as VTK files as well.
        **options
            MPI and common arguments, see ``MpiOptions`` and ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        inputs.input_file("params.txt")
        commands: list[CommandLike] = [mpi_command("xbeach", options)]
        if export_vtk:
            commands.append(
                "python3 /usr/local/bin/xbeach_animator --input-dir . --output-dir . --export-vtk"
            )
        return self._submit(inputs, commands, options)


class _SwanFamily(Simulator):
    """Simulator that is started in the folder of its file, by a script or directly."""

    multi_node = True
    run_options = MpiOptions
    programs: ClassVar[tuple[str, ...]] = ()
    """Valid values of ``command``: a script ``...run``, or the program ``....exe``."""

    def _start(
        self,
        input_dir: InputDir,
        sim_config_filename: str,
        command: str,
        options: MpiOptions,
        env: dict[str, str] | None = None,
    ) -> Task:
        if command not in self.programs:
            raise InputError(
                f"Unknown command {command!r}, expected one of: {', '.join(self.programs)}."
            )
        inputs = self._validate_inputs(input_dir, options)
        path = inputs.input_file(sim_config_filename, "sim_config_filename")
        # The programs resolve paths in the file relative to their working folder.
        folder, name = posixpath.split(path)
        given = check_positive(options.get("n_vcpus"), "n_vcpus")

        def steps(machine: MachineGroupInfo) -> list[CommandLike]:
            if command.endswith(".exe"):
                return [mpi_command(f"{command} {name}", options, env=env)]
            slots = machine.n_vcpus or given
            if slots is None:
                raise InputError(
                    f"The number of processors of {machine.display_name} is unknown. Pass "
                    "`n_vcpus`."
                )
            count = given or slots
            if command == "unswan":
                return [CommandSpec(cmd=f"unswanrun -input {name} -omp {count}", env=env or {})]
            return [
                # The script reads the number of available slots from a file.
                CommandSpec(
                    cmd="dd if=/dev/stdin of=machinefile", prompts=[f"localhost slots={slots}"]
                ),
                CommandSpec(cmd=f"{command} -input {name} -mpi {count}", env=env or {}),
            ]

        return self._submit(inputs, steps, options, run_subprocess_dir=folder or ".")


class SWASH(_SwanFamily):
    """SWASH: phase-resolved waves near coasts and in harbours."""

    alias = "swash"
    image = "swash"
    programs: ClassVar[tuple[str, ...]] = ("swashrun", "swash.exe")

    def run(
        self,
        input_dir: InputDir = None,
        sim_config_filename: str = "",
        *,
        command: str = "swashrun",
        gfortran_unbuffered_all: bool = False,
        **options: Unpack[MpiOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        sim_config_filename
            Path of the ``.sws`` file in the folder.
        command
            ``"swashrun"``, or ``"swash.exe"`` for the program without its starting script.
        gfortran_unbuffered_all
            If True, the program flushes its output immediately, which is slower.
        **options
            MPI and common arguments, see ``MpiOptions`` and ``RunOptions``.
        """
        env = {"GFORTRAN_UNBUFFERED_ALL": "YES" if gfortran_unbuffered_all else "NO"}
        return self._start(input_dir, sim_config_filename, command, options, env)


class SWAN(_SwanFamily):
    """SWAN: the state of the sea near coasts."""

    alias = "swan"
    image = "swan"
    programs: ClassVar[tuple[str, ...]] = ("swanrun", "swan.exe", "unswan")

    def run(
        self,
        input_dir: InputDir = None,
        sim_config_filename: str = "",
        *,
        command: str = "swanrun",
        **options: Unpack[MpiOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        sim_config_filename
            Path of the ``.swn`` file in the folder.
        command
            ``"swanrun"``, ``"swan.exe"`` for the program without its starting script, or, but not
            for SNL-SWAN, ``"unswan"`` for unstructured meshes with threads.
        **options
            MPI and common arguments, see ``MpiOptions`` and ``RunOptions``.
        """
        return self._start(input_dir, sim_config_filename, command, options)


class SNLSWAN(SWAN):
    """SNL-SWAN: SWAN with wave energy converters."""

    alias = "snlswan"
    image = "snl-swan"
    programs: ClassVar[tuple[str, ...]] = ("swanrun", "swan.exe")
