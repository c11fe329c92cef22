"""The application of the embedded server: its endpoints behind the guard."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.types import ASGIApp

from inductiva_widgets.local.context import Context
from inductiva_widgets.local.guard import Activity, Guard
from inductiva_widgets.local.routes import (
    compute,
    links,
    meta,
    peers,
    projects,
    storage,
    tasks,
    users,
)
from inductiva_widgets.local.web import ERROR_HANDLERS

ROUTES = [
    *meta.ROUTES,
    *tasks.ROUTES,
    *peers.ROUTES,
    *storage.ROUTES,
    *links.ROUTES,
    *compute.ROUTES,
    *users.ROUTES,
    *projects.ROUTES,
]


def build_app(
    context: Context, api_key: str, activity: Activity, host_names: Iterable[str] = ()
) -> ASGIApp:
    """Return the application.

    Parameters
    ----------
    context
        The services behind the endpoints.
    api_key
        The key that requests have to carry.
    activity
        Told of every request.
    host_names
        Names beside ``localhost`` that this server is known by.
    """
    # No CORS on purpose: no web page has business here.
    inner = Starlette(routes=ROUTES, exception_handlers=ERROR_HANDLERS)
    inner.router.redirect_slashes = False
    inner.state.context = context
    return Guard(inner, api_key, host_names, activity)
