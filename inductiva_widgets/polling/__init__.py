"""Polling of running tasks."""

from inductiva_widgets.polling.poller import NewTaskSubscription, Poller, Subscription, get_poller
from inductiva_widgets.polling.status import PollStatus, Trouble
from inductiva_widgets.polling.weak_list import WeakList

__all__ = [
    "NewTaskSubscription",
    "PollStatus",
    "Poller",
    "Subscription",
    "Trouble",
    "WeakList",
    "get_poller",
]
