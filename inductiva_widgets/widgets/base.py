"""Base class of widgets: requests, visibility, stored displays and error reports."""

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

from inductiva_widgets._callbacks import run_in_thread
from inductiva_widgets._throttle import ThrottledNotifier
from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.errors import InductivaError, InputError
from inductiva_widgets.polling import PollStatus, Subscription, get_poller
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
# Minimum seconds between two updates of stored displays, except the last one. Each update is a
# message of 4 to 36 kB, for which front ends render the output again.
_STORE_PERIOD = 5.0
# Seconds after which a view without any message counts as never drawn.
_NEVER_SHOWN_AFTER = 20.0
# Set if messages are received while a cell runs.
_receives_during_cells = threading.Event()


class BaseWidget(anywidget.AnyWidget):
    """Base class of widgets, with replies to requests and a static fallback.

    A subclass adds request handlers to ``_handlers``. Each request runs on a thread of its own, and
    its result or exception is sent to the front end. A subclass subscribes to tasks with ``_watch``
    and overrides ``_is_finished``.
    """

    _esm, _css = assets.esm(), assets.css()

    kind = traitlets.Unicode().tag(sync=True)
    # Model ids, with which the front end finds the shared code and the model of the widget.
    _assets_id = traitlets.Unicode().tag(sync=True)
    _self_id = traitlets.Unicode().tag(sync=True)

    # Class attributes, since `close` is called even if `__init__` has raised.
    _subscriptions: tuple[Subscription[Any], ...] = ()
    # `get_state` is called during `__init__`.
    _shown_once = False
    _has_new_page = False
    _own_layout: Any = None

    def __init__(self, **kwargs: Any) -> None:
        unknown = sorted(set(kwargs) - set(self.trait_names()))
        if unknown:
            raise InputError(f"Unknown argument of {type(self).__name__}: {', '.join(unknown)}.")
        self._handlers: dict[str, Handler] = {
            "module": assets.chunk_response,
            "refresh": lambda _: self.send_state(),
            "visible": self._handle_visible,
        }
        self._displays = DisplayHandles()
        self._freezes_when_finished = False
        self._stored: object = None
        self._stored_notifier = ThrottledNotifier(self._send_error, _STORE_PERIOD)
        self._stored_notifier.subscribe(self._store)
        self._visible_views: set[str] = set()
        # Time of the display, until a view has sent a message.
        self._shown_at: float | None = None
        self._visibility_lock = threading.Lock()
        self._last_report = ""
        model_id = uuid.uuid4().hex
        ids = {"_assets_id": assets.Assets.shared_id(), "_self_id": model_id}
        super().__init__(**kwargs, **ids, model_id=model_id)
        self._own_layout = None if "layout" in kwargs else self.layout
        requests = RequestDeduplicator(getattr(self, "comm", None), self._handle_request)
        self.on_msg(lambda _, content, __: requests.receive(content))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def freeze(self) -> None:
        """Replace every display of the widget by static HTML, and end its updates.

        Static HTML stays readable in a saved notebook without a kernel, in nbconvert and on GitHub.
        All widgets are frozen when the kernel is shut down.

        Examples
        --------
        >>> card = task.widget()
        >>> card.freeze()
        """
        self.show_static()
        if self._has_new_page and self._is_finished():
            # A reloaded page cannot replace its displays, which would disappear with the comm.
            subscriptions = self._subscriptions
            self._cancel_subscriptions()
            self._notify_pending(subscriptions)
        else:
            self.close()

    def show_static(self) -> None:
        """Replace every display by static HTML, without closing the widget."""
        self._displays.update(self._static_mimebundle)

    def freeze_when_finished(self) -> None:
        """Freeze once the task has finished, now or later."""
        self._freezes_when_finished = True
        self.observe(self._update_stored, self._observed_traits())
        self._update_stored()

    def close(self) -> None:
        """Close the widget, and end its subscriptions."""
        self._cancel_subscriptions()
        super().close()
        # ipywidgets leaves the layout open, which keeps it in the kernel and in the page.
        layout, self._own_layout = self._own_layout, None
        if layout is not None:
            layout.close()

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return the traits.

        Parameters
        ----------
        key, drop_defaults
            As for any widget.
        """
        if key is None and self._shown_once:
            # After the display, only a reloaded or a second page requests the whole state.
            self._has_new_page = True
        return super().get_state(key, drop_defaults)  # type: ignore[no-any-return]

    def _cancel_subscriptions(self) -> None:
        for subscription in self._subscriptions:
            subscription.cancel()
        self._subscriptions = ()

    def show_pending(self) -> None:
        """Show pending updates in the view and in the stored displays."""
        self._notify_pending(item for item in self._subscriptions if not item.is_cancelled)

    def _notify_pending(self, subscriptions: Iterable[Subscription[Any]]) -> None:
        for subscription in subscriptions:
            # `_report_errors` has shown the error in the widget.
            with contextlib.suppress(Exception):
                self._report_errors(subscription.notify_pending)()

    def _is_finished(self) -> bool:
        """Return whether the content of the widget is final."""
        return False

    def _stored_state(self) -> object:
        """Return a state; if it changes, the stored displays are updated."""
        return None

    def _update_stored(self, _: Any = None) -> None:
        """Update the stored displays if they differ from the view; never blocks.

        A notebook stores the text and the HTML of a display, not the live view.
        """
        is_finished = self._is_finished()
        if is_finished and self._freezes_when_finished:
            # Called again for late updates; the display is replaced only if it differs.
            self.freeze()
            return
        state = self._stored_state()
        # Updates after the end are few, so their mimebundles are compared instead.
        if is_finished or state != self._stored:
            self._stored = state
            self._stored_notifier.notify(at_once=is_finished)

    def _store(self) -> None:
        if self.comm is not None:
            self._displays.update(self._mimebundle)

    def _observed_traits(self) -> list[str]:
        return [name for name in ("view", "log_metrics", "download") if self.has_trait(name)]

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
        """Start a subscription, which is paused while the widget is not visible."""
        subscription.on_error = self._send_error
        status: Any = getattr(self, "poll_status", None)
        subscription.shows_error = status is not None and status["offline_since"] is not None
        subscription.on_status = self._pause_if_never_shown(subscription.on_status)
        active = [other for other in self._subscriptions if not other.is_cancelled]
        self._subscriptions = (*active, subscription)
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
            is_late = shown_at is not None and time.monotonic() - shown_at > _NEVER_SHOWN_AFTER
            if is_late and _receives_during_cells.is_set():
                self._set_visibility("", is_visible=False)
            else:
                on_status(status)

        return handle

    def _handle_visible(self, content: dict[str, Any]) -> None:
        view, is_visible = content.get("view"), content.get("is_visible")
        if not isinstance(view, str) or not isinstance(is_visible, bool):
            raise InputError(
                "A request 'visible' must have the string `view` and the bool `is_visible`."
            )
        if threading.current_thread() is not threading.main_thread():
            _receives_during_cells.set()
        self._set_visibility(view, is_visible=is_visible)

    def _set_visibility(self, view: str, *, is_visible: bool) -> None:
        with self._visibility_lock:
            self._shown_at = None
            # A view that is removed sends that it is not visible, so the set stays small.
            (self._visible_views.add if is_visible else self._visible_views.discard)(view)
            is_paused = not self._visible_views
            status: Any = getattr(self, "poll_status", None)
            if status is not None and status["is_paused"] != is_paused:
                self.set_trait("poll_status", {**status, "is_paused": is_paused})
            self._on_visibility(not is_paused)
            for subscription in self._subscriptions:
                subscription.pause() if is_paused else subscription.resume()

    def _on_visibility(self, is_visible: bool) -> None:
        """Start or stop work that is needed only for a visible widget; must not block."""

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
        """Show an exception of a callback in the front end, unless it was the last one."""
        view = view_models.error_view("An update could not be shown", error)
        if view["report"] != self._last_report:
            self._last_report = view["report"]
            self.send({"push": "error", "task_id": "", "error": view})

    def _handle_request(self, content: dict[str, Any]) -> None:
        """Reply to a request of the front end, with an error if it is malformed."""
        request_id, kind = content["id"], content.get("kind")
        handler = self._handlers.get(kind) if isinstance(kind, str) else None

        def work() -> None:
            if handler is None:
                raise InputError(f"Unknown request {str(kind)[:50]!r}.")
            result = handler(content)
            self.send({"id": request_id, "ok": True, "result": result})

        def fail(error: Exception) -> None:
            if not isinstance(error, InductivaError):
                _log.error("A request of the front end failed", exc_info=error)
            view = view_models.error_view(_TITLES.get(str(kind), "The request failed"), error)
            self.send({"id": request_id, "ok": False, "error": view})

        if kind == "visible":
            # On this thread: it does not block, and the order of these messages matters.
            try:
                work()
            except Exception as error:
                fail(error)
            return
        run_in_thread(work, fail, f"request-{str(kind)[:20]}")

    def _with_fallback(self, plain: str, html: str) -> Bundle:
        """Return the mimebundle: text, HTML, and the live view unless the widget is closed."""
        # A terminal prints the text, for example with `jupyter run`.
        text = escape_control_chars(plain, keep="\n\t")
        data: dict[str, Any] = {"text/plain": text, "text/html": html}
        if self.comm is not None:
            data[_LIVE_VIEW] = {
                "version_major": 2,
                "version_minor": 1,
                "model_id": self.model_id,
            }
        return data, {}


_TITLES = {
    "module": "A part of the widget could not be loaded",
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
    "follow": "New tasks could not be followed",
    "kill": "The task could not be killed",
    "outputs": "The output files could not be listed",
    "download": "The download could not be started",
    "resume_download": "The download could not be resumed",
    "open": "The task could not be opened",
    "rows": "The rows could not be loaded",
}
