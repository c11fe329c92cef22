"""What happens beside the kernel's own thread: one poller, and workers for long actions."""

from inductiva_widgets.live.feed import Feed, Trouble
from inductiva_widgets.live.follow import Follow
from inductiva_widgets.live.poller import Poller, Subscription, poller_for
from inductiva_widgets.live.weak_list import WeakList
from inductiva_widgets.live.worker import spawn

__all__ = ["Feed", "Follow", "Poller", "Subscription", "Trouble", "WeakList", "poller_for", "spawn"]
