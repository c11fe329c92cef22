"""The embedded server as its users start it, with the recorder in front."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inductiva_widgets._secret import Secret
from inductiva_widgets.config import Settings
from inductiva_widgets.http.client import Client
from inductiva_widgets.http.transport import Transport
from tests.conformance.recorder import Recorder, recording_proxy
from tests.embedded import end_server

KEY = "conformance-key"


@dataclass(frozen=True)
class Served:
    """A running server: its address, that of the recorder in front, the record, its folder."""

    direct_url: str
    url: str
    recorder: Recorder
    folder: Path

    def client(self) -> Client:
        """Return our client of the server itself, for preparations that are not to be recorded."""
        return Client(Transport(Settings(self.direct_url, Secret(KEY), self.direct_url)))


@contextlib.contextmanager
def recorded_server(folder: Path, **more: str) -> Iterator[Served]:
    """Run the embedded server on a data folder, and the recorder in front of it.

    Parameters
    ----------
    folder
        The data folder.
    **more
        Variables of the server's environment.
    """
    command = [sys.executable, "-m", "inductiva_widgets", "serve", "--data-dir", str(folder)]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("INDUCTIVA_")}
    environment = {**kept, "INDUCTIVA_LOCAL_API_KEY": KEY, **more}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        line = process.stdout.readline()
        if not line.startswith("listening on http://127.0.0.1:"):
            raise RuntimeError(f"the embedded server did not start: {line!r}")
        url = line.split()[-1]
        with recording_proxy(url) as (proxy_url, recorder):
            yield Served(url, proxy_url, recorder, folder)
    finally:
        if process.poll() is None:
            end_server(folder)
            process.wait(20)
        process.stdout.close()
