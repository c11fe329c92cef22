"""IPython extension: the ``%inductiva`` magic and cards for vendor tasks.

The vendor's own package is never imported: the display of its ``Task`` is registered under its
name, and used only if that class shows up.
"""

from __future__ import annotations

import shlex
from typing import Any

_VENDORS_TASK = ("inductiva.tasks.task", "Task")


def load_extension(shell: Any) -> None:
    """Register the ``%inductiva`` magic and the display of the vendor's tasks."""
    shell.register_magic_function(_magic, "line", "inductiva")
    _formatter(shell).for_type_by_name(*_VENDORS_TASK, _show)


def unload_extension(shell: Any) -> None:
    """Take both back."""
    shell.magics_manager.magics["line"].pop("inductiva", None)
    formatter = _formatter(shell)
    # Registered by name until the class is first seen, by the class itself afterwards.
    formatter.deferred_printers.pop(_VENDORS_TASK, None)
    for kind in [kind for kind, shown in formatter.type_printers.items() if shown is _show]:
        formatter.pop(kind)


def _formatter(shell: Any) -> Any:
    return shell.display_formatter.mimebundle_formatter


def _magic(line: str) -> None:
    """Run the command line in this cell, as in ``%inductiva tasks list -n 3``."""
    import click

    from inductiva_widgets.cli.main import main
    from inductiva_widgets.errors import InductivaError

    try:
        main.main(shlex.split(line), prog_name="%inductiva", standalone_mode=False)
    except click.ClickException as error:
        error.show()
    except (click.Abort, InductivaError, ValueError) as error:
        # ValueError: quotes that do not match.
        click.echo(f"Error: {error or 'aborted'}", err=True)
    except SystemExit:
        # Exit codes mean nothing in a cell; what was to be said has been printed.
        return


def _show(task: Any, **_: Any) -> Any:
    from inductiva_widgets.tasks.task import Task

    return Task(task.id)._repr_mimebundle_()
