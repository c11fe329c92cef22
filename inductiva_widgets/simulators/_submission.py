"""Submission of a task that leaves no second task behind if a response is lost.

The service accepts every submission as a new task. If the response is lost, the client cannot know
whether the task exists, so each submission has a unique id among its parameters, by which the
task is found in the listing. A task that is not used is killed: it waits for inputs, and would
neither run nor end.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from inductiva_widgets import errors
from inductiva_widgets._warnings import warn_caller
from inductiva_widgets.http import responses, time_limits
from inductiva_widgets.http.retry import backoff
from inductiva_widgets.models.tasks import (
    SUBMISSION_ID,
    SubmissionResult,
    TaskInfo,
    TaskSubmission,
)

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

_PER_PAGE = 50
# The service's clock is known to about 2 s, and a response may be delayed.
_CLOCK_TOLERANCE = timedelta(seconds=60)
_AMBIGUOUS = (errors.APIConnectionError, errors.ServerError, errors.UnexpectedResponseError)
_FAILURES = (*_AMBIGUOUS, errors.RateLimitError)
_LOOK = (
    "An accepted task waits for inputs and never runs: look for it with "
    "inductiva.tasks.get(status='pending-input'), and kill it."
)


def submit_once(client: Client, submission: TaskSubmission) -> SubmissionResult:
    """Submit a task, and find it if the response is lost.

    Parameters
    ----------
    client
        Client of the service.
    submission
        Task to submit.

    Returns
    -------
    SubmissionResult
        The only task of this submission that is not killed.

    Notes
    -----
    Requests: 1; after a failure, at least 1 more to find the task, and 1 for each other task of the
    last seconds.
    """
    return _Submission(client, submission).submit()


class _Submission:
    def __init__(self, client: Client, submission: TaskSubmission) -> None:
        self._client = client
        self._id = secrets.token_hex(16)
        params = {**(submission.extra_params or {}), SUBMISSION_ID: self._id}
        self._body = replace(submission, extra_params=params)
        self._since = client.server_time - _CLOCK_TOLERANCE

    def submit(self) -> SubmissionResult:
        try:
            return self._submit_with_retries()
        except KeyboardInterrupt:
            # The interrupt may have come between the request and its response.
            with suppress(errors.InductivaError), time_limits.single_try():
                self._kill(self._find())
            raise

    def _submit_with_retries(self) -> SubmissionResult:
        attempt, waited, may_exist = 0, 0.0, False
        while True:
            attempt += 1
            try:
                result = self._client.submit(self._body)
            except _FAILURES as error:
                pause = getattr(error, "retry_after", None) or backoff(attempt)
                waited += pause
                may_exist = may_exist or _is_ambiguous(error)
                if may_exist:
                    found = self._find_or_none()
                    if found:
                        self._kill(found[1:])
                        return _as_result(found[0])
                    if found is None:
                        error.add_hint(f"The service may have accepted the task. {_LOOK}")
                        raise
                is_last = attempt == time_limits.PERSISTENT_TRIES or not _may_repeat(error)
                if is_last or waited > time_limits.MAX_RETRY_AFTER:
                    if may_exist:
                        error.add_hint(f"The service has not accepted the task yet. {_LOOK}")
                    raise
                time.sleep(pause)
            else:
                if may_exist:
                    # The service may have accepted an earlier try after the search.
                    others = self._find_or_none() or []
                    self._kill([task for task in others if task.task_id != result.id])
                return result

    def _find_or_none(self) -> list[TaskInfo] | None:
        try:
            return self._find()
        except errors.InductivaError:
            return None

    def _find(self) -> list[TaskInfo]:
        """Return the tasks of this submission, newest first."""
        found: list[TaskInfo] = []
        page = 0
        while True:
            page += 1
            listed = self._client.list_tasks(page=page, per_page=_PER_PAGE).tasks
            recent = [task for task in listed if _created_since(task, self._since)]
            # The parameters are in the details only.
            for task in recent:
                with suppress(errors.NotFoundError):
                    details = self._client.get_task(task.task_id)
                    if (details.extra_params or {}).get(SUBMISSION_ID) == self._id:
                        found.append(details)
            if len(recent) < _PER_PAGE:
                return found

    def _kill(self, tasks: list[TaskInfo]) -> None:
        for task in tasks:
            if task.is_terminated:
                continue
            try:
                self._client.kill_task(task.task_id)
            except errors.InductivaError as error:
                warn_caller(
                    f"The service has accepted one submission twice. Task {task.task_id} waits for "
                    f"inputs, and could not be killed: {error} Kill it with "
                    f"inductiva.tasks.Task({task.task_id!r}).kill()."
                )


def _created_since(task: TaskInfo, since: datetime) -> bool:
    return task.create_time is None or task.create_time >= since


def _may_repeat(error: errors.InductivaError) -> bool:
    """Return whether the request is no longer in progress."""
    return not isinstance(error, (errors.APITimeoutError, errors.UnexpectedResponseError))


def _is_ambiguous(error: errors.InductivaError) -> bool:
    """Return whether the service may have accepted the task."""
    return isinstance(error, _AMBIGUOUS) and not responses.is_undelivered(error)


def _as_result(task: TaskInfo) -> SubmissionResult:
    return SubmissionResult(
        id=task.task_id,
        status=task.status,
        is_terminated=task.is_terminated,
        storage_region=task.storage_region,
    )
