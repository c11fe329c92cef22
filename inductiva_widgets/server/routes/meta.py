"""Routes for the version, images and prices; most need no API key."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from inductiva_widgets._version import __version__
from inductiva_widgets.models.tasks import ImageCatalogue
from inductiva_widgets.server.context import context_of
from inductiva_widgets.server.endpoints import Endpoint, QueryModel, document
from inductiva_widgets.server.http_util import read_query, respond
from inductiva_widgets.server.schemas.base import ServerModel

# The server has no images of its own, but clients build an image name from alias and version.
_VERSION = "local"
_IMAGES = """
    amr-wind calculix cans cm1 coawst cp2k delft3d delft3dfm dualsphysics elmer fds freefem funwave
    fvcom gprmax gromacs gx hec-ras mohid nwchem octopus openfast openfoam-cfmesh openfoam-esi
    openfoam-foundation opensees opensees-eesd openseespy opentelemac quantum-espresso reef3d schism
    sfincs snl-swan splishsplash swan swash swmm wavewatch3 wrf xbeach
"""


class VersionAnswer(ServerModel, frozen=True, kw_only=True):
    """Answer to ``GET /version``; ``instance`` is a new one each time the server starts."""

    version: str
    instance: str
    min_supported_client_version: str | None = None


class VersionCheck(ServerModel, frozen=True, kw_only=True):
    """Answer to ``GET /version-check``."""

    is_valid: bool
    client_version: str
    server_version: str
    min_supported_client_version: str | None = None


class _CheckQuery(QueryModel, frozen=True, kw_only=True):
    client_version: str


async def _version(request: Request) -> Response:
    """Return the version of the server and the id of its present run."""
    return respond(VersionAnswer(version=__version__, instance=context_of(request).instance))


async def _version_check(request: Request) -> Response:
    """Return whether a client is recent enough, which is always true."""
    query = read_query(request, _CheckQuery)
    return respond(
        VersionCheck(is_valid=True, client_version=query.client_version, server_version=__version__)
    )


async def _available_images(_request: Request) -> Response:
    """List the simulators with their versions."""
    return respond(ImageCatalogue(production={name: [_VERSION] for name in _IMAGES.split()}))


async def _openapi(request: Request) -> Response:
    """Return the OpenAPI document of the routes."""
    state = request.app.state
    # Built once: it takes a good part of a second, during which no other request is answered.
    if not hasattr(state, "openapi"):
        routes = [route for route in request.app.routes if isinstance(route, Endpoint)]
        state.openapi = document(routes, __version__)
    return respond(state.openapi)


ROUTES = [
    Endpoint("GET", "/version", _version, answer=VersionAnswer, is_open=True),
    Endpoint(
        "GET",
        "/version-check",
        _version_check,
        query=_CheckQuery,
        answer=VersionCheck,
        is_open=True,
    ),
    Endpoint(
        "GET",
        "/simulators/available-images",
        _available_images,
        answer=ImageCatalogue,
        is_open=True,
    ),
    Endpoint("GET", "/openapi.json", _openapi, answer=dict[str, Any]),
]
