"""Polling of running tasks, and worker threads for long actions."""

from inductiva_widgets.polling.new_tasks import NewTaskSubscription
from inductiva_widgets.polling.poller import Poller, Subscription, get_poller
from inductiva_widgets.polling.status import PollStatus, Trouble
from inductiva_widgets.polling.weak_list import WeakList
from inductiva_widgets.polling.worker import run_in_thread

__all__ = [
    "NewTaskSubscription",
    "PollStatus",
    "Poller",
    "Subscription",
    "Trouble",
    "WeakList",
    "get_poller",
    "run_in_thread",
]
