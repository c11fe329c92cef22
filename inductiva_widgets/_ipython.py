"""IPython extension: the ``%inductiva`` magic and cards for vendor tasks.

The vendor's package is never imported: the formatter of its ``Task`` is registered by class name.
"""

from __future__ import annotations

import shlex
from typing import Any

_VENDOR_TASK = ("inductiva.tasks.task", "Task")


def load_extension(shell: Any) -> None:
    """Register the ``%inductiva`` magic and the display of the vendor's tasks."""
    shell.register_magic_function(_magic, "line", "inductiva")
    _formatter(shell).for_type_by_name(*_VENDOR_TASK, _show)


def unload_extension(shell: Any) -> None:
    """Unregister the magic and the formatter."""
    shell.magics_manager.magics["line"].pop("inductiva", None)
    formatter = _formatter(shell)
    # IPython keys the formatter by name until it first sees the class, then by the class.
    formatter.deferred_printers.pop(_VENDOR_TASK, None)
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
        # shlex raises ValueError for unbalanced quotes.
        click.echo(f"Error: {error or 'aborted'}", err=True)
    except SystemExit:
        # A cell has no exit code, and the message has been printed already.
        return


def _show(task: Any, **_: Any) -> Any:
    from inductiva_widgets.tasks.task import Task

    return Task(task.id)._repr_mimebundle_()
