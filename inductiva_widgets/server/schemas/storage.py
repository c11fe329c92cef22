"""Wire values of stored files."""

from __future__ import annotations

from datetime import datetime

import msgspec

from inductiva_widgets.models.tasks import ArchiveEntry
from inductiva_widgets.server.schemas.base import ServerModel

REGION = "local"
PROVIDER = "LOCAL"


class ByteRange(ServerModel, frozen=True, kw_only=True):
    """Where the packed bytes of an archive member are, both ends included."""

    range_start: int
    range_end: int
    compress_type: int


class ZipContents(ServerModel, frozen=True, kw_only=True):
    """Part of an archive; ``size`` is the archive's own."""

    size: int
    contents: list[ArchiveEntry]


class StoredFacts(ServerModel, frozen=True, kw_only=True):
    """A stored file, or a folder with all below; names of folders end in a slash."""

    size_bytes: int
    creation_time: datetime
    is_directory: bool
    provider_id: str = PROVIDER
    region: str = REGION


class StoredFile(StoredFacts, frozen=True, kw_only=True):
    """The same with its name, relative to what was listed."""

    name: str


class Contents(ServerModel, frozen=True, kw_only=True):
    """A page of a listing; ``total_files`` counts what all pages have together."""

    total_files: int
    contents: list[StoredFile]
    available_regions: list[str] = msgspec.field(default_factory=lambda: [REGION])


class NamedContents(ServerModel, frozen=True, kw_only=True):
    """A page of a listing, by name."""

    total_files: int
    contents: dict[str, StoredFacts]
    available_regions: list[str] = msgspec.field(default_factory=lambda: [REGION])


class StorageCost(ServerModel, frozen=True, kw_only=True):
    """What the stored files cost a month: nothing."""

    estimated_monthly_cost: float = 0.0
    currency: str = "USD"


class Bucket(ServerModel, frozen=True, kw_only=True):
    """A place that holds files."""

    provider_id: str = PROVIDER
    name: str = "local"
    region: str = REGION
    is_internal: bool = True


class StorageOperation(ServerModel, frozen=True, kw_only=True):
    """A long operation on stored files; here all are over when they are answered."""

    id: str
    name: str
    status: str
    start_time: datetime
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    end_time: datetime | None = None
    error_message: str | None = None
