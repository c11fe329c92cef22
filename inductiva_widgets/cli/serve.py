"""``inductiva-widgets serve``: the embedded server in the foreground."""

from __future__ import annotations

import click


@click.command()
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="0 for any free port.")
@click.option("--data-dir", type=click.Path(file_okay=False), help="Where tasks are kept.")
@click.option("--api-key", help="Key that clients must send; by default one is made and kept.")
@click.option(
    "--idle-timeout",
    type=click.FloatRange(min=1),
    help="Quit after this many seconds without a request and without an unfinished task.",
)
def serve(port: int, data_dir: str | None, api_key: str | None, idle_timeout: float | None) -> None:
    """Run the embedded server; prints "listening on URL" when it is ready.

    \b
    Example:
      inductiva-widgets serve --port 8123 --data-dir ./server --api-key my-key
    """
    from inductiva_widgets.local.serve import serve as run_server

    run_server(port=port, data_dir=data_dir, api_key=api_key, idle_timeout=idle_timeout)
