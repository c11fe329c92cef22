"""Answers for a page that is reloaded while a cell runs, so that its live views come back.

A page that connects to a kernel asks what kernel it is, which widgets it has, and for their state.
JupyterLab shows nothing live before it has the answers. ipykernel gives these requests to the main
thread, where they wait for the cell. While one runs they are answered on other threads instead:
they change nothing, and need no code of the cell.

ipykernel has no public hook for it. Its versions 7.0 to 7.x read the messages on a thread that no
cell keeps busy; the callback of that thread's stream is replaced. With any other version, or where
something of it is missing, the requests wait as ever, and the page shows the HTML of the display.
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
# A cell may make a widget while the states of all are being read.
_TRIES = 5


def answer_while_busy() -> bool:
    """Answer the requests of a page that connects while a cell of this kernel runs.

    Returns
    -------
    bool
        False if there is no kernel, or one that offers no way to do it.
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
        """Read the kernel's messages first; called on the thread that reads them."""
        self._kernel.shell_stream.on_recv(self._receive, copy=False)
        # States may wait for a lock of their widget, and the reading thread must not.
        threading.Thread(target=self._answer_all, name="inductiva-reconnect", daemon=True).start()

    async def _receive(self, frames: list[Any]) -> None:
        try:
            is_taken = self._cells.is_running and await self._take(frames)
        except Exception:
            _log.debug("A message could not be answered beside the cell", exc_info=True)
            is_taken = False
        if not is_taken:
            await self._kernel.shell_channel_thread_main(frames)

    async def _take(self, frames: list[Any]) -> bool:
        """Answer a message if it is one of those that change nothing."""
        session = self._kernel.session
        senders, parts = session.feed_identities(frames, copy=False)
        # Without its content a message may be read twice; with it, it counts as a repetition.
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
            # What is sent in this context is a reply to the message.
            contextvars.copy_context().run(self._answer, message)

    def _answer(self, message: dict[str, Any]) -> None:
        kernel = self._kernel
        kernel._shell_parent.set(message)
        kernel._publish_status("busy", "shell", parent=message)
        try:
            self._handle(message)
        except Exception:
            _log.exception("The state of a widget could not be sent beside the cell")
        kernel._publish_status("idle", "shell", parent=message)

    def _handle(self, message: dict[str, Any], tries: int = _TRIES) -> None:
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
            # Widgets were made or closed while their states were read.
            if tries == 1:
                raise
            self._handle(message, tries - 1)
