"""Snapshot of the user's jobs, refreshed by one query at a time in the background."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from inductiva_widgets.server.slurm.commands import Job, SlurmError

_log = logging.getLogger(__name__)


class Snapshot(NamedTuple):
    """Jobs by id, and the time (``time.monotonic``) at which their query was started."""

    jobs: Mapping[str, Job]
    started: float


class JobTable:
    """Latest known states of all jobs.

    A query may take long or fail while the controller of Slurm is busy or down. Then the last
    snapshot stays in use, since a late state is harmless.

    Parameters
    ----------
    query
        Returns the jobs by id; may raise ``SlurmError``.
    """

    def __init__(self, query: Callable[[], dict[str, Job]]) -> None:
        self._query = query
        self._snapshot: Snapshot | None = None
        self._error: SlurmError | None = None
        self._thread: threading.Thread | None = None
        self._due = 0.0
        self._is_first = True

    def read(self, interval: float) -> Snapshot:
        """Return the last snapshot, and start a query in the background if it is too old.

        Parameters
        ----------
        interval
            Seconds between two queries.

        Raises
        ------
        SlurmError
            There is no snapshot yet, and the query failed.
        """
        now = time.monotonic()
        is_busy = self._thread is not None and self._thread.is_alive()
        self._due = min(self._due, now + interval)
        if not is_busy and now >= self._due:
            self._due = now + interval
            self._thread = threading.Thread(target=self._refresh, name="squeue", daemon=True)
            self._thread.start()
        if self._is_first and self._thread is not None:
            # Nothing is known yet.
            self._thread.join()
            self._is_first = False
        if self._snapshot is None:
            raise self._error or SlurmError("squeue has not responded yet. The server tries again.")
        return self._snapshot

    def last(self) -> Mapping[str, Job]:
        """Return the jobs of the last snapshot without any query."""
        return self._snapshot.jobs if self._snapshot is not None else {}

    def _refresh(self) -> None:
        started = time.monotonic()
        try:
            self._snapshot = Snapshot(self._query(), started)
        except SlurmError as error:
            if self._error is None:
                _log.warning("The states of the jobs cannot be read. %s", error)
            self._error = error
        else:
            if self._error is not None:
                _log.info("Slurm responds again.")
            self._error = None
