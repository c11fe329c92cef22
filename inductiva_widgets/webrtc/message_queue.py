"""Bounded queue of messages between the event loop and a reader."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, NamedTuple

from inductiva_widgets.errors import InductivaError


class MessageBatch(NamedTuple):
    """Messages in the order of their arrival.

    Parameters
    ----------
    messages
        The messages.
    is_whole
        If False, messages before these were dropped because they were not read in time.
    """

    messages: list[Any]
    is_whole: bool


class MessageQueue:
    """A queue for one reader. If it is full, the oldest messages are dropped.

    Parameters
    ----------
    limit
        Maximum total size of the messages in bytes.
    """

    def __init__(self, limit: int = 4 << 20) -> None:
        self._limit = limit
        self._condition = threading.Condition()
        self._messages: deque[tuple[Any, int]] = deque()
        self._size = 0
        self._is_whole = True
        self._is_closed = False
        self._error: InductivaError | None = None

    @property
    def is_closed(self) -> bool:
        """Whether the queue is closed and empty."""
        with self._condition:
            return self._is_closed and not self._messages

    def put(self, message: Any, size: int) -> None:
        """Add a message.

        Parameters
        ----------
        message
            The message.
        size
            Its size in bytes.
        """
        with self._condition:
            if self._is_closed:
                return
            self._messages.append((message, size))
            self._size += size
            while self._size > self._limit and len(self._messages) > 1:
                self._size -= self._messages.popleft()[1]
                self._is_whole = False
            self._condition.notify_all()

    def close(self, error: InductivaError | None = None) -> None:
        """Close the queue, with the error of the first call as the reason."""
        with self._condition:
            if not self._is_closed:
                self._is_closed, self._error = True, error
                self._condition.notify_all()

    def get(self, timeout: float) -> MessageBatch:
        """Return all messages, waiting for the first one if there is none.

        Parameters
        ----------
        timeout
            Maximum seconds to wait. The batch may be empty then.

        Raises
        ------
        InductivaError
            The error of ``close``, once the queue is empty.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._messages or self._is_closed, timeout)
            if not self._messages and self._error is not None:
                raise self._error
            batch = MessageBatch([message for message, _ in self._messages], self._is_whole)
            self._messages.clear()
            self._size, self._is_whole = 0, True
            return batch
