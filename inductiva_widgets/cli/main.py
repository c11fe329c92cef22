"""``inductiva-widgets``: the command group and its error handling."""

from __future__ import annotations

import sys

import click

from inductiva_widgets._version import __version__
from inductiva_widgets.cli.completion import completion
from inductiva_widgets.cli.demo import demo
from inductiva_widgets.cli.local import local
from inductiva_widgets.cli.logs import logs
from inductiva_widgets.cli.serve import serve
from inductiva_widgets.cli.tasks import tasks
from inductiva_widgets.errors import InductivaError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
