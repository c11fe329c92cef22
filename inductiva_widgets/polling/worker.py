"""Run long actions on daemon threads."""

from __future__ import annotations

import threading
from collections.abc import Callable


def run_in_thread(
    action: Callable[[], None], on_error: Callable[[Exception], None], name: str
) -> threading.Thread:
    """Run an action on a daemon thread.

    Parameters
    ----------
    action
        Action to run.
    on_error
        Called on that thread with an exception raised by the action.
    name
        Name of the thread, for debugging.
    """

    def run() -> None:
        try:
            action()
        except Exception as error:
            on_error(error)

    thread = threading.Thread(target=run, name=f"inductiva-{name}", daemon=True)
    thread.start()
    return thread
