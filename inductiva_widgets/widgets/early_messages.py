"""Handling of requests of the front end, and of pages that are reloaded, while a cell runs.

How a request is handled while a cell runs depends on the kernel and the front end:

- ipykernel 7.4 and a front end with subshells (JupyterLab 4.4, Notebook 7.4): the front end sends
  the request on a subshell, but the kernel moves it to the shell that last published on the comm.
  For a widget created by a cell this is the busy shell, so the choice of the front end is kept.
- ipykernel 7.4 and a front end without subshells: the request waits for the busy shell. Before, the
  kernel calls the comm with the message to select a shell, on a thread that is never busy, so the
  request is handled there.
- ipykernel 7.0 to 7.3: the request is handled on a subshell, or waits if there is none.
- ipykernel 6: the request waits, except during waits of this package (``_kernel.py``).

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
from collections.abc import Callable
from typing import Any

from inductiva_widgets.widgets.notebook_cells import CellListener, cell_listener

_log = logging.getLogger(__name__)

_KERNEL_REQUESTS = ("kernel_info_request", "comm_info_request")
_CONTROL_TARGET = "jupyter.widget.control"
_STATE_REQUESTS = ("request_state", "request_states")
# Reading the states fails if a cell creates a widget at the same time.
_MAX_TRIES = 5

# Maximum number of intercepted requests whose second arrival is still expected.
_MAX_PENDING = 500
RequestHandler = Callable[[dict[str, Any]], None]


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


class RequestDeduplicator:
    """Pass each request of the front end to a handler once, as early as possible.

    Parameters
    ----------
    comm
        Comm of the widget, or None outside a kernel.
    on_request
        Called with each request, on any thread. It must not block.
    """

    def __init__(self, comm: Any, on_request: RequestHandler) -> None:
        self._on_request = on_request
        self._lock = threading.Lock()
        # Ids of intercepted requests in order of arrival.
        self._early: dict[str, None] = {}
        # Private to ipykernel. Without this attribute, requests wait for the end of the cell.
        if hasattr(comm, "_reply_subshell_for"):
            comm._reply_subshell_for = self._intercept
        answer_while_busy()

    def receive(self, content: Any) -> None:
        """Handle a request, unless it has been intercepted. Other messages are ignored."""
        if not isinstance(content, dict) or not isinstance(content.get("id"), str):
            return
        with self._lock:
            was_early = content["id"] in self._early
            self._early.pop(content["id"], None)
        if not was_early:
            self._on_request(content)

    def _intercept(self, data: Any, default: str | None) -> str | None:
        """Handle a request early. Called by ipykernel to select the subshell of a message."""
        if default is None and isinstance(data, dict) and data.get("method") == "custom":
            content = data.get("content")
            if isinstance(content, dict) and isinstance(content.get("id"), str):
                with self._lock:
                    self._early[content["id"]] = None
                    if len(self._early) > _MAX_PENDING:
                        del self._early[next(iter(self._early))]
                self._on_request(content)
        return default
