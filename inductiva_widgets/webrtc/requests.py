"""Requests to the machine of a task, from any thread."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import APITimeoutError
from inductiva_widgets.webrtc import event_loop, peer_session
from inductiva_widgets.webrtc.connection import import_aiortc
from inductiva_widgets.webrtc.message_queue import MessageBatch, MessageQueue
from inductiva_widgets.webrtc.messages import PeerRequest

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

__all__ = ["AnswerStream", "MessageBatch", "open_stream", "request"]

_STEP = 0.2


class AnswerStream:
    """The answers to one question; end it with ``close``."""

    def __init__(self, inbox: MessageQueue, work: Future[None]) -> None:
        self._inbox = inbox
        self._work = work

    @property
    def is_closed(self) -> bool:
        """Whether the peer has ended it and all was taken."""
        return self._inbox.is_closed

    def receive(self, timeout: float) -> MessageBatch:
        """Return the answers that have come, after a while if need be.

        Parameters
        ----------
        timeout
            Seconds to wait for one.

        Raises
        ------
        InductivaError
            Why it ended, once all was taken.
        """
        return self._inbox.get(timeout)

    def close(self) -> None:
        """End it; the connection stays for others."""
        self._work.cancel()
        self._inbox.close()


def open_stream(client: Client, task_id: str, question: PeerRequest) -> AnswerStream:
    """Ask the machine of a task; returns at once, the connection comes about meanwhile.

    Parameters
    ----------
    client
        The service that the two find each other by; costs three requests a connection.
    task_id
        The task.
    question
        What is asked.

    Raises
    ------
    ConfigurationError
        WebRTC is not installed.
    """
    import_aiortc()
    inbox = MessageQueue()
    return AnswerStream(
        inbox, event_loop.run_coroutine(peer_session.put(client, task_id, question, inbox))
    )


def request(client: Client, task_id: str, question: PeerRequest, timeout: float = 60.0) -> Any:
    """Return the answer of the machine of a task; an interrupt ends the wait at once.

    Parameters
    ----------
    client, task_id, question
        As for ``stream``.
    timeout
        Seconds to wait.

    Raises
    ------
    TaskError
        The machine could not do what it was asked.
    APIConnectionError
        Nobody answered.
    """
    answers = open_stream(client, task_id, question)
    deadline = time.monotonic() + timeout
    try:
        while time.monotonic() < deadline:
            messages = answers.receive(_STEP).messages
            if messages:
                return messages[0]
            if answers.is_closed:
                break
    finally:
        answers.close()
    raise APITimeoutError(f"The machine of task {task_id} gave no answer. Try again.")
