"""Replies to a page that is reloaded while a cell runs, so that it can restore its widgets.

A page that connects to a kernel requests the kernel info, the list of comms and the states of the
widgets, and JupyterLab shows no widget before it has the replies. ipykernel handles these requests
on the main thread after the running cell. Here, they are handled on other threads while a cell
runs: they only read state.

ipykernel has no public hook for this. Its versions 7.x read messages on a thread of its own, and
the callback of that thread's stream is replaced. With other versions, the requests wait for the
cell, and the page shows the HTML of the display.
"""

from __future__ import annotations

import contextvars
import functools
import logging
import queue
import sys
import threading
from typing import Any

from inductiva_widgets.widgets.notebook_cells import CellListener, cell_listener

_log = logging.getLogger(__name__)

_KERNEL_REQUESTS = ("kernel_info_request", "comm_info_request")
_CONTROL_TARGET = "jupyter.widget.control"
_STATE_REQUESTS = ("request_state", "request_states")
# Reading the states fails if a cell creates a widget at the same time.
_MAX_TRIES = 5


def answer_while_busy() -> bool:
    """Start to handle the requests of a page that connects while a cell runs.

    Returns
    -------
    bool
        False outside a kernel or if ipykernel has an unsupported version.
    """
    found = cell_listener()
    return found is not None and _install(found)


@functools.lru_cache(maxsize=1)
def _install(found: CellListener) -> bool:
    kernel = found.kernel
    if not _is_supported(kernel):
        return False
    responder = _Responder(found, kernel)
    kernel.shell_channel_thread.io_loop.add_callback(responder.install)
    return True


def _is_supported(kernel: Any) -> bool:
    ipykernel: Any = sys.modules.get(type(kernel).__module__.partition(".")[0])
    names = ("shell_channel_thread_main", "shell_stream", "comm_manager", "_publish_status")
    return (
        getattr(ipykernel, "version_info", (0,))[0] == 7
        and getattr(kernel, "shell_channel_thread", None) is not None
        and all(hasattr(kernel, name) for name in names)
        and isinstance(getattr(kernel, "_shell_parent", None), contextvars.ContextVar)
    )


class _Responder:
    def __init__(self, cells: CellListener, kernel: Any) -> None:
        self._cells = cells
        self._kernel = kernel
        self._widget_messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def install(self) -> None:
        """Replace the callback of the stream; called on the thread that reads messages."""
        self._kernel.shell_stream.on_recv(self._receive, copy=False)
        # On a thread of its own, since reading a state may wait for a lock of the widget.
        threading.Thread(target=self._answer_all, name="inductiva-reconnect", daemon=True).start()

    async def _receive(self, frames: list[Any]) -> None:
        try:
            is_taken = self._cells.is_running and await self._take(frames)
        except Exception:
            _log.debug("A message could not be answered while a cell runs", exc_info=True)
            is_taken = False
        if not is_taken:
            await self._kernel.shell_channel_thread_main(frames)

    async def _take(self, frames: list[Any]) -> bool:
        """Handle a message if it only reads state, and return whether it has been handled."""
        session = self._kernel.session
        senders, parts = session.feed_identities(frames, copy=False)
        # Without the content: the session rejects a message that is read twice with it.
        message = session.deserialize(parts, content=False, copy=False)
        kind = message["header"]["msg_type"]
        if kind in _KERNEL_REQUESTS:
            message = session.deserialize(parts, copy=False)
            self._kernel._publish_status("busy", "shell", parent=message)
            await getattr(self._kernel, kind)(self._kernel.shell_stream, senders, message)
            self._kernel._publish_status("idle", "shell", parent=message)
            return True
        if kind in ("comm_open", "comm_msg") and self._is_state_request(
            session.unpack(message["content"])
        ):
            self._widget_messages.put(session.deserialize(parts, copy=False))
            return True
        return False

    def _is_state_request(self, content: dict[str, Any]) -> bool:
        data = content.get("data")
        method = data.get("method") if isinstance(data, dict) else None
        return content.get("target_name") == _CONTROL_TARGET or method in _STATE_REQUESTS

    def _answer_all(self) -> None:
        while True:
            message = self._widget_messages.get()
            # Messages that are sent in this context have this message as their parent.
            contextvars.copy_context().run(self._answer, message)

    def _answer(self, message: dict[str, Any]) -> None:
        kernel = self._kernel
        kernel._shell_parent.set(message)
        kernel._publish_status("busy", "shell", parent=message)
        try:
            self._handle(message)
        except Exception:
            _log.exception("The state of a widget could not be sent while a cell runs")
        kernel._publish_status("idle", "shell", parent=message)

    def _handle(self, message: dict[str, Any], tries: int = _MAX_TRIES) -> None:
        manager = self._kernel.comm_manager
        if message["header"]["msg_type"] == "comm_open":
            manager.comm_open(None, None, message)
            return
        comm = manager.get_comm(message["content"]["comm_id"])
        if comm is None:
            return
        try:
            comm.handle_msg(message)
        except RuntimeError:
            # Widgets were created or closed while their states were read.
            if tries == 1:
                raise
            self._handle(message, tries - 1)
