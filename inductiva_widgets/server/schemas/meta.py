"""Wire values of the version endpoints."""

from __future__ import annotations

from inductiva_widgets.server.schemas.base import ServerModel


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
