"""Everything this package raises on purpose.

    InductivaError
    ├── ConfigurationError          no key, malformed key, malformed URL
    ├── InputError                  a bad argument or input folder (also a ValueError)
    ├── APIConnectionError          no answer: refused, unresolved, cut off
    │   └── APITimeoutError         no answer in time
    ├── APIError                    the service answered with an error status
    │   ├── AuthenticationError     401, 403
    │   ├── NotFoundError           404
    │   ├── ConflictError           409
    │   ├── InvalidRequestError     400, 422 and the other 4xx
    │   ├── RateLimitError          429
    │   └── ServerError             5xx
    ├── UnexpectedResponseError     an answer that is not the API's
    ├── TaskError                   the task cannot do what was asked in its present state
    ├── DownloadError               a download that did not become whole
    │   ├── ArchiveError            damaged, truncated or unsupported archive
    │   ├── UnsafePathError         a member that would land outside its folder
    │   └── DownloadCancelled       stopped by the user
    └── LocalServerError            the embedded server cannot be started or used

and one warning, ``StaleHistoryWarning``: the history is there, but not quite as asked.

Texts are for people: what happened, why, and what to do. Catch the class that you can do something
about; what the service itself answered is in ``status`` and ``detail``. In IPython and notebooks
they show the lines of yours that led there and their own words; ``%xmode Verbose`` brings back the
way through this package.

>>> try:
...     inductiva.tasks.Task("no-such-task").get_info()
... except inductiva.errors.NotFoundError as error:
...     print(error.status, error.endpoint)
404 GET /tasks/no-such-task
"""

from __future__ import annotations

import types

# What type checkers take for typing.TYPE_CHECKING, without the import that it costs.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "ArchiveError",
    "AuthenticationError",
    "ConfigurationError",
    "ConflictError",
    "DownloadCancelled",
    "DownloadError",
    "InductivaError",
    "InputError",
    "InvalidRequestError",
    "LocalServerError",
    "NotFoundError",
    "RateLimitError",
    "ServerError",
    "StaleHistoryWarning",
    "TaskError",
    "UnexpectedResponseError",
    "UnsafePathError",
    "error_for_status",
]


class InductivaError(Exception):
    """Base of every error that this package raises on purpose.

    Examples
    --------
    >>> try:
    ...     task.open_output("model.report")
    ... except inductiva.InductivaError as error:
    ...     print(error)
    not in the archive: 'model.report' (there is 'model.rpt', ...)
    """

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows of the error; nobody else calls this."""
        from IPython import get_ipython

        shown = get_ipython().InteractiveTB
        if shown.mode == "Verbose":
            return _lines(shown, self, self.__traceback__)
        # A twin without the causes, whose own tracebacks run to hundreds of lines.
        alone = type(self).__new__(type(self), *self.args)
        vars(alone).update(vars(self))
        return _lines(shown, alone, _without_ours(self.__traceback__))


class ConfigurationError(InductivaError):
    """The client cannot be set up: no key, a malformed key, a malformed address."""


class InputError(InductivaError, ValueError):
    """An argument or an input folder that cannot be used."""


class APIConnectionError(InductivaError):
    """The service gave no answer."""

    def __init__(self, message: str, *, endpoint: str = "") -> None:
        """Say what happened.

        Parameters
        ----------
        message
            What happened, in one sentence.
        endpoint
            Method and path of the call, such as ``"GET /tasks"``; kept as an attribute.
        """
        super().__init__(message)
        self.endpoint = endpoint


class APITimeoutError(APIConnectionError):
    """The service gave no answer in time."""


class APIError(InductivaError):
    """The service answered with an error status."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        endpoint: str = "",
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        """Say what the service answered; all but the message are kept as attributes.

        Parameters
        ----------
        message
            What happened, in one sentence, the service's own words included.
        status
            HTTP status code.
        endpoint
            Method and path of the call, such as ``"GET /tasks"``.
        detail
            The service's own words, empty where it gave none.
        retry_after
            Seconds after which the service asks to try again, None if it does not.
        """
        super().__init__(message)
        self.status = status
        self.endpoint = endpoint
        self.detail = detail
        self.retry_after = retry_after


class AuthenticationError(APIError):
    """The key is missing, unknown, or not allowed to do this (401, 403)."""


class NotFoundError(APIError):
    """The service knows no such task, project, file or machine group (404)."""


class ConflictError(APIError):
    """The request contradicts the present state on the service (409)."""


class InvalidRequestError(APIError):
    """The service refused the request as malformed (400, 422 and the other 4xx)."""


class RateLimitError(APIError):
    """Too many requests in too short a time (429)."""


class ServerError(APIError):
    """The service failed (5xx)."""


class UnexpectedResponseError(InductivaError):
    """An answer that is not the API's: HTML, another shape of JSON, a redirect."""

    def __init__(self, message: str, *, endpoint: str = "") -> None:
        """Say what came instead.

        Parameters
        ----------
        message
            What came, in one sentence.
        endpoint
            Method and path of the call, such as ``"GET /tasks"``; kept as an attribute.
        """
        super().__init__(message)
        self.endpoint = endpoint


class TaskError(InductivaError):
    """The task cannot do what was asked in its present state."""


class DownloadError(InductivaError):
    """A download that did not become whole; calling again goes on with it."""


class ArchiveError(DownloadError):
    """A damaged, truncated or unsupported archive, the member named where there is one."""


class UnsafePathError(DownloadError):
    """An archive member that would land outside the target folder."""


class DownloadCancelled(DownloadError):
    """The download was stopped by the user."""


class LocalServerError(InductivaError):
    """The embedded server cannot be started or used."""


class StaleHistoryWarning(UserWarning):
    """The task history comes, but from a while ago, or could not be kept; the text says which."""


_BY_STATUS: dict[int, type[APIError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}


def error_for_status(status: int) -> type[APIError]:
    """Return the class for an HTTP error status.

    Parameters
    ----------
    status
        HTTP status code, 400 or above.

    Returns
    -------
    type[APIError]
        The most specific class of the tree.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.errors.error_for_status(404).__name__
    'NotFoundError'
    """
    if status >= 500:
        return ServerError
    return _BY_STATUS.get(status, InvalidRequestError)


def _lines(shown: Any, error: InductivaError, way: types.TracebackType | None) -> list[str]:
    lines: list[str] = shown.structured_traceback(type(error), error, way)
    return lines


def _without_ours(way: types.TracebackType | None) -> types.TracebackType | None:
    """Return a traceback without the frames of this package."""
    if way is None:
        return None
    rest = _without_ours(way.tb_next)
    if str(way.tb_frame.f_globals.get("__name__")).partition(".")[0] == __package__:
        return rest
    return types.TracebackType(rest, way.tb_frame, way.tb_lasti, way.tb_lineno)
