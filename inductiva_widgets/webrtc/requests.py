"""Send requests to the machine of a task, from any thread."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import APITimeoutError
from inductiva_widgets.webrtc import connection, peer_session
from inductiva_widgets.webrtc.connection import import_aiortc
from inductiva_widgets.webrtc.messages import MessageBatch, MessageQueue, PeerRequest

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

__all__ = ["AnswerStream", "MessageBatch", "open_stream", "request"]

_POLL_SECONDS = 0.2


class AnswerStream:
    """Stream of the answers to one request. Call ``close`` when done."""

    def __init__(self, queue: MessageQueue, sending: Future[None]) -> None:
        self._queue = queue
        self._sending = sending

    @property
    def is_closed(self) -> bool:
        """Whether the peer has ended the stream and all answers were received."""
        return self._queue.is_closed

    def receive(self, timeout: float) -> MessageBatch:
        """Return the answers that have arrived, waiting for the first one if there is none.

        Parameters
        ----------
        timeout
            Maximum seconds to wait. The batch may be empty then.

        Raises
        ------
        InductivaError
            The reason why the stream ended, once all answers were received.
        """
        return self._queue.get(timeout)

    def close(self) -> None:
        """Close the stream; the connection stays open for other requests."""
        self._sending.cancel()
        self._queue.close()


def open_stream(client: Client, task_id: str, question: PeerRequest) -> AnswerStream:
    """Send a request to the machine of a task without waiting for answers.

    Parameters
    ----------
    client
        The service.
    task_id
        Id of the task.
    question
        The request.

    Raises
    ------
    ConfigurationError
        If aiortc is not installed.

    Notes
    -----
    Requests: 3 for each new connection
    """
    import_aiortc()
    queue = MessageQueue()
    return AnswerStream(
        queue, connection.run_coroutine(peer_session.send(client, task_id, question, queue))
    )


def request(client: Client, task_id: str, question: PeerRequest, timeout: float = 60.0) -> Any:
    """Send a request to the machine of a task and return the answer.

    Parameters
    ----------
    client, task_id, question
        As for ``open_stream``.
    timeout
        Maximum seconds to wait.

    Raises
    ------
    TaskError
        If the machine reports an error.
    APIConnectionError
        If the machine does not answer.
    """
    answers = open_stream(client, task_id, question)
    deadline = time.monotonic() + timeout
    try:
        while time.monotonic() < deadline:
            messages = answers.receive(_POLL_SECONDS).messages
            if messages:
                return messages[0]
            if answers.is_closed:
                break
    finally:
        answers.close()
    raise APITimeoutError(f"The machine of task {task_id} did not answer. Try again.")
