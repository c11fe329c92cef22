"""Questions to the machine of a task, for callers on any thread."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import APITimeoutError
from inductiva_widgets.webrtc import event_loop, peer_session
from inductiva_widgets.webrtc.connection import require
from inductiva_widgets.webrtc.message_queue import Inbox, Taken
from inductiva_widgets.webrtc.messages import Question

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

__all__ = ["Stream", "Taken", "ask", "stream"]

_STEP = 0.2


class Stream:
    """The answers to one question; end it with ``close``."""

    def __init__(self, inbox: Inbox, work: Future[None]) -> None:
        self._inbox = inbox
        self._work = work

    @property
    def is_over(self) -> bool:
        """Whether the peer has ended it and all was taken."""
        return self._inbox.is_over

    def take(self, timeout: float) -> Taken:
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
        return self._inbox.take(timeout)

    def close(self) -> None:
        """End it; the connection stays for others."""
        self._work.cancel()
        self._inbox.end()


def stream(client: Client, task_id: str, question: Question) -> Stream:
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
    require()
    inbox = Inbox()
    return Stream(inbox, event_loop.submit(peer_session.put(client, task_id, question, inbox)))


def ask(client: Client, task_id: str, question: Question, timeout: float = 60.0) -> Any:
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
    answers = stream(client, task_id, question)
    deadline = time.monotonic() + timeout
    try:
        while time.monotonic() < deadline:
            messages = answers.take(_STEP).messages
            if messages:
                return messages[0]
            if answers.is_over:
                break
    finally:
        answers.close()
    raise APITimeoutError(f"The machine of task {task_id} gave no answer. Try again.")
