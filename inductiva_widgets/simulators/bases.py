"""Base classes of simulators with the same kind of ``run``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.machines import MachineGroupInfo
from inductiva_widgets.simulators._commands import CommandLike, as_command_list
from inductiva_widgets.simulators._commands_mpi import MPI_VERSION, mpi_command
from inductiva_widgets.simulators._inputs import Inputs
from inductiva_widgets.simulators.base import Simulator, Steps
from inductiva_widgets.simulators.options import InputDir, MpiOptions, RunOptions
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _UserCommands(Simulator):
    """Simulator that runs commands of the user."""

    def _wrap_command(self, command: str, machine: MachineGroupInfo) -> CommandLike:  # noqa: ARG002
        """Return the command to run for a command line; by default the line itself.

        It is not called for commands given as objects, which are complete.
        """
        return command

    def _on_machine(self, commands: list[CommandLike]) -> Steps:
        return lambda machine: [
            self._wrap_command(command, machine) if isinstance(command, str) else command
            for command in commands
        ]


class CommandsSimulator(_UserCommands):
    """Simulator that runs a list of commands."""

    def run(
        self,
        input_dir: InputDir = None,
        commands: Iterable[CommandLike] = (),
        **options: Unpack[RunOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        commands
            Command lines, run one after another in the folder, without a shell.
        **options
            Common arguments, see ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        return self._submit(inputs, self._on_machine(as_command_list(commands)), options)


class ScriptSimulator(_UserCommands):
    """Simulator that runs a list of commands or a script."""

    def run(
        self,
        input_dir: InputDir = None,
        commands: Iterable[CommandLike] | None = None,
        *,
        shell_script: str | None = None,
        **options: Unpack[RunOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        commands
            Command lines, run one after another in the folder, without a shell.
        shell_script
            Instead of commands: path of a script in the folder, run with bash.
        **options
            Common arguments, see ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        steps = self._either(inputs, commands, shell_script)
        return self._submit(inputs, self._on_machine(steps), options)

    def _either(
        self, inputs: Inputs, commands: Iterable[CommandLike] | None, shell_script: str | None
    ) -> list[CommandLike]:
        if (commands is None) == (shell_script is None):
            raise InputError(f"Pass either `commands` or `shell_script` to {type(self).__name__}.")
        if commands is not None:
            return as_command_list(commands)
        return [f"bash {inputs.input_file(shell_script or '', 'shell_script')}"]


class ConfigFileSimulator(Simulator):
    """Simulator whose program runs under MPI with a configuration file as its argument."""

    run_options = MpiOptions
    program: str = ""
    """Name of the program."""
    pre_commands: ClassVar[tuple[str, ...]] = ()
    """Commands to run before the program."""
    mpi_version: ClassVar[str] = MPI_VERSION
    """Version of Open MPI in the image."""

    def run(
        self,
        input_dir: InputDir = None,
        sim_config_filename: str = "",
        **options: Unpack[MpiOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        sim_config_filename
            Path of the configuration file in the folder.
        **options
            MPI and common arguments, see ``MpiOptions`` and ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        name = inputs.input_file(sim_config_filename, "sim_config_filename")
        main = self._main_command(f"{self.program} {name}", options)
        return self._submit(inputs, [*self.pre_commands, main], options)

    def _main_command(self, cmd: str, options: MpiOptions) -> CommandLike:
        return mpi_command(cmd, options, version=self.mpi_version)
