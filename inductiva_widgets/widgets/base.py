"""Base of the widgets: requests and replies, visibility, stored displays, errors in the page."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from inductiva_widgets._throttle import ThrottledNotifier
from inductiva_widgets.errors import InductivaError, InputError
from inductiva_widgets.polling import PollStatus, Subscription, get_poller, run_in_thread
from inductiva_widgets.tasks._display import in_notebook
from inductiva_widgets.widgets import assets, view_models
from inductiva_widgets.widgets.display_handles import DisplayHandles, keep_updated
from inductiva_widgets.widgets.early_messages import RequestDeduplicator

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

_log = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any]], Any]
Bundle = tuple[dict[str, Any], dict[str, Any]]
_LIVE_VIEW = "application/vnd.jupyter.widget-view+json"
# Seconds between two updates of what a notebook stores at least; the end is stored at once. Each is
# a message of 4 to 36 kB, and front ends render the output again for it.
_STORED_EVERY = 5.0
# Seconds in which a view that is drawn at all has said so.
_LOST_AFTER = 20.0
_comes_beside_cells = threading.Event()


class BaseWidget(anywidget.AnyWidget):
    """Base of the widgets: strict keywords, one reply for every request, a twin that stays.

    A subclass names its handlers in ``_handlers``; each runs on a thread of its own, so that the
    kernel is never blocked by a button, and what it returns or raises goes back to the page.
    What it follows it says by ``_watch``, and by ``_is_over`` when nothing more is to come.
    """

    _esm, _css = assets.esm(), assets.css()

    kind = traitlets.Unicode().tag(sync=True)
    # Model ids, for the page to find the shared code and the model of the widget itself.
    _assets_id = traitlets.Unicode().tag(sync=True)
    _self_id = traitlets.Unicode().tag(sync=True)

    # Here and not only in __init__: a widget whose making was refused is closed too.
    _subscriptions: tuple[Subscription[Any], ...] = ()
    # Its state is asked for while it is being made.
    _shown_once = False
    _has_new_page = False

    def __init__(self, **kwargs: Any) -> None:
        unknown = sorted(set(kwargs) - set(self.trait_names()))
        if unknown:
            raise InputError(f"{type(self).__name__} has no argument {', '.join(unknown)}.")
        self._handlers: dict[str, Handler] = {
            "module": assets.chunk_response,
            "refresh": lambda _: self.send_state(),
            "visible": self._handle_visible,
        }
        self._displays = DisplayHandles()
        self._freezes_when_finished = False
        self._stored: object = None
        self._stored_notifier = ThrottledNotifier(self._send_error, _STORED_EVERY)
        self._stored_notifier.subscribe(self._store)
        self._visible_views: set[str] = set()
        # When it was shown, until a view says that it is there.
        self._shown_at: float | None = None
        self._visibility_lock = threading.Lock()
        self._last_report = ""
        model_id = uuid.uuid4().hex
        ids = {"_assets_id": assets.Assets.shared_id(), "_self_id": model_id}
        super().__init__(**kwargs, **ids, model_id=model_id)
        requests = RequestDeduplicator(getattr(self, "comm", None), self._handle_request)
        self.on_msg(lambda _, content, __: requests.receive(content))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def freeze(self) -> None:
        """Replace every display of the widget by a static picture of it, and end its updates.

        The picture is plain HTML and text: it stays readable in a saved notebook that is opened
        without a kernel, by nbconvert or on GitHub. It happens by itself when the kernel is shut
        down. Costs no request.

        Examples
        --------
        >>> card = task.widget()
        >>> card.freeze()
        """
        self.show_static()
        if self._has_new_page and self._is_finished():
            # That page cannot replace its displays any more: without the comm they would vanish.
            subscriptions = self._subscriptions
            self._cancel_subscriptions()
            self._notify_pending(subscriptions)
        else:
            self.close()

    def show_static(self) -> None:
        """Replace every display by the static picture, without ending the widget."""
        self._displays.update(self._static_mimebundle)

    def freeze_when_finished(self) -> None:
        """Freeze once the task has finished, now or later."""
        self._freezes_when_finished = True
        self.observe(self._update_stored, self._observed_traits())
        self._update_stored()

    def close(self) -> None:
        """End the view and its share of the polling."""
        self._cancel_subscriptions()
        super().close()

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return the traits.

        Parameters
        ----------
        key, drop_defaults
            As for any widget.
        """
        if key is None and self._shown_once:
            # Only a page that was reloaded, or a second one, requests all of it after that.
            self._has_new_page = True
        return super().get_state(key, drop_defaults)  # type: ignore[no-any-return]

    def _cancel_subscriptions(self) -> None:
        for subscription in self._subscriptions:
            subscription.cancel()
        self._subscriptions = ()

    def show_pending(self) -> None:
        """Show pending updates in the view and in the stored displays."""
        self._notify_pending(one for one in self._subscriptions if not one.is_cancelled)

    def _notify_pending(self, subscriptions: Iterable[Subscription[Any]]) -> None:
        for subscription in subscriptions:
            # A failure is shown in the page.
            with contextlib.suppress(Exception):
                self._report_errors(subscription.notify_pending)()

    def _is_finished(self) -> bool:
        """Return whether nothing that is shown will change any more."""
        return False

    def _stored_state(self) -> object:
        """Return the state whose changes are stored in the notebook."""
        return None

    def _update_stored(self, _: Any = None) -> None:
        """Update the stored displays if they differ from the view; never blocks.

        A notebook stores the text and the HTML that a display was sent with, whatever the live view
        shows later.
        """
        is_over = self._is_finished()
        if is_over and self._freezes_when_finished:
            # Again for late updates; the display is replaced only if it differs.
            self.freeze()
            return
        state = self._stored_state()
        # Updates after the end are few, so their mimebundles are compared instead.
        if is_over or state != self._stored:
            self._stored = state
            self._stored_notifier.notify(at_once=is_over)

    def _store(self) -> None:
        if self.comm is not None:
            self._displays.update(self._mimebundle)

    def _observed_traits(self) -> list[str]:
        return [name for name in ("view", "live", "download") if self.has_trait(name)]

    def _mimebundle(self) -> dict[str, Any]:
        # The method of the class: `Widget.close` of ipywidgets sets the widget's own to None.
        # https://github.com/jupyter-widgets/ipywidgets/pull/401
        bundle: Bundle = type(self)._repr_mimebundle_(self)  # type: ignore[assignment]
        return bundle[0]

    def _static_mimebundle(self) -> dict[str, Any]:
        return {mime: data for mime, data in self._mimebundle().items() if mime != _LIVE_VIEW}

    def _ipython_display_(self, **_: Any) -> None:
        """Display the widget under an id, so that its output can be updated later."""
        if not in_notebook():
            raise NotImplementedError
        self._stored = self._stored_state()
        self._displays.show(self._mimebundle())
        self._shown_once = True
        self._shown_at = time.monotonic()
        self._on_visibility(True)
        keep_updated(self)
        self.observe(self._update_stored, self._observed_traits())

    def _watch(self, client: Client, subscription: Subscription[Any]) -> None:
        """Follow tasks until the widget is closed; paused while no view of it is in sight."""
        subscription.on_error = self._send_error
        subscription.on_status = self._pause_if_never_shown(subscription.on_status)
        kept = [other for other in self._subscriptions if not other.is_cancelled]
        self._subscriptions = (*kept, subscription)
        get_poller(client).subscribe(subscription)

    def _pause_if_never_shown(
        self, on_status: Callable[[PollStatus], None]
    ) -> Callable[[PollStatus], None]:
        """Return a callback that pauses a widget whose display was cleared before it was drawn.

        The view of such a display never sends a message. This counts only if the kernel receives
        messages while a cell runs; otherwise the first message may wait for hours, and the widget
        must stay live.
        """

        def handle(status: PollStatus) -> None:
            shown_at = self._shown_at
            is_late = shown_at is not None and time.monotonic() - shown_at > _LOST_AFTER
            if is_late and _comes_beside_cells.is_set():
                self._set_visibility("", is_visible=False)
            else:
                on_status(status)

        return handle

    def _handle_visible(self, content: dict[str, Any]) -> None:
        view, is_visible = content.get("view"), content.get("is_visible")
        if not isinstance(view, str) or not isinstance(is_visible, bool):
            raise InputError("visible needs a view, and whether it is in sight.")
        if threading.current_thread() is not threading.main_thread():
            _comes_beside_cells.set()
        self._set_visibility(view, is_visible=is_visible)

    def _set_visibility(self, view: str, *, is_visible: bool) -> None:
        with self._visibility_lock:
            self._shown_at = None
            # A view that has gone says that it is out of sight, so nothing of it stays here.
            (self._visible_views.add if is_visible else self._visible_views.discard)(view)
            is_paused = not self._visible_views
            feed: Any = getattr(self, "feed", None)
            if feed is not None and feed["is_paused"] != is_paused:
                self.set_trait("feed", {**feed, "is_paused": is_paused})
            self._on_visibility(not is_paused)
            for subscription in self._subscriptions:
                subscription.pause() if is_paused else subscription.resume()

    def _on_visibility(self, is_seen: bool) -> None:
        """Take note of whether the widget is shown, for what is done only then; never blocks."""

    def _report_errors(self, callback: Callable[..., None]) -> Callable[..., None]:
        """Return a callback whose exceptions are shown in the widget and raised again."""

        def guarded(*arguments: Any) -> None:
            try:
                callback(*arguments)
            except Exception as error:
                self._send_error(error)
                raise

        return guarded

    def _send_error(self, error: Exception) -> None:
        """Show an exception of a callback in the page, once for each report."""
        view = view_models.error_view("An update could not be shown", error)
        if view["report"] != self._last_report:
            self._last_report = view["report"]
            self.send({"push": "error", "task_id": "", "error": view})

    def _handle_request(self, content: dict[str, Any]) -> None:
        """Answer a request of the page; malformed ones are answered too, with an error."""
        request_id, kind = content["id"], content.get("kind")
        handler = self._handlers.get(kind) if isinstance(kind, str) else None

        def work() -> None:
            if handler is None:
                raise InputError(f"This version knows no request {str(kind)[:50]!r}.")
            result = handler(content)
            self.send({"id": request_id, "ok": True, "result": result})

        def fail(error: Exception) -> None:
            if not isinstance(error, InductivaError):
                _log.error("A request of the page failed", exc_info=error)
            view = view_models.error_view(_TITLES.get(str(kind), "That did not work"), error)
            self.send({"id": request_id, "ok": False, "error": view})

        if kind == "visible":
            # Never blocks, and a view's goodbye must not overtake its greeting.
            try:
                work()
            except Exception as error:
                fail(error)
            return
        run_in_thread(work, fail, f"request-{str(kind)[:20]}")

    def _with_fallback(self, plain: str, html: str) -> Bundle:
        """Return the live view, unless it is closed, with its twins for places without a kernel."""
        data: dict[str, Any] = {"text/plain": plain, "text/html": html}
        if self.comm is not None:
            data[_LIVE_VIEW] = {
                "version_major": 2,
                "version_minor": 1,
                "model_id": self.model_id,
            }
        return data, {}


_TITLES = {
    "module": "A part of the page could not be loaded",
    "refresh": "The state could not be sent again",
    "visible": "The updates could not be paused",
    "log": "The log could not be read",
    "files": "The files could not be listed",
    "preview": "The file could not be previewed",
    "query": "The list could not be searched",
    "facet": "The values of the column could not be listed",
    "select": "The tasks could not be selected",
    "kill_selected": "The tasks could not be killed",
    "download_selected": "The download could not be started",
    "follow": "New tasks could not be looked for",
    "kill": "The task could not be killed",
    "outputs": "The output files could not be listed",
    "download": "The download could not be started",
    "resume_download": "The download could not be resumed",
    "open": "The task could not be opened",
    "rows": "The rows could not be loaded",
}
