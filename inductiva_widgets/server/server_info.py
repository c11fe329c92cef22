"""Address and key of the running server, as kept in ``server.json``.

Imports the standard library only, so that looking for a server is quick.
"""

from __future__ import annotations

import http.client
import json
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from inductiva_widgets._atomic import write_atomically
from inductiva_widgets._secret import Secret
from inductiva_widgets.server.data_dir import DataDir

_ANSWER_TAKES = 5.0
# Maximum size of a response, since another program may listen there.
_MOST_ANSWER = 1 << 16


@dataclass(frozen=True)
class ServerInfo:
    """A running embedded server; the key stays out of what is printed.

    Attributes
    ----------
    url
        Address, without a slash at its end.
    api_key
        The key that requests have to carry.
    pid
        The server's process.
    version
        Version of the package that the server runs.
    instance
        Unique id of this run of the server.
    """

    url: str
    api_key: Secret
    pid: int
    version: str
    instance: str

    def write(self, path: Path) -> None:
        """Write the file that clients read, accessible to its user only."""
        fields = {**asdict(self), "api_key": self.api_key.reveal()}
        write_atomically(path, json.dumps(fields).encode())

    @classmethod
    def read(cls, path: Path) -> ServerInfo | None:
        """Read the file; return None if it is missing or malformed."""
        try:
            fields = json.loads(path.read_bytes())
            return cls(**{**fields, "api_key": Secret(fields["api_key"])})
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def is_alive(self) -> bool:
        """Return whether this run of the server responds at its address.

        The process id is not sufficient: it may have been reused, and so may the port.
        """
        # Without the proxies of the environment, since the server is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/version", timeout=_ANSWER_TAKES) as response:
                answer = json.loads(response.read(_MOST_ANSWER))
        except (OSError, ValueError, http.client.HTTPException):
            return False
        return isinstance(answer, dict) and answer.get("instance") == self.instance


def running_server(data: DataDir) -> ServerInfo | None:
    """Return the server of a data folder, or None if none answers."""
    info = ServerInfo.read(data.server_file)
    return info if info is not None and info.is_alive() else None
