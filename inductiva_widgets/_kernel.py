"""Process comm messages while a cell waits, on ipykernel 6.

There every message waits in the queue of the one thread that runs the cell. While one of our own
calls waits in a cell, the messages of widgets are taken out and handled; all else stays queued in
its order. Later kernels hand these messages to other threads, see ``widgets/early_messages.py``.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

_STEP = 0.1


def sleep_and_process_messages(seconds: float) -> None:
    """Sleep; messages of widgets are handled meanwhile where they would wait for the cell.

    Parameters
    ----------
    seconds
        How long, at least.
    """
    kernel = _kernel()
    if kernel is None:
        time.sleep(seconds)
        return
    deadline = time.monotonic() + seconds
    while True:
        _handle_widgets(kernel)
        left = deadline - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(_STEP, left))


def wait_and_process_messages(is_over: Callable[[], bool]) -> None:
    """Wait for something in a kernel of ipykernel 6, as ``sleep`` does; elsewhere return.

    Parameters
    ----------
    is_over
        Whether the wait is over.
    """
    while _kernel() is not None and not is_over():
        sleep_and_process_messages(_STEP)


def _kernel() -> Any:
    """Return the kernel if it is one whose messages wait for this very call."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    # The queue is what tells version 6 from the later ones.
    is_waiting = hasattr(kernel, "msg_queue") and hasattr(kernel, "schedule_dispatch")
    return kernel if is_waiting and threading.current_thread() is threading.main_thread() else None


def _handle_widgets(kernel: Any) -> None:
    # What has arrived at the socket goes into the queue.
    kernel.shell_stream.flush()
    waiting = [kernel.msg_queue.get_nowait() for _ in range(kernel.msg_queue.qsize())]
    try:
        while waiting:
            entry = waiting[0]
            message = _widget_message(kernel, entry)
            waiting.pop(0)
            if message is None:
                kernel.msg_queue.put_nowait(entry)
            else:
                _handle(kernel, *message)
    finally:
        # After an interrupt too: a lost message would leave a front end waiting for ever.
        for entry in waiting:
            kernel.msg_queue.put_nowait(entry)


def _widget_message(kernel: Any, entry: Any) -> tuple[list[Any], dict[str, Any]] | None:
    """Return a message of a comm with its senders; None for any other."""
    _, dispatch, arguments = entry
    if dispatch != kernel.dispatch_shell:
        return None
    try:
        senders, frames = kernel.session.feed_identities(arguments[0], copy=False)
        header = kernel.session.deserialize(frames, content=False, copy=False)["header"]
    except Exception:
        # The kernel has words for a malformed message when it comes to it.
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
        # What the cell prints afterwards is the cell's again.
        kernel.set_parent(*before, channel="shell")
