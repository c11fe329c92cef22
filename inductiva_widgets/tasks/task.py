"""One task on the service: look at it, wait for it, kill it, get its files."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from inductiva_widgets._interrupts import explain, explain_interrupt
from inductiva_widgets.errors import (
    APIConnectionError,
    InductivaError,
    InputError,
    RateLimitError,
    ServerError,
)
from inductiva_widgets.history.invalidation import mark_stale
from inductiva_widgets.http.time_limits import single_try
from inductiva_widgets.status import KNOWN_STATUSES, Status
from inductiva_widgets.tasks import _display
from inductiva_widgets.tasks._wait import poll_until
from inductiva_widgets.tasks._watches import TaskWatches

if TYPE_CHECKING:
    from inductiva_widgets.widgets import TaskWidget

_WAIT_INTERRUPTED = "The wait was interrupted; task {0.id} goes on."


class Task(TaskWatches):
    """A simulation that was submitted.

    Shows itself as a live card in a notebook. Methods may be called from several threads.

    Parameters
    ----------
    task_id
        The task's id. No request is made, so a wrong id shows at the first use.
    client
        The service; by default that of the last ``inductiva_widgets.connect``.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.tasks.Task("n7pbtxunxqzuca6nwe9v0gn75")
    Task('n7pbtxunxqzuca6nwe9v0gn75')
    >>> print(task.get_status())
    success
    """

    def get_metadata(self) -> dict[str, str]:
        """Return the metadata of the task, names and values; costs one request.

        Examples
        --------
        >>> task.set_metadata({"case": "storm", "slope": "0.01"})
        >>> task.get_metadata()
        {'case': 'storm', 'slope': '0.01'}
        """
        return self.client.get_metadata(self.id)

    def set_metadata(self, metadata: dict[str, str]) -> None:
        """Replace the metadata of the task; costs one request.

        Parameters
        ----------
        metadata
            Names and values, texts that are not empty.

        Raises
        ------
        InputError
            A key or value is empty or no text.

        Examples
        --------
        >>> task.set_metadata({"case": "storm"})
        >>> task.get_metadata()["case"]
        'storm'
        """
        for key, value in metadata.items():
            if not all(isinstance(item, str) and item for item in (key, value)):
                raise InputError(f"Metadata is text by text, none empty: {key!r}: {value!r}.")
        self.client.set_metadata(self.id, metadata)
        mark_stale(self.client.settings, self.id)

    # Waiting and killing

    @explain_interrupt(_WAIT_INTERRUPTED)
    def wait(
        self,
        polling_period: float = 1.0,
        silent_mode: bool = False,
        download_std_on_completion: bool = True,
    ) -> Status:
        """Wait until the task has ended. An interrupt ends the wait alone, not the task.

        Shows a live card in a notebook and one updating line in a terminal. While the service does
        not answer, the wait goes on and says so.

        Parameters
        ----------
        polling_period
            Seconds between two looks at the task.
        silent_mode
            Whether to show nothing.
        download_std_on_completion
            Whether to download ``stdout.txt`` and ``stderr.txt`` at the end.

        Returns
        -------
        Status
            The final status. Costs one request a period, fewer when a live card looks anyway.

        Raises
        ------
        InputError
            ``polling_period`` is no positive number.

        Examples
        --------
        >>> status = task.wait()
        >>> status.is_failed
        False
        """
        info = poll_until(self, lambda info: info.is_terminal, polling_period, silent_mode)
        if download_std_on_completion and info.has_outputs:
            try:
                self.download_outputs(["stdout.txt", "stderr.txt"], _quiet=True)
            except InductivaError as error:
                # The task has ended, whatever became of two small files.
                warnings.warn(f"stdout.txt and stderr.txt are not there: {error}", stacklevel=2)
        return info.status

    @explain_interrupt(_WAIT_INTERRUPTED)
    def wait_for_status(
        self,
        status: str,
        polling_period: float = 1.0,
        silent_mode: bool = False,
    ) -> bool:
        """Wait until the task has a status, or has ended; shows nothing if that is so already.

        Parameters
        ----------
        status
            Code of the status, such as ``"computation-started"``.
        polling_period, silent_mode
            As for ``wait``.

        Returns
        -------
        bool
            True when the task is in that status, False when it ended in another. Costs requests as
            ``wait`` does.

        Raises
        ------
        InputError
            There is no such status.

        Examples
        --------
        >>> storm = inductiva.simulators.SWMM().run("cases/swmm_storm")
        >>> storm.wait_for_status("computation-started", silent_mode=True)
        True
        >>> storm.kill()
        """
        wanted = known_status(status)
        info = poll_until(
            self,
            lambda info: info.status == wanted or info.is_terminal,
            polling_period,
            silent_mode,
            shows_end=False,
        )
        return info.status == wanted

    @contextlib.contextmanager
    def sync_context(self) -> Iterator[Task]:
        """Kill the remote task when the block is left by an exception or an interrupt.

        The exception goes on, the interrupt too. Costs no request unless there is one.

        Yields
        ------
        Task
            The task itself.

        Examples
        --------
        >>> with task.sync_context():
        ...     status = task.wait()
        >>> print(status)
        success
        """
        try:
            yield self
        except BaseException as error:
            self.kill()
            if isinstance(error, KeyboardInterrupt):
                explain(error, f"The block was interrupted; task {self.id} was asked to end.")
            raise

    @explain_interrupt("The kill of task {0.id} was interrupted; its status says what came of it.")
    def kill(self, wait_timeout: float | None = None) -> bool | None:
        """Ask the service to kill the task.

        Parameters
        ----------
        wait_timeout
            Seconds to wait for the end; None to return once the request is accepted.

        Returns
        -------
        bool or None
            None without ``wait_timeout``; else whether the task has ended in time. A task that had
            ended before is left as it is: None, or True. Costs two requests, three where the
            status has changed, and two a second while it waits.

        Raises
        ------
        TypeError
            ``wait_timeout`` is no number.
        InputError
            ``wait_timeout`` is negative.

        Examples
        --------
        >>> storm = inductiva.simulators.SWMM().run("cases/swmm_storm")
        >>> storm.kill(wait_timeout=30)
        True
        >>> print(storm.get_status())
        killed
        """
        if wait_timeout is not None:
            if isinstance(wait_timeout, bool) or not isinstance(wait_timeout, (int, float)):
                raise TypeError("wait_timeout must be a number of seconds or None.")
            if not wait_timeout >= 0:
                raise InputError("wait_timeout must not be negative.")
        if not self.refresh().is_terminal:
            self.client.kill_task(self.id)
            self._seen_at = -float("inf")
        if wait_timeout is None:
            return None
        deadline = time.monotonic() + wait_timeout
        while True:
            left = max(0.0, deadline - time.monotonic())
            try:
                # At least 1 s, for a last look at the end of the time.
                with single_try(max(1.0, left)):
                    ended = self.refresh().is_terminal
            except (APIConnectionError, RateLimitError, ServerError):
                # The kill was accepted: the next look may be answered.
                ended = False
            if ended or time.monotonic() >= deadline:
                return ended
            time.sleep(min(0.5, left))

    # Display

    def widget(self) -> TaskWidget:
        """Return a new live card of the task; costs requests as ``TaskWidget`` does.

        Examples
        --------
        >>> card = task.widget()
        >>> card
        TaskWidget(Task('...', simulator='swmm', status='success'))
        """
        return _display.task_widget(self)

    def _ipython_display_(self) -> None:
        _display.display_task(self)

    def _repr_mimebundle_(self, **_: Any) -> _display.Bundle:
        return _display.task_mimebundle(self)


def known_status(status: str) -> Status:
    """Return the status with a code.

    Raises
    ------
    InputError
        There is no such status; the known ones are listed.
    """
    if not isinstance(status, str) or status not in KNOWN_STATUSES:
        raise InputError(f"There is no status {status!r}. Known: {', '.join(KNOWN_STATUSES)}.")
    return Status(status)
