"""Run long actions on daemon threads."""

from __future__ import annotations

import threading
from collections.abc import Callable


def run_in_thread(
    action: Callable[[], None], on_error: Callable[[Exception], None], name: str
) -> threading.Thread:
    """Run an action beside the kernel.

    Parameters
    ----------
    action
        What to do.
    on_error
        Called on that thread with whatever the action raises, so that nothing is lost.
    name
        Name of the thread, for debuggers.
    """

    def run() -> None:
        try:
            action()
        except Exception as error:
            on_error(error)

    thread = threading.Thread(target=run, name=f"inductiva-{name}", daemon=True)
    thread.start()
    return thread
