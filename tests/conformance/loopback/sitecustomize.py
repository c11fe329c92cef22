"""Put on `PYTHONPATH`, this keeps a process from reaching any other machine.

The vendor's client asks a public service for its newest version at import. Here that fails at
once, as it does on a machine without a network, and the attempt is counted.
"""

import os
import socket

_LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "", None}
_resolve = socket.getaddrinfo


def _resolve_loopback(host, *args, **kwargs):
    name = host.decode() if isinstance(host, bytes) else host
    if name in _LOOPBACK:
        return _resolve(host, *args, **kwargs)
    attempts = os.environ.get("LOOPBACK_ONLY_ATTEMPTS")
    if attempts:
        with open(attempts, "a", encoding="utf-8") as file:  # noqa: PTH123 - light at start-up
            file.write(f"{name}\n")
    raise socket.gaierror(socket.EAI_NONAME, "other machines are out of reach here")


socket.getaddrinfo = _resolve_loopback
