"""Wire values of stored files."""

from __future__ import annotations

from datetime import datetime

import msgspec

from inductiva_widgets.models.tasks import ArchiveEntry
from inductiva_widgets.server.schemas.base import ServerModel

REGION = "local"
PROVIDER = "LOCAL"


class ByteRange(ServerModel, frozen=True, kw_only=True):
    """Byte range of the compressed data of an archive entry, both ends included."""

    range_start: int
    range_end: int
    compress_type: int


class ZipContents(ServerModel, frozen=True, kw_only=True):
    """Listing of an archive; ``size`` is that of the archive file."""

    size: int
    contents: list[ArchiveEntry]


class StoredFacts(ServerModel, frozen=True, kw_only=True):
    """Stored file, or folder with the total of its files; folder names end in a slash."""

    size_bytes: int
    creation_time: datetime
    is_directory: bool
    provider_id: str = PROVIDER
    region: str = REGION


class StoredFile(StoredFacts, frozen=True, kw_only=True):
    """Stored file or folder with its name, relative to the listed folder."""

    name: str


class Contents(ServerModel, frozen=True, kw_only=True):
    """Page of a listing; ``total_files`` is the number of entries of all pages."""

    total_files: int
    contents: list[StoredFile]
    available_regions: list[str] = msgspec.field(default_factory=lambda: [REGION])


class NamedContents(ServerModel, frozen=True, kw_only=True):
    """Page of a listing, by name."""

    total_files: int
    contents: dict[str, StoredFacts]
    available_regions: list[str] = msgspec.field(default_factory=lambda: [REGION])


class StorageCost(ServerModel, frozen=True, kw_only=True):
    """Monthly cost of the stored files, which is 0."""

    estimated_monthly_cost: float = 0.0
    currency: str = "USD"


class Bucket(ServerModel, frozen=True, kw_only=True):
    """Storage bucket."""

    provider_id: str = PROVIDER
    name: str = "local"
    region: str = REGION
    is_internal: bool = True


class StorageOperation(ServerModel, frozen=True, kw_only=True):
    """Operation on stored files; on this server each finishes before its response."""

    id: str
    name: str
    status: str
    start_time: datetime
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    end_time: datetime | None = None
    error_message: str | None = None
