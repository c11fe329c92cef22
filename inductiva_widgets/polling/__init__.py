"""What happens beside the kernel's own thread: one poller, and workers for long actions."""

from inductiva_widgets.polling.new_tasks import Follow
from inductiva_widgets.polling.poller import Poller, Subscription, poller_for
from inductiva_widgets.polling.status import Feed, Trouble
from inductiva_widgets.polling.weak_list import WeakList
from inductiva_widgets.polling.worker import spawn

__all__ = ["Feed", "Follow", "Poller", "Subscription", "Trouble", "WeakList", "poller_for", "spawn"]
