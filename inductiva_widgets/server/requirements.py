"""Check that the embedded server can run on this machine."""

from __future__ import annotations

import os
from importlib.util import find_spec

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.server.disk_limits import DiskLimits, LimitError

_LIBRARIES = ("filelock", "msgspec", "psutil", "starlette", "uvicorn")


def check_requirements() -> None:
    """Raise if the system or an installed library does not meet the requirements.

    Raises
    ------
    LocalServerError
        A requirement is missing, or a limit is invalid. The message has a fix.
    """
    if os.name != "posix":
        raise LocalServerError(
            "The embedded server needs Linux or macOS. On Windows, use it inside WSL."
        )
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise LocalServerError(
            f"The embedded server needs {', '.join(missing)}: "
            'pip install "inductiva-widgets[local]"'
        )
    try:
        # Checked here rather than by the first task.
        DiskLimits.from_environment()
    except LimitError as error:
        raise LocalServerError(str(error)) from None
