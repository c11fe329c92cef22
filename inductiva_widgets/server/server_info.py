"""How to reach a running server: what ``server.json`` says, and whether it is still true.

Needs nothing but the standard library, so that looking for a server costs next to nothing.
"""

from __future__ import annotations

import http.client
import json
import urllib.request
from dataclasses import asdict, dataclass, field
from pathlib import Path

from inductiva_widgets._atomic import write_atomically

_ANSWER_TAKES = 5.0
# Whoever else listens there may send anything.
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
        Text that no other start of a server has.
    """

    url: str
    api_key: str = field(repr=False)
    pid: int
    version: str
    instance: str

    def write(self, path: Path) -> None:
        """Leave the note that others find the server by, readable by its user only."""
        write_atomically(path, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, path: Path) -> ServerInfo | None:
        """Return what a note says; None where there is none that makes sense."""
        try:
            return cls(**json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def is_alive(self) -> bool:
        """Ask the server whether it is the one that the note is about.

        Its answer decides, and not its process: the number may belong to another program by now,
        and the port to another server.
        """
        # No proxy stands between this machine and itself, whatever the environment says.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/version", timeout=_ANSWER_TAKES) as response:
                told = json.loads(response.read(_MOST_ANSWER))
        except (OSError, ValueError, http.client.HTTPException):
            return False
        return isinstance(told, dict) and told.get("instance") == self.instance
