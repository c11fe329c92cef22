"""Filter that reduces the messages about the poll status."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from inductiva_widgets.polling import PollStatus, get_poller
from inductiva_widgets.widgets import contract, view_models

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

# Seconds between two messages if only the time of the last update has changed.
_PERIOD = 5.0


class PollStatusFilter:
    """Select the poll statuses that are sent to the front end.

    Parameters
    ----------
    client
        Client of the service, for the difference of the clocks.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._last: contract.PollStatusView | None = None

    def now(self, error: Exception | None = None) -> contract.PollStatusView:
        """Return the view after a request that has just been made.

        Parameters
        ----------
        error
            Error of the request, or None if it succeeded.
        """
        status = get_poller(self._client).status
        if status.offline_since is None:
            now = time.time()
            status = (
                PollStatus(now) if error is None else PollStatus.failed(error, status.updated, now)
            )
        self._last = self._view(status)
        return self._last

    def next_update(self, status: PollStatus) -> contract.PollStatusView | None:
        """Return the view to send, or None if it differs too little from the last one."""
        view, last = self._view(status), self._last
        if last is not None and {**last, "updated": view["updated"]} == view:
            age = (view["updated"] or 0) - (last["updated"] or 0)
            if age < _PERIOD * 1000:
                return None
        self._last = view
        return view

    def _view(self, status: PollStatus) -> contract.PollStatusView:
        return view_models.poll_status_view(status, self._client.transport.clock_skew)
