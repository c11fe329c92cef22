"""``inductiva-widgets completion``: print a shell completion script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


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
