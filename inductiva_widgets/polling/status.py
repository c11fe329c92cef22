"""Status of polling: time of the last update, and errors."""

from __future__ import annotations

from dataclasses import dataclass

from inductiva_widgets.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AuthenticationError,
    InductivaError,
    NotFoundError,
    RateLimitError,
    UnexpectedResponseError,
)

GONE = "The service does not know this task any more (404). What is shown is its last known state."
# A service may return 404 for a moment, for example while a proxy restarts. After this number of
# responses, which takes 2.5 minutes, the task counts as removed.
_GONE_TRIES = 6
_PROBLEMS: tuple[tuple[type[Exception], str], ...] = (
    (APITimeoutError, "not answering"),
    (APIConnectionError, "offline"),
    (AuthenticationError, "access refused ({})"),
    (NotFoundError, "unknown to the service"),
    (RateLimitError, "too many requests"),
    (APIError, "service error ({})"),
    (UnexpectedResponseError, "unexpected answer"),
)
_FIRST_PAUSE, _MAX_PAUSE = 5.0, 300.0


@dataclass(frozen=True)
class PollStatus:
    """Result of the latest poll.

    Parameters
    ----------
    updated
        Time of the last response in seconds since the epoch, by the local clock, or None.
    offline_since
        Time of the first failure in seconds since the epoch, or None if the last poll succeeded.
    error
        Error message of the last failure.
    problem
        Short form of the error, such as ``"not answering"``, or None if the last poll succeeded.
    notice
        Notice about the task, or None.
    is_final
        If True, polling has stopped.
    """

    updated: float | None = None
    offline_since: float | None = None
    error: str | None = None
    problem: str | None = None
    notice: str | None = None
    is_final: bool = False

    @classmethod
    def failed(cls, error: Exception, updated: float | None, since: float) -> PollStatus:
        """Return the status after a failed poll.

        Parameters
        ----------
        error
            The failure.
        updated
            Time of the last response in seconds since the epoch, or None.
        since
            Time of the first failure in seconds since the epoch.
        """
        return cls(updated, since, _message(error), problem_of(error))


@dataclass(frozen=True)
class Trouble:
    """Failed updates of one task, while the service answers other requests.

    Parameters
    ----------
    error
        Error of the last request.
    since
        Time of the first failure in seconds since the epoch.
    updated
        Time of the last update in seconds since the epoch, or None.
    tries
        Number of consecutive failures.
    """

    error: Exception
    since: float
    updated: float | None = None
    tries: int = 1

    @property
    def is_gone(self) -> bool:
        """Whether the task is unknown to the service."""
        return isinstance(self.error, NotFoundError)

    @property
    def is_final(self) -> bool:
        """Whether the task counts as removed and is not polled any more."""
        return self.is_gone and self.tries >= _GONE_TRIES

    @property
    def pause(self) -> float:
        """Seconds until the next request."""
        retry_after = getattr(self.error, "retry_after", None) or 0.0
        return max(retry_after, min(_MAX_PAUSE, _FIRST_PAUSE * 2.0 ** min(self.tries - 1, 10)))

    @property
    def status(self) -> PollStatus:
        """The poll status of the task."""
        return PollStatus(
            self.updated,
            self.since,
            _message(self.error),
            problem_of(self.error),
            GONE if self.is_gone else None,
            self.is_final,
        )


def problem_of(error: Exception) -> str:
    """Return a short description of an error, as shown next to the time of the last update.

    Examples
    --------
    >>> problem_of(APITimeoutError("..."))
    'not answering'
    """
    for kind, text in _PROBLEMS:
        if isinstance(error, kind):
            return text.format(getattr(error, "status", ""))
    return "not updated"


def _message(error: Exception) -> str:
    # Messages of other exceptions may contain anything, such as a signed URL.
    if isinstance(error, InductivaError):
        return str(error)
    return f"An unexpected {type(error).__name__} occurred."
