"""Selects the poll statuses to send: every change, and a sign of life every few seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from inductiva_widgets.polling import PollStatus, get_poller
from inductiva_widgets.widgets import contract, view_models

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

_SIGN_OF_LIFE = 5.0


class PollStatusFilter:
    """Selects the poll statuses that the front end needs.

    Parameters
    ----------
    client
        The service, for its clock.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._told: contract.PollStatusView | None = None

    def now(self, error: Exception | None = None) -> contract.PollStatusView:
        """Return the freshness of something that was asked for just now.

        Parameters
        ----------
        error
            Why there was no answer, None if there was one.
        """
        status = get_poller(self._client).status
        if status.offline_since is None:
            now = time.time()
            status = (
                PollStatus(now) if error is None else PollStatus.failed(error, status.updated, now)
            )
        self._told = self._view(status)
        return self._told

    def next_update(self, status: PollStatus) -> contract.PollStatusView | None:
        """Return the view to send, or None where the page can count on by itself."""
        view, told = self._view(status), self._told
        if told is not None and {**told, "updated": view["updated"]} == view:
            age = (view["updated"] or 0) - (told["updated"] or 0)
            if age < _SIGN_OF_LIFE * 1000:
                return None
        self._told = view
        return view

    def _view(self, status: PollStatus) -> contract.PollStatusView:
        return view_models.poll_status_view(status, self._client.transport.clock_skew)
