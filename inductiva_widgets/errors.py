"""Exceptions and warnings of the package.

    InductivaError
    ├── ConfigurationError          no key, malformed key, malformed URL
    ├── InputError                  a bad argument or input folder (also a ValueError)
    ├── APIConnectionError          no response: refused, unresolved, cut off
    │   └── APITimeoutError         no response in time
    ├── APIError                    the service responded with an error status
    │   ├── AuthenticationError     401, 403
    │   ├── NotFoundError           404
    │   ├── ConflictError           409
    │   ├── InvalidRequestError     400, 422 and the other 4xx
    │   ├── RateLimitError          429
    │   └── ServerError             5xx
    ├── UnexpectedResponseError     a response that the API does not define
    ├── TaskError                   not possible in the present status of the task
    ├── DownloadError               an incomplete download
    │   ├── ArchiveError            damaged, truncated or unsupported archive
    │   ├── UnsafePathError         an entry that would be written outside its folder
    │   └── DownloadCancelled       stopped by the user
    └── LocalServerError            the embedded server cannot be started or used

and three warnings: ``StaleHistoryWarning``, if the history may be out of date or could not be
cached, ``OddValueWarning``, if the service sends a value that cannot be read, and
``ExportWarning``, if a file cannot hold a value.

Each message says what happened, why, and what to do. The service's own message is in ``detail``,
its HTTP status in ``status``. In IPython and notebooks, the traceback shows only the user's lines;
``%xmode Verbose`` shows the frames of this package too.

>>> try:
...     inductiva.tasks.Task("no-such-task").get_info()
... except inductiva.errors.NotFoundError as error:
...     print(error.status, error.endpoint)
404 GET /tasks/no-such-task
"""

from __future__ import annotations

import types

# Type checkers treat this name like typing.TYPE_CHECKING, without importing typing.
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
    "ExportWarning",
    "InductivaError",
    "InputError",
    "InvalidRequestError",
    "LocalServerError",
    "NotFoundError",
    "OddValueWarning",
    "RateLimitError",
    "ServerError",
    "StaleHistoryWarning",
    "TaskError",
    "UnexpectedResponseError",
    "UnsafePathError",
    "error_for_status",
]


class InductivaError(Exception):
    """Base class of all errors of this package.

    Examples
    --------
    >>> try:
    ...     task.open_output("model.report")
    ... except inductiva.InductivaError as error:
    ...     print(error)
    The archive has no 'model.report' (did you mean 'model.rpt', ...?).
    """

    def __init__(self, message: str = "", *, hint: str = "", shell_hint: str = "") -> None:
        """Create the error.

        Parameters
        ----------
        message
            What happened, and why.
        hint
            What to do, added to the message.
        shell_hint
            What to do in a terminal, if the hint names Python.
        """
        super().__init__(f"{message} {hint}" if hint else message)
        self._shell_message = f"{message} {shell_hint}" if shell_hint else None

    def __str__(self) -> str:
        """Return the message, with control characters of the service's values escaped."""
        return _escaped(super().__str__())

    def add_hint(self, hint: str) -> None:
        """Add a sentence to the message.

        Parameters
        ----------
        hint
            What also happened, or what to do.
        """
        self.args = (f"{self.args[0]} {hint}", *self.args[1:])
        if self._shell_message is not None:
            self._shell_message = f"{self._shell_message} {hint}"

    @property
    def shell_message(self) -> str:
        """The message, with the hint for a terminal."""
        return str(self) if self._shell_message is None else _escaped(self._shell_message)

    def _render_traceback_(self) -> list[str]:
        """Return the traceback that IPython shows."""
        from IPython import get_ipython

        formatter = get_ipython().InteractiveTB
        if formatter.mode == "Verbose":
            return _format_traceback(formatter, self, self.__traceback__)
        # A copy without the causes, whose tracebacks may have hundreds of lines.
        copy = type(self).__new__(type(self), *self.args)
        vars(copy).update(vars(self))
        return _format_traceback(formatter, copy, _without_package(self.__traceback__))


