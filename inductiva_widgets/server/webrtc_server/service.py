"""Service for WebRTC offers and answers."""

from __future__ import annotations

import asyncio
import logging
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING

from inductiva_widgets.server.task_service import TaskService
from inductiva_widgets.server.webrtc_server.answer_queue import Answer, AnswerQueue
from inductiva_widgets.server.webrtc_server.running_task import RunningTask

if TYPE_CHECKING:
    from inductiva_widgets.server.webrtc_server.connections import Connections

_log = logging.getLogger(__name__)

# Clients request the answer once, and give up if the response has none.
_PATIENCE = 10.0
_STOP_TIMEOUT = 5.0


class PeerService:
    """Answers the offers of clients on a thread that starts with the first offer.

    Parameters
    ----------
    tasks
        Service of all tasks.
    max_connections
        Maximum number of connections at a time; further offers get no answer.
    idle
        Seconds without a request after which a connection is closed.
    """

    def __init__(
        self, tasks: TaskService, *, max_connections: int = 64, idle: float = 60.0
    ) -> None:
        self._tasks = tasks
        self._max_connections = max_connections
        self._idle = idle
        self._mailbox = AnswerQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_begun = threading.Event()
        self._stop: asyncio.Event | None = None
        self._is_stopped = False
        self._connections: Connections | None = None

    def offer(self, task_id: str, client: str, sdp: str) -> None:
        """Accept an offer; it gets an answer if the task runs and aiortc is installed.

        Parameters
        ----------
        task_id
            The task.
        client
            Id of the client.
        sdp
            The offer.
        """
        task = RunningTask(self._tasks, task_id)
        if find_spec("aiortc") is None or not task.is_computing():
            return
        loop = self._started()
        if loop is not None:
            answer = self._mailbox.reserve(task_id, client)
            asyncio.run_coroutine_threadsafe(self._respond(task, sdp, answer), loop)

    async def answer(self, task_id: str, client: str, block: float = 0.0) -> str | None:
        """Return the answer to a client's offer once, or None if there is none.

        Waits for the answer to an existing offer, and up to ``block`` seconds for the offer.
        """
        return await self._mailbox.wait_for(task_id, client, _PATIENCE, block)

    def is_idle(self) -> bool:
        """Return whether there are no connections."""
        return not self._connections

    def stop(self) -> None:
        """Close all connections, end the thread, and ignore further offers."""
        with self._lock:
            self._is_stopped = True
            thread = self._thread
        if thread is not None and self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join(_STOP_TIMEOUT)

    def _started(self) -> asyncio.AbstractEventLoop | None:
        with self._lock:
            if self._is_stopped:
                return None
            if self._thread is None:
                # A daemon, since a read from a hanging disk must not keep the process alive.
                self._thread = threading.Thread(
                    target=lambda: asyncio.run(self._serve()), name="peers", daemon=True
                )
                self._thread.start()
        self._has_begun.wait()
        return self._loop

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._has_begun.set()
        await self._stop.wait()
        if self._connections is not None:
            await self._connections.close()

    async def _respond(self, task: RunningTask, sdp: str, answer: Answer) -> None:
        found = None
        try:
            found = await self._get_connections().answer(task, sdp)
        except Exception:
            _log.exception("There is no peer for task %s.", task.id)
        finally:
            answer.set_result(found)

    def _get_connections(self) -> Connections:
        if self._connections is None:
            # Imported on first use, since aiortc takes 0.5 s and 50 MB.
            from inductiva_widgets.server.webrtc_server.connections import Connections

            self._connections = Connections(self._max_connections, self._idle)
        return self._connections
