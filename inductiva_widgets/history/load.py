"""Load the cached history, update it and save it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from inductiva_widgets.errors import APIConnectionError, InputError
from inductiva_widgets.frames._columnar import TaskColumns
from inductiva_widgets.history.cache import CachedListing
from inductiva_widgets.history.file_format import CacheVersionError, CorruptCacheError
from inductiva_widgets.history.query import HistoryQuery
from inductiva_widgets.history.refresh import Refresh, join
from inductiva_widgets.history.store import HistoryStore
from inductiva_widgets.history.sync import (
    CacheMismatchError,
    CountingClient,
    ListingSync,
    ProgressCallback,
)

if TYPE_CHECKING:
    from inductiva_widgets.config import Settings
    from inductiva_widgets.http.client import Client

Warn = Callable[[str], None]


@dataclass(frozen=True)
class HistoryResult:
    """The tasks that match a query, newest first, and their source.

    Parameters
    ----------
    fields
        Columns of the tasks.
    as_of
        Time of the call, or of the last call if offline, by the service's clock.
    requests
        Number of requests made.
    kept
        Number of tasks that were cached and not fetched.
    complete
        If True, no matching task is missing.
    offline
        If True, the service was not requested or could not be reached.
    """

    fields: TaskColumns
    as_of: datetime
    requests: int
    kept: int
    complete: bool
    offline: bool

    @property
    def oldest_read_at(self) -> datetime:
        """Time at which the oldest row was read; ``as_of`` if there are no rows."""
        read_at = self.fields.times["read_at"]
        if not len(read_at):
            return self.as_of
        oldest: datetime = read_at.min().item()
        return oldest.replace(tzinfo=timezone.utc)


def read_offline(client: Client, query: HistoryQuery, warn: Warn) -> HistoryResult:
    """Return the cached tasks that match, without any request.

    Parameters
    ----------
    client
        The service.
    query
        The filters.
    warn
        Function that receives warnings.

    Raises
    ------
    InputError
        If nothing is cached.
    """
    return _HistoryLoader(CountingClient(client), client.settings, query, warn).read_offline()


def load_history(
    client: Client,
    query: HistoryQuery,
    *,
    refresh: bool,
    on_progress: ProgressCallback,
    warn: Warn,
) -> HistoryResult:
    """Return the tasks that match, and update the cache.

    Parameters
    ----------
    client
        The service.
    query
        The filters.
    refresh
        If True, fetch the cached tasks again.
    on_progress
        Called with the number of fetched tasks, and of tasks to fetch.
    warn
        Function that receives warnings.

    Raises
    ------
    APIConnectionError
        If the service cannot be reached and nothing is cached.
    InductivaError
        If the service responds with an error.
    """
    service = CountingClient(client, has_fallback=HistoryStore(client.settings).exists())
    error: APIConnectionError | None = None
    try:
        service.fetch_first_page()
    except APIConnectionError as exc:
        error = exc
    # After the first response, as the embedded server may have restarted with another key.
    loader = _HistoryLoader(service, client.settings, query, warn)
    if error is not None:
        return loader.fall_back_to_cache(error)
    return loader.load(on_progress, skip_known=not refresh)


class _HistoryLoader:
    """One call of ``load_history`` or ``read_offline``."""

    def __init__(
        self, service: CountingClient, settings: Settings, query: HistoryQuery, warn: Warn
    ) -> None:
        self._service = service
        self._query = query
        self._warn = warn
        self._store = HistoryStore(settings)
        self._cached = self._load()

    def load(self, on_progress: ProgressCallback, *, skip_known: bool) -> HistoryResult:
        """Update the cache and return the tasks that match."""
        try:
            # Try twice, as the listing may change during a call; then ignore the cache.
            for known in (self._cached, self._cached, CachedListing.empty()):
                sync = ListingSync(
                    self._service,
                    known,
                    self._query,
                    on_progress,
                    on_checkpoint=self._checkpoint,
                    skip_known=skip_known,
                )
                with contextlib.suppress(CacheMismatchError):
                    return self._sync(sync)
        except APIConnectionError as error:
            return self.fall_back_to_cache(error)
        raise AssertionError("An empty cache matches any listing.")

    def read_offline(self) -> HistoryResult:
        """Return the cached tasks that match, or raise ``InputError`` if there are none."""
        if self._cached.as_of is None:
            raise InputError(
                f"No history of {self._service.url} is cached. "
                "Call history() without offline=True once."
            )
        return self._from_cache(self._cached.as_of)

    def fall_back_to_cache(self, error: APIConnectionError) -> HistoryResult:
        """Return the cached tasks that match with a warning, or raise the error."""
        if self._cached.as_of is None:
            raise error
        as_of = self._cached.as_of.astimezone(timezone.utc)
        self._warn(f"{error} The cached history is shown, as of {as_of:%Y-%m-%d %H:%M} UTC.")
        return self._from_cache(self._cached.as_of)

    def _sync(self, sync: ListingSync) -> HistoryResult:
        try:
            sync.run()
            rows, fresh = join(sync.parts)
            refresh = Refresh(
                self._service, rows, fresh, self._query, total=sync.total, shift=sync.shift
            )
            rows, fresh = refresh.run()
        except CacheMismatchError:
            raise
        except BaseException:
            if sync.as_of is not None:
                listing = sync.cached(*join(sync.parts))
                self._save(listing)
                if self._cached.as_of is not None:
                    # What a connection error falls back to.
                    self._cached = listing
                self._warn(f"{len(listing):,} tasks are cached. Call again to fetch the rest.")
            raise
        if refresh.error is not None:
            self._warn(f"{refresh.error} No page of older tasks was read again.")
        self._save(sync.cached(rows, fresh))
        indices = self._query.indices(rows.fields)
        return HistoryResult(
            # Do not copy the columns if all rows match.
            fields=rows.fields if len(indices) == len(rows) else rows.fields.select(indices),
            as_of=sync.as_of or self._service.now,
            requests=self._service.requests,
            kept=int((~fresh[indices]).sum()),
            complete=True,
            offline=False,
        )

    def _checkpoint(self, sync: ListingSync) -> None:
        """Save what was fetched so far, for a kernel that is killed or restarted."""
        # A disk that cannot be written is reported at the end.
        with contextlib.suppress(OSError):
            self._store.save(sync.cached(*join(sync.parts)))

    def _from_cache(self, as_of: datetime) -> HistoryResult:
        cached, query = self._cached, self._query
        fields = cached.rows.fields
        indices = query.indices(fields)
        # The first segment has no gaps.
        head = cached.head(cached.segments[0] if cached.segments else 0).rows
        has_last_n = (
            query.last_n is not None and query.count_certain(head, fresh=True) >= query.last_n
        )
        return HistoryResult(
            fields=fields.select(indices),
            as_of=as_of,
            requests=self._service.requests,
            kept=len(indices),
            complete=cached.is_complete or has_last_n or query.is_exhausted(head.fields),
            offline=True,
        )

    def _load(self) -> CachedListing:
        try:
            return self._store.load()
        except CacheVersionError:
            self._warn(
                "The cached task history is of another version of this package: it is fetched "
                "again."
            )
        except CorruptCacheError:
            self._warn("The cached task history is damaged: it is fetched again.")
        except OSError as error:
            self._warn(f"The cached task history cannot be read: {error}.")
        return CachedListing.empty()

    def _save(self, listing: CachedListing) -> None:
        try:
            self._store.save(listing)
        except OSError as error:
            self._warn(
                f"The task history cannot be cached, so the next call fetches it again: {error}."
            )
