"""What a client asks before anything else; open to everybody on this machine."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from inductiva_widgets._version import __version__
from inductiva_widgets.local.context import context_of
from inductiva_widgets.local.web import answer, read_query
from inductiva_widgets.local.wire import VersionAnswer, VersionCheck
from inductiva_widgets.models import Images

# There are no container images here. Clients build the name of one all the same, and ask for the
# simulator by its alias.
_VERSION = "local"
_IMAGES = """
    amr-wind calculix cans cm1 coawst cp2k delft3d delft3dfm dualsphysics elmer fds freefem funwave
    fvcom gprmax gromacs gx hec-ras mohid nwchem octopus openfast openfoam-cfmesh openfoam-esi
    openfoam-foundation opensees opensees-eesd openseespy opentelemac quantum-espresso reef3d schism
    sfincs snl-swan splishsplash swan swash swmm wavewatch3 wrf xbeach
"""


class _CheckQuery(msgspec.Struct, frozen=True, kw_only=True):
    client_version: str


async def _version(request: Request) -> Response:
    return answer(VersionAnswer(version=__version__, instance=context_of(request).instance))


async def _version_check(request: Request) -> Response:
    query = read_query(request, _CheckQuery)
    return answer(
        VersionCheck(is_valid=True, client_version=query.client_version, server_version=__version__)
    )


async def _available_images(_request: Request) -> Response:
    return answer(Images(production={name: [_VERSION] for name in _IMAGES.split()}))


ROUTES = [
    Route("/version", _version),
    Route("/version-check", _version_check),
    Route("/simulators/available-images", _available_images),
]
