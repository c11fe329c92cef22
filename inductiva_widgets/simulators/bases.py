"""The ways in which most simulators are run; a simulator of a family is a few declared facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.machines import MachineGroup
from inductiva_widgets.simulators._commands import CommandLike, as_list
from inductiva_widgets.simulators._commands_mpi import MPI_VERSION, mpi
from inductiva_widgets.simulators._inputs import Inputs
from inductiva_widgets.simulators.base import Simulator, Steps
from inductiva_widgets.simulators.options import InputDir, MpiOptions, RunOptions
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _UserCommands(Simulator):
    """What runs the user's own commands."""

    def _placed(self, command: str, machine: MachineGroup) -> CommandLike:  # noqa: ARG002
        """Return how a command line is run on a machine; as it stands, unless a class knows more.

        Commands given as objects are never touched: whoever writes one says how it is to run.
        """
        return command

    def _on_machine(self, commands: list[CommandLike]) -> Steps:
        return lambda machine: [
            self._placed(command, machine) if isinstance(command, str) else command
            for command in commands
        ]


class CommandsSimulator(_UserCommands):
    """A simulator that runs the user's own list of commands."""

    def run(
        self,
        input_dir: InputDir = None,
        *,
        commands: Iterable[CommandLike],
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
        inputs = self._inputs(input_dir, options)
        return self._run(inputs, self._on_machine(as_list(commands)), options)


class ScriptSimulator(_UserCommands):
    """A simulator that runs the user's own list of commands, or a script of theirs."""

    def run(
        self,
        input_dir: InputDir = None,
        *,
        commands: Iterable[CommandLike] | None = None,
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
        inputs = self._inputs(input_dir, options)
        steps = self._either(inputs, commands, shell_script)
        return self._run(inputs, self._on_machine(steps), options)

    def _either(
        self, inputs: Inputs, commands: Iterable[CommandLike] | None, shell_script: str | None
    ) -> list[CommandLike]:
        if (commands is None) == (shell_script is None):
            raise InputError(f"{type(self).__name__} runs either commands or a shell_script.")
        if commands is not None:
            return as_list(commands)
        return [f"bash {inputs.file(shell_script or '', 'shell_script')}"]


class ConfigFileSimulator(Simulator):
    """A simulator whose program runs under MPI on one configuration file."""

    takes = MpiOptions
    program: str = ""
    """The program; the file's name is its argument."""
    before: ClassVar[tuple[str, ...]] = ()
    """Commands to run first."""
    mpi_version: ClassVar[str] = MPI_VERSION
    """Version of Open MPI that its image holds."""

    def run(
        self,
        input_dir: InputDir = None,
        *,
        sim_config_filename: str,
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
        inputs = self._inputs(input_dir, options)
        name = inputs.file(sim_config_filename, "sim_config_filename")
        main = self._main(f"{self.program} {name}", options)
        return self._run(inputs, [*self.before, main], options)

    def _main(self, cmd: str, options: MpiOptions) -> CommandLike:
        return mpi(cmd, options, version=self.mpi_version)
