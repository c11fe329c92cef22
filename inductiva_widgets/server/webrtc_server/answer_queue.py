"""Queue of WebRTC answers, waiting to be collected by their clients."""

from __future__ import annotations

import asyncio
import threading
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
