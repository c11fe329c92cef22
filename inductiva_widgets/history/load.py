"""Load the cached history, update it and save it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from inductiva_widgets.errors import APIConnectionError, InputError
from inductiva_widgets.frames._columnar import TaskColumns
from inductiva_widgets.history.cache import CachedListing
from inductiva_widgets.history.counting_client import CountingClient
from inductiva_widgets.history.file_format import CacheVersionError, CorruptCacheError
from inductiva_widgets.history.query import HistoryQuery
from inductiva_widgets.history.refresh import Refresh, join
from inductiva_widgets.history.store import HistoryStore
from inductiva_widgets.history.sync import CacheMismatchError, ListingSync, ProgressCallback

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

Warn = Callable[[str], None]


@dataclass(frozen=True)
class HistoryResult:
    """The tasks that were asked for, newest first, and where they come from.

    Parameters
    ----------
    fields
        The tasks.
    as_of
        The service's time of which they are.
    requests
        What they have cost.
    kept
        How many of them were kept and not fetched.
    complete
        Whether no task is missing that was asked for.
    offline
        Whether the service was not reached, or not asked.
    """

    fields: TaskColumns
    as_of: datetime
    requests: int
    kept: int
    complete: bool
    offline: bool


def read_offline(client: Client, wanted: HistoryQuery, warn: Warn) -> HistoryResult:
    """Return what is kept of the tasks that are asked for; costs no request.

    Raises
    ------
    InputError
        Nothing is kept.
    """
    kept = _load(HistoryStore(client.settings), warn)
    if kept.as_of is None:
        raise InputError(
            f"Nothing is kept of the history of {client.url}: call history() without offline=True "
            "once."
        )
    return _from_cache(kept, kept.as_of, wanted, 0)


def load_history(
    client: Client, wanted: HistoryQuery, *, refresh: bool, told: ProgressCallback, warn: Warn
) -> HistoryResult:
    """Return the tasks that are asked for, and keep what was learnt.

    Parameters
    ----------
    client
        The service.
    wanted
        What is asked for.
    refresh
        Whether to read all of it anew.
    told
        Is told how far it has come.
    warn
        Is told what is not as it should be, in a sentence.

    Raises
    ------
    APIConnectionError
        The service cannot be reached, and nothing is kept.
    InductivaError
        The service does not answer as it should.
    """
    service = CountingClient(client)
    try:
        service.fetch_first_page()
    except APIConnectionError as error:
        kept = _load(HistoryStore(client.settings), warn)
        return _fall_back_to_cache(error, kept, wanted, service.requests, warn)
    # After the first answer, since the embedded server may have come back with another key.
    store = HistoryStore(client.settings)
    kept = _load(store, warn)
    try:
        return _walk(service, store, kept, wanted, refresh=refresh, told=told, warn=warn)
    except APIConnectionError as error:
        return _fall_back_to_cache(error, kept, wanted, service.requests, warn)


def _walk(
    service: CountingClient,
    store: HistoryStore,
    kept: CachedListing,
    wanted: HistoryQuery,
    *,
    refresh: bool,
    told: ProgressCallback,
    warn: Warn,
) -> HistoryResult:
    # Once more, since the listing may have changed under the walk; then without what does not fit.
    for known in (kept, kept, CachedListing.empty()):
        walk = ListingSync(service, known, wanted, told, skip_known=not refresh)
        try:
            return _sync_or_restart(walk, service, store, wanted, warn)
        except CacheMismatchError:
            continue
        except BaseException:
            if walk.as_of is not None:
                came = walk.cached(*join(walk.parts))
                _save(store, came, warn)
                warn(f"{len(came):,} tasks are kept; the next call goes on from there.")
            raise
    raise AssertionError("A walk with nothing known fits any listing.")


def _sync_or_restart(
    walk: ListingSync,
    service: CountingClient,
    store: HistoryStore,
    wanted: HistoryQuery,
    warn: Warn,
) -> HistoryResult:
    walk.run()
    renewal = Refresh(service, walk.parts, wanted, total=walk.total, shift=walk.shift)
    rows, fresh = renewal.run()
    _save(store, walk.cached(rows, fresh), warn)
    places = wanted.indices(rows.fields)
    return HistoryResult(
        # All of it need not be copied once more.
        fields=rows.fields if len(places) == len(rows) else rows.fields.select(places),
        as_of=walk.as_of or service.now,
        requests=service.requests,
        kept=int((~fresh[places]).sum()),
        complete=True,
        offline=False,
    )


def _fall_back_to_cache(
    error: APIConnectionError, kept: CachedListing, wanted: HistoryQuery, requests: int, warn: Warn
) -> HistoryResult:
    """Return what is kept where the service cannot be reached; else the error goes on."""
    if kept.as_of is None:
        raise error
    shown = kept.as_of.astimezone(timezone.utc)
    warn(f"{error} Shown is what was kept, as of {shown:%Y-%m-%d %H:%M} UTC.")
    return _from_cache(kept, kept.as_of, wanted, requests)


def _from_cache(
    kept: CachedListing, as_of: datetime, wanted: HistoryQuery, requests: int
) -> HistoryResult:
    fields = kept.rows.fields
    places = wanted.indices(fields)
    # Down to the first gap nothing is missing.
    top = kept.head(kept.segments[0] if kept.segments else 0).rows
    enough = wanted.last_n is not None and wanted.count_certain(top, fresh=True) >= wanted.last_n
    return HistoryResult(
        fields=fields.select(places),
        as_of=as_of,
        requests=requests,
        kept=len(places),
        complete=kept.is_complete or enough or wanted.is_exhausted(top.fields),
        offline=True,
    )


def _load(store: HistoryStore, warn: Warn) -> CachedListing:
    try:
        return store.load()
    except CacheVersionError:
        warn("The kept task history is of another version of this package: it is made anew.")
    except CorruptCacheError:
        warn("The kept task history is damaged: it is made anew.")
    except OSError as error:
        warn(f"The kept task history cannot be read: {error}.")
    return CachedListing.empty()


def _save(store: HistoryStore, kept: CachedListing, warn: Warn) -> None:
    try:
        store.save(kept)
    except OSError as error:
        warn(f"The task history cannot be kept, so the next call reads it anew: {error}.")
