"""The history of an account: what is kept, brought up to date, and kept again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from inductiva_widgets.errors import APIConnectionError, InputError
from inductiva_widgets.frames._columnar import Fields
from inductiva_widgets.history.cache import Kept
from inductiva_widgets.history.counting_client import Service
from inductiva_widgets.history.file_format import DamagedError, OtherVersionError
from inductiva_widgets.history.query import Wanted
from inductiva_widgets.history.refresh import Renewal, join
from inductiva_widgets.history.store import Store
from inductiva_widgets.history.sync import OtherListingError, Told, Walk

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

Warn = Callable[[str], None]


@dataclass(frozen=True)
class History:
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

    fields: Fields
    as_of: datetime
    requests: int
    kept: int
    complete: bool
    offline: bool


def read_offline(client: Client, wanted: Wanted, warn: Warn) -> History:
    """Return what is kept of the tasks that are asked for; costs no request.

    Raises
    ------
    InputError
        Nothing is kept.
    """
    kept = _load(Store(client.settings), warn)
    if kept.as_of is None:
        raise InputError(
            f"Nothing is kept of the history of {client.url}: call history() without offline=True "
            "once."
        )
    return _from_kept(kept, kept.as_of, wanted, 0)


def read(client: Client, wanted: Wanted, *, refresh: bool, told: Told, warn: Warn) -> History:
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
    service = Service(client)
    try:
        service.begin()
    except APIConnectionError as error:
        kept = _load(Store(client.settings), warn)
        return _instead(error, kept, wanted, service.requests, warn)
    # After the first answer, since the embedded server may have come back with another key.
    store = Store(client.settings)
    kept = _load(store, warn)
    try:
        return _walk(service, store, kept, wanted, refresh=refresh, told=told, warn=warn)
    except APIConnectionError as error:
        return _instead(error, kept, wanted, service.requests, warn)


def _walk(
    service: Service,
    store: Store,
    kept: Kept,
    wanted: Wanted,
    *,
    refresh: bool,
    told: Told,
    warn: Warn,
) -> History:
    # Once more, since the listing may have changed under the walk; then without what does not fit.
    for known in (kept, kept, Kept.nothing()):
        walk = Walk(service, known, wanted, told, skip_known=not refresh)
        try:
            return _go(walk, service, store, wanted, warn)
        except OtherListingError:
            continue
        except BaseException:
            if walk.as_of is not None:
                came = walk.kept(*join(walk.parts))
                _save(store, came, warn)
                warn(f"{len(came):,} tasks are kept; the next call goes on from there.")
            raise
    raise AssertionError("A walk with nothing known fits any listing.")


def _go(walk: Walk, service: Service, store: Store, wanted: Wanted, warn: Warn) -> History:
    walk.run()
    renewal = Renewal(service, walk.parts, wanted, total=walk.total, shift=walk.shift)
    rows, fresh = renewal.run()
    _save(store, walk.kept(rows, fresh), warn)
    places = wanted.places(rows.fields)
    return History(
        # All of it need not be copied once more.
        fields=rows.fields if len(places) == len(rows) else rows.fields.take(places),
        as_of=walk.as_of or service.now,
        requests=service.requests,
        kept=int((~fresh[places]).sum()),
        complete=True,
        offline=False,
    )


def _instead(
    error: APIConnectionError, kept: Kept, wanted: Wanted, requests: int, warn: Warn
) -> History:
    """Return what is kept where the service cannot be reached; else the error goes on."""
    if kept.as_of is None:
        raise error
    shown = kept.as_of.astimezone(timezone.utc)
    warn(f"{error} Shown is what was kept, as of {shown:%Y-%m-%d %H:%M} UTC.")
    return _from_kept(kept, kept.as_of, wanted, requests)


def _from_kept(kept: Kept, as_of: datetime, wanted: Wanted, requests: int) -> History:
    fields = kept.rows.fields
    places = wanted.places(fields)
    # Down to the first gap nothing is missing.
    top = kept.newest(kept.segments[0] if kept.segments else 0).rows
    enough = wanted.last_n is not None and wanted.count(top, fresh=True) >= wanted.last_n
    return History(
        fields=fields.take(places),
        as_of=as_of,
        requests=requests,
        kept=len(places),
        complete=kept.whole or enough or wanted.ends_before(top.fields),
        offline=True,
    )


def _load(store: Store, warn: Warn) -> Kept:
    try:
        return store.load()
    except OtherVersionError:
        warn("The kept task history is of another version of this package: it is made anew.")
    except DamagedError:
        warn("The kept task history is damaged: it is made anew.")
    except OSError as error:
        warn(f"The kept task history cannot be read: {error}.")
    return Kept.nothing()


def _save(store: Store, kept: Kept, warn: Warn) -> None:
    try:
        store.save(kept)
    except OSError as error:
        warn(f"The task history cannot be kept, so the next call reads it anew: {error}.")
