"""When the freshness is worth a message: a change at once, a sign of life now and then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from inductiva_widgets.polling import PollStatus, get_poller
from inductiva_widgets.widgets import contract, view_models

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

_SIGN_OF_LIFE = 5.0


class PollStatusFilter:
    """Choose which feeds the page needs.

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
        feed = get_poller(self._client).status
        if feed.offline_since is None:
            now = time.time()
            feed = PollStatus(now) if error is None else PollStatus.failed(error, feed.updated, now)
        self._told = self._view(feed)
        return self._told

    def next_update(self, feed: PollStatus) -> contract.PollStatusView | None:
        """Return the view to send, or None where the page can count on by itself."""
        view, told = self._view(feed), self._told
        if told is not None and {**told, "updated": view["updated"]} == view:
            age = (view["updated"] or 0) - (told["updated"] or 0)
            if age < _SIGN_OF_LIFE * 1000:
                return None
        self._told = view
        return view

    def _view(self, feed: PollStatus) -> contract.PollStatusView:
        return view_models.poll_status_view(feed, self._client.transport.clock_skew)
