"""The ASGI application: all routes behind the authentication middleware."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.types import ASGIApp

from inductiva_widgets.server.auth import AuthMiddleware, IdleTracker
from inductiva_widgets.server.context import Context
from inductiva_widgets.server.http_util import ERROR_HANDLERS
from inductiva_widgets.server.routes import (
    machine_groups,
    meta,
    projects,
    signed_urls,
    storage,
    tasks,
    users,
    webrtc,
)

ROUTES = [
    *meta.ROUTES,
    *tasks.ROUTES,
    *webrtc.ROUTES,
    *storage.ROUTES,
    *signed_urls.ROUTES,
    *machine_groups.ROUTES,
    *users.ROUTES,
    *projects.ROUTES,
]


def build_app(
    context: Context, api_key: str, activity: IdleTracker, host_names: Iterable[str] = ()
) -> ASGIApp:
    """Return the application.

    Parameters
    ----------
    context
        The services behind the endpoints.
    api_key
        The key that requests have to carry.
    activity
        Records every request.
    host_names
        Further host names of this server than ``localhost``.
    """
    # No CORS on purpose: no web page has business here.
    inner = Starlette(routes=ROUTES, exception_handlers=ERROR_HANDLERS)
    inner.router.redirect_slashes = False
    inner.state.context = context
    return AuthMiddleware(inner, api_key, host_names, activity)
