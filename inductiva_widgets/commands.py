"""Commands of a simulation, with input, environment and MPI settings.

```python
command = inductiva.commands.Command("runswmm model.inp model.rpt", env={"LANG": "C"})
task = inductiva.simulators.SWMM().run("cases/swmm_storm", [command])
```
"""

from __future__ import annotations

from typing import Any

from inductiva_widgets.simulators._commands import parse_commands

__all__ = ["Command", "MPIConfig"]


class MPIConfig(dict[str, Any]):
    """Version and options of MPI.

    Parameters
    ----------
    version
        Version of Open MPI in the image, such as ``"4.1.6"``.
    **kwargs
        Options of ``mpirun``, with underscores for hyphens.

    Examples
    --------
    >>> from inductiva_widgets.commands import MPIConfig
    >>> MPIConfig("4.1.6", np=4, use_hwthread_cpus=False).to_dict()
    {'version': '4.1.6', 'options': {'np': 4, 'use-hwthread-cpus': False}}
    """

    def __init__(self, version: str, **kwargs: Any) -> None:
        options = {name.replace("_", "-"): value for name, value in kwargs.items()}
        super().__init__(version=version, options=options)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as they are submitted."""
        return dict(self)


class Command(dict[str, Any]):
    """A command of a simulation, run without a shell.

    Parameters
    ----------
    cmd
        Command line.
    *prompts
        Lines of its standard input.
    mpi_config
        MPI settings, or None to run without MPI.
    env
        Environment variables.

    Raises
    ------
    InputError
        The command is empty or has shell characters, or an argument has another type.

    Examples
    --------
    >>> from inductiva_widgets.commands import Command
    >>> Command("gmx genrestr", "Protein", env={"GMX_MAXBACKUP": "-1"}).to_dict()["prompts"]
    ['Protein']
    """

    def __init__(
        self,
        cmd: str,
        *prompts: str,
        mpi_config: MPIConfig | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        super().__init__(cmd=cmd, prompts=list(prompts), mpi_config=mpi_config, env=env or {})
        parse_commands([self])

    def to_dict(self) -> dict[str, Any]:
        """Return the command as it is submitted."""
        return dict(self)
