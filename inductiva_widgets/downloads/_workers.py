"""Thread pool that runs jobs, one connection per thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from inductiva_widgets.downloads._cancellation import CancelToken
from inductiva_widgets.downloads._connection_limit import ConnectionLimiter
from inductiva_widgets.downloads.remote_file import RangeRefused

Job = Callable[[], None]
_JOIN_SECONDS = 2.0  # maximum time to wait for all threads


class WorkerPool:
    """Threads that run the jobs of one download. The first error stops all of them.

    Parameters
    ----------
    limiter
        Limits the number of connections; may be shared with other pools.
    cancel_token
        Stops the threads when cancelled.
    """

    def __init__(self, limiter: ConnectionLimiter, cancel_token: CancelToken) -> None:
        self.stop = threading.Event()
        self._limiter = limiter
        self._cancel_token = cancel_token
        self._lock = threading.Lock()
        self._error: Exception | None = None
        self._is_draining = False

    @property
    def should_stop(self) -> bool:
        """Whether the threads should stop."""
        return self.stop.is_set() or self._cancel_token.cancelled

    @property
    def accepts_jobs(self) -> bool:
        """Whether the threads should begin further jobs."""
        return not self.should_stop and not self._is_draining

    def fail(self, error: Exception) -> None:
        """Stop all threads; ``run`` raises the first error.

        Parameters
        ----------
        error
            The error to raise.
        """
        self._keep_first(error)
        self.stop.set()

    def drain(self, error: Exception) -> None:
        """Complete the jobs in progress, but begin no more; ``run`` raises the first error.

        Parameters
        ----------
        error
            The error to raise.
        """
        self._keep_first(error)
        self._is_draining = True

    def _keep_first(self, error: Exception) -> None:
        with self._lock:
            self._error = self._error or error

    def run(self, next_job: Callable[[], Job | None], threads: int) -> None:
        """Run all jobs.

        Parameters
        ----------
        next_job
            Function that returns the next job, or None if there are no more. Called from several
            threads. It may block, but not once ``accepts_jobs`` is False.
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
            for n in range(min(threads, self._limiter.max_connections))
        ]
        try:
            for worker in workers:
                worker.start()
            while any(worker.is_alive() for worker in workers) and not self._cancel_token.cancelled:
                # With a timeout, so that an interrupt is processed on every system.
                for worker in workers:
                    worker.join(0.5 / len(workers))
        except BaseException:
            self._cancel_token.cancel()
            raise
        finally:
            # After a cancellation, a thread in a connection attempt ends by itself later.
            until = time.monotonic() + _JOIN_SECONDS
            for worker in workers:
                if worker.ident is not None:
                    worker.join(max(0.0, until - time.monotonic()))
        self._cancel_token.raise_if_cancelled()
        if self._error is not None:
            self.stop.set()
            raise self._error

    def _work(self, next_job: Callable[[], Job | None]) -> None:
        try:
            while self.accepts_jobs and (job := next_job()) is not None:
                with self._limiter.acquire(self._cancel_token) as got:
                    if got and self.accepts_jobs:
                        job()
        except RangeRefused as exc:
            # The URL may have expired for further requests. Those in progress go on.
            self.drain(exc)
        except Exception as exc:  # `run` raises it in the caller's thread
            self.fail(exc)