class ConfigurationError(InductivaError):
    """The client cannot be configured: no key, a malformed key or address."""


class InputError(InductivaError, ValueError):
    """An argument or an input folder is invalid."""


class APIConnectionError(InductivaError):
    """The service did not respond."""

    def __init__(self, message: str, *, endpoint: str = "") -> None:
        """Create the error.

        Parameters
        ----------
        message
            The message.
        endpoint
            Method and path of the call, such as ``"GET /tasks"``; kept as an attribute.
        """
        super().__init__(message)
        self.endpoint = endpoint


class APITimeoutError(APIConnectionError):
    """The service did not respond in time."""


class APIError(InductivaError):
    """The service responded with an error status."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        endpoint: str = "",
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        """Create the error; all arguments except the message become attributes.

        Parameters
        ----------
        message
            The message, including the service's own.
        status
            HTTP status code.
        endpoint
            Method and path of the call, such as ``"GET /tasks"``.
        detail
            The service's own message, empty if it sent none.
        retry_after
            Seconds to wait before another try, or None if the service does not say.
        """
        super().__init__(message)
        self.status = status
        self.endpoint = endpoint
        self.detail = detail
        self.retry_after = retry_after


class AuthenticationError(APIError):
    """The API key is missing, unknown or lacks a permission (401, 403)."""


class NotFoundError(APIError):
    """The task, project, file or machine group does not exist (404)."""


class ConflictError(APIError):
    """The request conflicts with the present state on the service (409)."""


class InvalidRequestError(APIError):
    """The service rejected the request as invalid (400, 422 and the other 4xx)."""


class RateLimitError(APIError):
    """Too many requests were sent in a given time (429)."""


class ServerError(APIError):
    """The service failed (5xx)."""


class UnexpectedResponseError(InductivaError):
    """The response does not match the API: HTML, other JSON, a redirect."""

    def __init__(self, message: str, *, endpoint: str = "") -> None:
        """Create the error.

        Parameters
        ----------
        message
            The message.
        endpoint
            Method and path of the call, such as ``"GET /tasks"``; kept as an attribute.
        """
        super().__init__(message)
        self.endpoint = endpoint


class TaskError(InductivaError):
    """The operation is not possible in the present status of the task."""


class DownloadError(InductivaError):
    """The download is incomplete. Call again to resume it."""


class ArchiveError(DownloadError):
    """The archive is damaged, truncated or of an unsupported kind."""


class UnsafePathError(DownloadError):
    """An archive entry would be written outside the target folder."""


class DownloadCancelled(DownloadError):
    """The download was cancelled by the user."""


class LocalServerError(InductivaError):
    """The embedded server cannot be started or used."""


class ExportWarning(UserWarning):
    """The format of a file cannot hold some values."""


class OddValueWarning(UserWarning):
    """The service sent a value that cannot be read. It is missing in the result."""


class StaleHistoryWarning(UserWarning):
    """The task history may be out of date, or could not be cached."""


_BY_STATUS: dict[int, type[APIError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}


def error_for_status(status: int) -> type[APIError]:
    """Return the exception class for an HTTP error status.

    Parameters
    ----------
    status
        HTTP status code, 400 or above.

    Returns
    -------
    type[APIError]
        The most specific class.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.errors.error_for_status(404).__name__
    'NotFoundError'
    """
    if status >= 500:
        return ServerError
    return _BY_STATUS.get(status, InvalidRequestError)


def _escaped(message: str) -> str:
    from inductiva_widgets.ansi import escape_control_chars

    return escape_control_chars(message, keep="\n")


def _format_traceback(
    formatter: Any, error: InductivaError, trace: types.TracebackType | None
) -> list[str]:
    lines: list[str] = formatter.structured_traceback(type(error), error, trace)
    return lines


def _without_package(trace: types.TracebackType | None) -> types.TracebackType | None:
    """Return a traceback without the frames of this package."""
    if trace is None:
        return None
    rest = _without_package(trace.tb_next)
    if str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] == __package__:
        return rest
    return types.TracebackType(rest, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
