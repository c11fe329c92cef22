"""Bounded queue of messages between the event loop and a reader."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, NamedTuple

from inductiva_widgets.errors import InductivaError


class MessageBatch(NamedTuple):
    """Answers in their order.

    Parameters
    ----------
    messages
        The answers.
    is_whole
        Whether none was lost before them because they came faster than they were taken.
    """

    messages: list[Any]
    is_whole: bool


class MessageQueue:
    """A queue for one reader.

    Parameters
    ----------
    limit
        Weight that it holds.
    """

    def __init__(self, limit: int = 4 << 20) -> None:
        self._limit = limit
        self._came = threading.Condition()
        self._held: deque[tuple[Any, int]] = deque()
        self._weight = 0
        self._is_whole = True
        self._is_over = False
        self._error: InductivaError | None = None

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will come and all was taken."""
        with self._came:
            return self._is_over and not self._held

    def put(self, message: Any, weight: int) -> None:
        """Add an answer."""
        with self._came:
            if self._is_over:
                return
            self._held.append((message, weight))
            self._weight += weight
            while self._weight > self._limit and len(self._held) > 1:
                self._weight -= self._held.popleft()[1]
                self._is_whole = False
            self._came.notify_all()

    def close(self, error: InductivaError | None = None) -> None:
        """Say that nothing more comes, and why; the first word counts."""
        with self._came:
            if not self._is_over:
                self._is_over, self._error = True, error
                self._came.notify_all()

    def get(self, timeout: float) -> MessageBatch:
        """Return what has come, after a while if need be; nothing is a possible answer.

        Raises
        ------
        InductivaError
            The reason of the end, once everything was taken.
        """
        with self._came:
            self._came.wait_for(lambda: self._held or self._is_over, timeout)
            if not self._held and self._error is not None:
                raise self._error
            taken = MessageBatch([message for message, _ in self._held], self._is_whole)
            self._held.clear()
            self._weight, self._is_whole = 0, True
            return taken
