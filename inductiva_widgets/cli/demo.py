"""``inductiva-widgets demo``: open JupyterLab with the embedded server."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from inductiva_widgets.errors import ConfigurationError

_NOTEBOOK = "quickstart.ipynb"
_PATIENCE = 60.0


@click.command()
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of JupyterLab.")
@click.option("--dir", "folder", type=click.Path(file_okay=False), help="Folder of the notebooks.")
def demo(no_browser: bool, port: int | None, folder: str | None) -> None:
    """Open the quick start in JupyterLab, with simulations on this machine."""
    from inductiva_widgets.http.default_client import connect

    if importlib.util.find_spec("jupyterlab") is None:
        raise ConfigurationError(
            'JupyterLab is not installed: pip install "inductiva-widgets[demo]".'
        )
    notebooks = _notebooks(None if folder is None else Path(folder))
    client = connect("local")
    click.echo(f"Embedded server: {client.url}")
    command = [sys.executable, "-m", "jupyterlab", f"--notebook-dir={notebooks}"]
    command += [f"--LabApp.default_url=/lab/tree/{_NOTEBOOK}"]
    command += ["--no-browser"] if no_browser else []
    command += [] if port is None else [f"--port={port}", "--ServerApp.port_retries=0"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    click.echo("Starting JupyterLab …")
    process = subprocess.Popen(command, env={**os.environ, "INDUCTIVA_API_URL": "local"})  # noqa: S603
    # The exit stops JupyterLab in the `finally` block.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        click.echo(f"JupyterLab: {_address(process)}")
        click.echo("Stop it with Ctrl-C.")
        sys.exit(process.wait())
    except KeyboardInterrupt:
        # JupyterLab has received the signal as well, and asks whether to stop.
        with contextlib.suppress(KeyboardInterrupt):
            sys.exit(process.wait())
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _notebooks(folder: Path | None) -> Path:
    """Return the folder of the notebooks: that of the checkout, or a copy of the installed ones."""
    package = Path(__file__).resolve().parent.parent
    source = package / "notebooks"
    if not source.is_dir():
        source = package.parent / "notebooks"
    if folder is None:
        if source.parent != package:
            return source
        folder = Path("inductiva_demo")
    folder.mkdir(parents=True, exist_ok=True)
    for path in source.rglob("*"):
        target = folder / path.relative_to(source)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        elif not target.exists():
            # Existing files are kept, since the user may have changed them.
            shutil.copyfile(path, target)
    return folder.resolve()


def _address(process: subprocess.Popen[bytes]) -> str:
    """Return the address with the token, from the runtime file of the Jupyter server."""
    from jupyter_core.paths import jupyter_runtime_dir

    record = Path(jupyter_runtime_dir()) / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ConfigurationError("JupyterLab has ended. The reason is in its output above.")
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(record.read_text(encoding="utf-8"))
            token = f"?token={found['token']}" if found.get("token") else ""
            return f"{found['url']}lab/tree/{_NOTEBOOK}{token}"
        time.sleep(0.1)
    raise ConfigurationError(f"JupyterLab did not start within {_PATIENCE:.0f} s.")
