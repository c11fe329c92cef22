"""Queue of WebRTC answers, waiting to be collected by their clients."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future
from typing import NamedTuple

Answer = Future[str | None]
"""The SDP of a peer, None where it cannot or does not want to answer."""

_LOOK_EVERY = 0.1


class _Expected(NamedTuple):
    answer: Answer
    since: float


class AnswerQueue:
    """Keeps each answer until it was given once, or is too old, or there are too many.

    Parameters
    ----------
    max_answers
        How many answers are kept; the oldest goes first.
    keep
        Seconds after which an answer is of no use any more.
    """

    def __init__(self, max_answers: int = 256, keep: float = 60.0) -> None:
        self._max_answers = max_answers
        self._keep = keep
        self._lock = threading.Lock()
        self._expected: dict[tuple[str, str], _Expected] = {}

    def reserve(self, task_id: str, client: str) -> Answer:
        """Return where the answer to a client's offer is to be put; an earlier one is void."""
        answer: Answer = Future()
        now = time.monotonic()
        with self._lock:
            # At the end of the order, also where the client has made an offer before.
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
        """Return the answer for a client, None where there is none.

        Parameters
        ----------
        task_id, client
            Whose answer.
        patience
            For how many seconds to wait for the answer to an offer that was made.
        block
            For how many seconds to wait for the offer.
        """
        begin = time.monotonic()
        while (found := self._find(task_id, client)) is None:
            if time.monotonic() - begin >= block:
                return None
            await asyncio.sleep(_LOOK_EVERY)
        waited = time.monotonic() - begin
        # Unlike wait_for, this leaves the answer alone when it takes too long.
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
        """Forget an answer; return whether it was still there to be given."""
        with self._lock:
            found = self._expected.get((task_id, client))
            if found is None or found.answer is not answer:
                return False
            del self._expected[task_id, client]
            return True
