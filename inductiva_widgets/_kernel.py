"""Process comm messages while a cell waits, on ipykernel 6.

In ipykernel 6, the thread that runs the cell also handles all messages. While a call of this
package blocks the cell, comm messages are taken out of the queue and handled; all other messages
stay in the queue, in order. Later kernels handle comm messages on other threads, see
``widgets/early_messages.py``.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

_STEP = 0.1


def sleep_and_process_messages(seconds: float) -> None:
    """Sleep, and process widget messages if the kernel is ipykernel 6.

    Parameters
    ----------
    seconds
        Minimum duration in seconds.
    """
    kernel = _kernel()
    if kernel is None:
        time.sleep(seconds)
        return
    deadline = time.monotonic() + seconds
    while True:
        _process_comm_messages(kernel)
        left = deadline - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(_STEP, left))


def wait_and_process_messages(is_done: Callable[[], bool]) -> None:
    """Wait for a condition if the kernel is ipykernel 6; otherwise return immediately.

    Parameters
    ----------
    is_done
        Function that returns True once the wait is over.
    """
    while _kernel() is not None and not is_done():
        sleep_and_process_messages(_STEP)


def _kernel() -> Any:
    """Return the kernel if its messages wait for the calling thread, else None."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    # Only ipykernel 6 has this queue.
    is_waiting = hasattr(kernel, "msg_queue") and hasattr(kernel, "schedule_dispatch")
    return kernel if is_waiting and threading.current_thread() is threading.main_thread() else None


def _process_comm_messages(kernel: Any) -> None:
    # Move messages from the socket into the queue.
    kernel.shell_stream.flush()
    waiting = [kernel.msg_queue.get_nowait() for _ in range(kernel.msg_queue.qsize())]
    try:
        while waiting:
            entry = waiting[0]
            message = _comm_message(kernel, entry)
            waiting.pop(0)
            if message is None:
                kernel.msg_queue.put_nowait(entry)
            else:
                _handle(kernel, *message)
    finally:
        # Also after an interrupt: a front end waits forever for the reply to a lost message.
        for entry in waiting:
            kernel.msg_queue.put_nowait(entry)


def _comm_message(kernel: Any, entry: Any) -> tuple[list[Any], dict[str, Any]] | None:
    """Return the senders and the content of a comm message, or None for any other message."""
    _, dispatch, arguments = entry
    if dispatch != kernel.dispatch_shell:
        return None
    try:
        senders, frames = kernel.session.feed_identities(arguments[0], copy=False)
        header = kernel.session.deserialize(frames, content=False, copy=False)["header"]
    except Exception:
        # The kernel reports malformed messages when it processes them.
        return None
    if header["msg_type"] != "comm_msg":
        return None
    return senders, kernel.session.deserialize(frames, copy=False)


def _handle(kernel: Any, senders: list[Any], message: dict[str, Any]) -> None:
    before = kernel._parent_ident.get("shell", []), kernel.get_parent("shell")
    kernel.set_parent(senders, message, channel="shell")
    try:
        kernel.shell_handlers["comm_msg"](kernel.shell_stream, senders, message)
    finally:
        # Restore the parent, so that later output goes to the cell.
        kernel.set_parent(*before, channel="shell")
