"""Status of polling: age of the shown state, and errors."""

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
# A service may answer 404 for a moment, such as behind a proxy that restarts. After so many
# answers, which take 2.5 minutes, the task counts as removed.
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
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0


@dataclass(frozen=True)
class PollStatus:
    """How fresh the news is.

    Parameters
    ----------
    updated
        When the service last answered, seconds of our clock since the epoch; None before.
    offline_since
        Since when it has not answered, None while it does.
    error
        Why it did not answer, in words.
    problem
        The same in one or two words, such as ``"not answering"``; None while it answers.
    notice
        What the person should know about the task, None for nothing.
    is_final
        If True, nothing more is asked.
    """

    updated: float | None = None
    offline_since: float | None = None
    error: str | None = None
    problem: str | None = None
    notice: str | None = None
    is_final: bool = False

    @classmethod
    def failed(cls, error: Exception, updated: float | None, since: float) -> PollStatus:
        """Return the feed of a service that does not answer as it should."""
        return cls(updated, since, _words(error), problem_of(error))


@dataclass(frozen=True)
class Trouble:
    """Why one task is not updated while the service answers for the others.

    Parameters
    ----------
    error
        The error of the last try.
    since
        When the first try failed, seconds since the epoch.
    updated
        When the task was last updated, None if never.
    tries
        Number of failed tries.
    """

    error: Exception
    since: float
    updated: float | None = None
    tries: int = 1

    @property
    def is_gone(self) -> bool:
        """Whether the service does not know the task."""
        return isinstance(self.error, NotFoundError)

    @property
    def is_final(self) -> bool:
        """Whether the task is not asked for any more."""
        return self.is_gone and self.tries >= _GONE_TRIES

    @property
    def pause(self) -> float:
        """Seconds from the last try to the next."""
        asked = getattr(self.error, "retry_after", None) or 0.0
        return max(asked, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self.tries - 1, 10)))

    @property
    def feed(self) -> PollStatus:
        """What the card of the task says instead of the feed of the service."""
        return PollStatus(
            self.updated,
            self.since,
            _words(self.error),
            problem_of(self.error),
            GONE if self.is_gone else None,
            self.is_final,
        )


def problem_of(error: Exception) -> str:
    """Return in one or two words why there is no update.

    Examples
    --------
    >>> problem_of(APITimeoutError("..."))
    'not answering'
    """
    for kind, text in _PROBLEMS:
        if isinstance(error, kind):
            return text.format(getattr(error, "status", ""))
    return "not updated"


def _words(error: Exception) -> str:
    # The text of other errors may hold anything, a signed link included.
    if isinstance(error, InductivaError):
        return str(error)
    return f"An unexpected {type(error).__name__} occurred."
