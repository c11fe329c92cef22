"""Service for WebRTC offers, and the queue of their answers."""

from __future__ import annotations

import asyncio
import logging
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING

from inductiva_widgets.server.task_service import TaskService
from inductiva_widgets.server.webrtc_server.running_task import RunningTask

if TYPE_CHECKING:
    from inductiva_widgets.server.webrtc_server.connections import Connections


import time
from concurrent.futures import Future
from typing import NamedTuple

Answer = Future[str | None]
"""The SDP of a peer, or None if there is no answer."""

_POLL_SECONDS = 0.1


class _Expected(NamedTuple):
    answer: Answer
    since: float


class AnswerQueue:
    """Keeps each answer until it is collected, expires, or there are too many.

    Parameters
    ----------
    max_answers
        Maximum number of answers; beyond it, the oldest are dropped.
    keep
        Seconds after which an answer expires.
    """

    def __init__(self, max_answers: int = 256, keep: float = 60.0) -> None:
        self._max_answers = max_answers
        self._keep = keep
        self._lock = threading.Lock()
        self._expected: dict[tuple[str, str], _Expected] = {}

    def reserve(self, task_id: str, client: str) -> Answer:
        """Return the future of the answer to a client's offer, replacing an earlier one."""
        answer: Answer = Future()
        now = time.monotonic()
        with self._lock:
            # Removed first, so that a repeated offer moves to the end of the order.
            self._expected.pop((task_id, client), None)
            self._expected[task_id, client] = _Expected(answer, now)
            for key, (_, since) in list(self._expected.items()):
                if len(self._expected) <= self._max_answers and now - since < self._keep:
                    break
                del self._expected[key]
        return answer

    async def wait_for(
        self, task_id: str, client: str, patience: float, block: float = 0.0
    ) -> str | None:
        """Return the answer for a client, or None if there is none in time.

        Parameters
        ----------
        task_id, client
            The task and the client.
        patience
            Seconds to wait for the answer to an existing offer.
        block
            Seconds to wait for the offer.
        """
        begin = time.monotonic()
        while (found := self._find(task_id, client)) is None:
            if time.monotonic() - begin >= block:
                return None
            await asyncio.sleep(_POLL_SECONDS)
        waited = time.monotonic() - begin
        # Unlike asyncio.wait_for, asyncio.wait does not cancel the future on a timeout.
        await asyncio.wait([asyncio.wrap_future(found)], timeout=max(patience, block) - waited)
        if not found.done() or not self._forget(task_id, client, found):
            return None
        return found.result()

    def _find(self, task_id: str, client: str) -> Answer | None:
        with self._lock:
            found = self._expected.get((task_id, client))
        if found is None or time.monotonic() - found.since >= self._keep:
            return None
        return found.answer

    def _forget(self, task_id: str, client: str, answer: Answer) -> bool:
        """Remove an answer; return whether it was still in the queue."""
        with self._lock:
            found = self._expected.get((task_id, client))
            if found is None or found.answer is not answer:
                return False
            del self._expected[task_id, client]
            return True


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
