"""Simulators of molecules, materials and plasmas."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from inductiva_widgets.models.machines import MachineGroupInfo
from inductiva_widgets.simulators._commands import CommandLike, as_command_list
from inductiva_widgets.simulators._commands_mpi import hybrid_command, mpi_on_all_cpus
from inductiva_widgets.simulators.base import GpuVariantMixin, Simulator
from inductiva_widgets.simulators.bases import CommandsSimulator, ConfigFileSimulator
from inductiva_widgets.simulators.options import HybridOptions, InputDir, RunOptions
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from typing_extensions import Unpack


class GROMACS(GpuVariantMixin, CommandsSimulator):
    """GROMACS: molecular dynamics."""

    alias = "gromacs"
    image = "gromacs"


class CP2K(GpuVariantMixin, ConfigFileSimulator):
    """CP2K: quantum chemistry and solids."""

    alias = "cp2k"
    image = "cp2k"
    program = "cp2k.psmp"
    multi_node = True
    mpi_version = "5.0.6"


class NWChem(ConfigFileSimulator):
    """NWChem: computational chemistry."""

    alias = "nwchem"
    image = "nwchem"
    program = "nwchem"
    multi_node = True


class QuantumEspresso(CommandsSimulator):
    """Quantum ESPRESSO: electronic structure of materials.

    Its programs (``pw.x`` and the like) are run under MPI, on all processors of the machine group,
    except for those built for threads (``pw_openmp.x``).
    """

    alias = "quantumespresso"
    image = "quantum-espresso"
    multi_node = True

    def _wrap_command(self, command: str, machine: MachineGroupInfo) -> CommandLike:
        # Other commands, such as those that move files, must run once, not in each process.
        program = command.split(maxsplit=1)[0]
        is_parallel = program.endswith(".x") and not program.endswith("_openmp.x")
        return mpi_on_all_cpus(command, machine) if is_parallel else command


class Octopus(GpuVariantMixin):
    """Octopus: electrons in real space and real time."""

    alias = "octopus"
    image = "octopus"
    multi_node = True
    run_options = HybridOptions

    def run(
        self,
        input_dir: InputDir = None,
        commands: Iterable[CommandLike] = (),
        **options: Unpack[HybridOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        commands
            Command lines, run one after another in the folder, without a shell. Those that run
            ``octopus`` itself get the processes and threads.
        **options
            Processes, threads and common arguments, see ``HybridOptions`` and
            ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        listed = as_command_list(commands)

        def steps(machine: MachineGroupInfo) -> list[CommandLike]:
            return [
                hybrid_command(command, machine, options)
                if isinstance(command, str) and PurePosixPath(command.split()[0]).name == "octopus"
                else command
                for command in listed
            ]

        return self._submit(inputs, steps, options)


class GX(Simulator):
    """GX: turbulence in fusion plasmas; for GPUs only."""

    alias = "gx"
    image = "gx"
    device = "gpu"

    def run(
        self,
        input_dir: InputDir = None,
        sim_config_filename: str = "",
        **options: Unpack[RunOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        sim_config_filename
            Path of the configuration file in the folder.
        **options
            Common arguments, see ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        name = inputs.input_file(sim_config_filename, "sim_config_filename")
        return self._submit(inputs, [f"gx {name}"], options)
