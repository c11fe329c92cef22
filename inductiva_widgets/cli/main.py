"""``inductiva-widgets``: the command group, its error handling and shell completion."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from inductiva_widgets._version import __version__
from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.cli.demo import demo
from inductiva_widgets.cli.local import local
from inductiva_widgets.cli.serve import serve
from inductiva_widgets.cli.tasks import logs, tasks
from inductiva_widgets.errors import InductivaError


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Example, in ~/.bashrc:
      eval "$(inductiva-widgets completion bash)"
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"There is no completion for {shell}.")
    root = context.find_root().command
    maker = kind(root, {}, "inductiva-widgets", "_INDUCTIVA_WIDGETS_COMPLETE")
    click.echo(maker.source())


class _Main(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. On Ctrl-C, exit silently with the code 130 that shells use for it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(130)


@click.group(
    cls=_Main, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, package_name="inductiva-widgets")
def main() -> None:
    """Inspect and manage simulations.

    \b
    The service and the key are set by INDUCTIVA_API_URL and INDUCTIVA_API_KEY (or the file
    ~/.inductiva/api_key). INDUCTIVA_API_URL=local selects the embedded server.
    """


main.add_command(tasks)
main.add_command(logs)
main.add_command(serve)
main.add_command(local)
main.add_command(demo)
main.add_command(completion)


def run() -> None:
    """Run the command line. Expected errors are printed as one line with exit code 1."""
    try:
        main(prog_name="inductiva-widgets")
    except InductivaError as error:
        message = error.shell_message
    except OSError as error:
        # click handles a closed pipe.
        if error.errno == errno.ENOSPC:
            _drop_output()
        message = _describe(error)
    click.echo(f"Error: {message}", err=True)
    sys.exit(1)


def _describe(error: OSError) -> str:
    """Return an error of the operating system as a sentence."""
    reason = error.strerror or type(error).__name__
    text = f"{error.filename}: {reason}." if error.filename else f"{reason}."
    return escape_control_chars(text)


def _drop_output() -> None:
    """Drop what could not be written to the standard output.

    Python would try again when it exits, and report a second error.
    """
    with Path(os.devnull).open("wb") as null:
        os.dup2(null.fileno(), sys.stdout.fileno())
