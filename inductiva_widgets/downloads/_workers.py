"""A few threads that work off jobs, each over one connection; the first error ends the run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from inductiva_widgets.downloads._cancellation import CancelToken
from inductiva_widgets.downloads._connection_limit import ConnectionLimiter
from inductiva_widgets.errors import DownloadCancelled

Job = Callable[[], None]
_PATIENCE = 2.0  # seconds, for all of them


class WorkerPool:
    """Threads for one run.

    Parameters
    ----------
    limiter
        The limit on connections; may be shared with other crews.
    control
        Its cancel ends the run.
    """

    def __init__(self, limiter: ConnectionLimiter, control: CancelToken) -> None:
        self.stop = threading.Event()
        self._limiter = limiter
        self._control = control
        self._lock = threading.Lock()
        self._error: Exception | None = None

    @property
    def should_stop(self) -> bool:
        """Whether those at work should leave."""
        return self.stop.is_set() or self._control.cancelled

    def fail(self, error: Exception) -> None:
        """End the run with an error; of several the first counts.

        Parameters
        ----------
        error
            What ``run`` raises.
        """
        with self._lock:
            self._error = self._error or error
        self.stop.set()

    def run(self, next_job: Callable[[], Job | None], threads: int) -> None:
        """Work off the jobs.

        Parameters
        ----------
        next_job
            Returns the next job, None when there are no more; called from several threads, may
            wait, though not once ``ending``.
        threads
            How many at most.

        Raises
        ------
        DownloadCancelled
            After a cancel.
        """
        hands = [
            threading.Thread(
                target=self._work, args=(next_job,), name=f"inductiva-range-{n}", daemon=True
            )
            for n in range(min(threads, self._limiter.most))
        ]
        try:
            for hand in hands:
                hand.start()
            while any(hand.is_alive() for hand in hands) and not self._control.cancelled:
                # In slices, so that an interrupt is seen on every system.
                for hand in hands:
                    hand.join(0.5 / len(hands))
        except BaseException:
            self._control.cancel()
            raise
        finally:
            # After a cancel, one that hangs in a connection attempt cleans up by itself later.
            until = time.monotonic() + _PATIENCE
            for hand in hands:
                if hand.ident is not None:
                    hand.join(max(0.0, until - time.monotonic()))
        if self._control.cancelled:
            raise DownloadCancelled("the download was cancelled; calling again goes on from there")
        if self._error is not None:
            raise self._error

    def _work(self, next_job: Callable[[], Job | None]) -> None:
        try:
            while not self.should_stop and (job := next_job()) is not None:
                with self._limiter.acquire(self._control) as got:
                    if got and not self.should_stop:
                        job()
        except Exception as exc:  # raised by `run`, in the caller's thread
            self.fail(exc)
