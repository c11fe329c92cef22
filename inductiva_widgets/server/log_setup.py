"""Rotating log file of the server, readable by its user only."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from inductiva_widgets.ansi import escape_control_chars

MOST_BYTES = 1 << 20
"""Size at which the log file is rotated."""

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _PrivateFile(RotatingFileHandler):
    """Rotating log file that is created with access for its user only."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging calls it
        # On a full disk the server goes on without a log, instead of a traceback per message.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


class _Formatter(logging.Formatter):
    """Formatter that keeps each message on one line, as messages have values of requests."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging calls it
        return escape_control_chars(super().formatMessage(record))


def warn_in_terminal() -> None:
    """Print warnings to the standard error too; the log file has all messages."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_Formatter("%(asctime)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)


@contextmanager
def set_up_log(path: Path, max_bytes: int = MOST_BYTES) -> Iterator[None]:
    """Log to a file inside the context.

    Parameters
    ----------
    path
        The file; the previous one is kept with the suffix ``.1``.
    max_bytes
        Maximum size of the file.
    """
    handler = _PrivateFile(path, maxBytes=max_bytes, backupCount=1)
    handler.setFormatter(_Formatter(_FORMAT))
    root, ours = logging.getLogger(), logging.getLogger("inductiva_widgets.server")
    before = ours.level
    ours.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        ours.setLevel(before)
        handler.close()
