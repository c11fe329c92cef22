"""Thread pool that runs jobs, one connection per thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from inductiva_widgets.downloads._cancellation import CancelToken
from inductiva_widgets.downloads._connection_limit import ConnectionLimiter
from inductiva_widgets.errors import DownloadCancelled

Job = Callable[[], None]
_JOIN_SECONDS = 2.0  # for all threads together


class WorkerPool:
    """Threads that run the jobs of one download. The first error stops them.

    Parameters
    ----------
    limiter
        Limits the number of connections; may be shared with other pools.
    control
        Stops the threads when cancelled.
    """

    def __init__(self, limiter: ConnectionLimiter, control: CancelToken) -> None:
        self.stop = threading.Event()
        self._limiter = limiter
        self._control = control
        self._lock = threading.Lock()
        self._error: Exception | None = None

    @property
    def should_stop(self) -> bool:
        """Whether the threads should stop."""
        return self.stop.is_set() or self._control.cancelled

    def fail(self, error: Exception) -> None:
        """Stop the run; ``run`` raises the first error.

        Parameters
        ----------
        error
            The error to raise.
        """
        with self._lock:
            self._error = self._error or error
        self.stop.set()

    def run(self, next_job: Callable[[], Job | None], threads: int) -> None:
        """Run all jobs.

        Parameters
        ----------
        next_job
            Returns the next job, or None if there are no more. Called from several threads; may
            wait, but not once ``should_stop`` is True.
        threads
            Maximum number of threads.

        Raises
        ------
        DownloadCancelled
            If the download is cancelled.
        """
        workers = [
            threading.Thread(
                target=self._work, args=(next_job,), name=f"inductiva-range-{n}", daemon=True
            )
            for n in range(min(threads, self._limiter.most))
        ]
        try:
            for worker in workers:
                worker.start()
            while any(worker.is_alive() for worker in workers) and not self._control.cancelled:
                # In slices, so that an interrupt is seen on every system.
                for worker in workers:
                    worker.join(0.5 / len(workers))
        except BaseException:
            self._control.cancel()
            raise
        finally:
            # After a cancel, one that hangs in a connection attempt cleans up by itself later.
            until = time.monotonic() + _JOIN_SECONDS
            for worker in workers:
                if worker.ident is not None:
                    worker.join(max(0.0, until - time.monotonic()))
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
