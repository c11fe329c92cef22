"""Routes for stored files: signed URLs, listings, copies, removal, zip contents."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from inductiva_widgets.server.context import context_of
from inductiva_widgets.server.endpoints import BucketLocation, Endpoint, QueryModel
from inductiva_widgets.server.errors import MissingError
from inductiva_widgets.server.http_util import read_query, respond, run_in_thread
from inductiva_widgets.server.schemas.storage import (
    Bucket,
    ByteRange,
    Contents,
    NamedContents,
    StorageCost,
    StorageOperation,
    StoredFile,
    ZipContents,
)
from inductiva_widgets.server.storage_listing import SORT_KEYS, SortBy, to_facts


class _LinksQuery(BucketLocation, frozen=True, kw_only=True):
    operation: Literal["download", "upload"]
    paths: Annotated[list[str], Meta(min_length=1)]


class _ZipQuery(BucketLocation, frozen=True, kw_only=True):
    path: str
    zip_relative_path: str = ""
    recursive: bool = False


class _RangeQuery(BucketLocation, frozen=True, kw_only=True):
    path: str
    filename: str
    zip_relative_path: str = ""


class _StorageListQuery(BucketLocation, frozen=True, kw_only=True):
    path: str = "/"
    path_filter: str | None = None
    sort_by: SortBy = "creation_time"
    order: Literal["asc", "desc"] = "desc"
    page: Annotated[int, Meta(ge=1, le=10**9)] = 1
    per_page: Annotated[int, Meta(ge=1, le=100)] = 10
    # Requests folder sizes from the cloud service; this server always includes them.
    recursive: bool = False


class _PathQuery(BucketLocation, frozen=True, kw_only=True):
    path: str


class _CopyQuery(BucketLocation, frozen=True, kw_only=True):
    source: str
    target: str


class _FetchQuery(BucketLocation, frozen=True, kw_only=True):
    url: Annotated[str, Meta(min_length=1)]
    path: str


class _PageQuery(QueryModel, frozen=True, kw_only=True):
    page: Annotated[int, Meta(ge=1, le=10**9)] = 1
    per_page: Annotated[int, Meta(ge=1, le=50)] = 10


async def _signed_urls(request: Request) -> Response:
    """Create signed URLs: one per path, or for the download of a folder, one per file in it."""
    query = read_query(request, _LinksQuery)
    storage = context_of(request).storage
    storage.check_region(query.region)
    make = storage.download_links if query.operation == "download" else storage.upload_links
    links = await run_in_thread(make, query.paths)
    # The host name of the request, which `auth` has checked.
    base = str(request.base_url).rstrip("/")
    return respond([None if link is None else base + link for link in links])


async def _zip_contents(request: Request) -> Response:
    """List the entries in a folder of an archive."""
    query = read_query(request, _ZipQuery)
    storage = context_of(request).storage
    storage.check_region(query.region)
    inner = query.zip_relative_path
    return respond(
        await run_in_thread(storage.zip_contents, query.path, inner, recursive=query.recursive)
    )


async def _zip_file_range(request: Request) -> Response:
    """Return the byte range of the compressed data of an archive entry."""
    query = read_query(request, _RangeQuery)
    storage = context_of(request).storage
    storage.check_region(query.region)
    inner = query.zip_relative_path
    return respond(await run_in_thread(storage.zip_file_range, query.path, inner, query.filename))


async def _contents(request: Request) -> Response:
    """List the files and folders at a path."""
    total, entries = await _listed(request)
    return respond(Contents(total_files=total, contents=entries))


async def _named_contents(request: Request) -> Response:
    """List the files and folders at a path by name."""
    total, entries = await _listed(request)
    named = {entry.name: to_facts(entry) for entry in entries}
    return respond(NamedContents(total_files=total, contents=named))


async def _listed(request: Request) -> tuple[int, list[StoredFile]]:
    query = read_query(request, _StorageListQuery)
    storage = context_of(request).storage
    storage.check_region(query.region)
    entries = await run_in_thread(storage.list_path, query.path, query.path_filter)
    entries.sort(key=SORT_KEYS[query.sort_by], reverse=query.order == "desc")
    begin = (query.page - 1) * query.per_page
    return len(entries), entries[begin : begin + query.per_page]


async def _size(request: Request) -> Response:
    """Return the number of stored bytes."""
    return respond(await run_in_thread(context_of(request).storage.size))


async def _cost(_request: Request) -> Response:
    """Return the monthly cost of the storage, which is 0."""
    return respond(StorageCost())


async def _remove(request: Request) -> Response:
    """Remove a file or folder permanently."""
    query = read_query(request, _PathQuery)
    storage = context_of(request).storage
    storage.check_region(query.region)
    await run_in_thread(storage.remove, query.path)
    return respond({})


async def _copy(request: Request) -> Response:
    """Copy a file or folder within the storage."""
    query = read_query(request, _CopyQuery)
    storage = context_of(request).storage
    storage.check_region(query.region)
    await run_in_thread(storage.copy, query.source, query.target)
    return respond({})


async def _fetch(request: Request) -> Response:
    """Download a URL into the storage; the response is sent when the file is complete."""
    query = read_query(request, _FetchQuery)
    storage = context_of(request).storage
    storage.check_region(query.region)
    await run_in_thread(storage.fetch, query.url, query.path)
    return respond({})


async def _buckets(_request: Request) -> Response:
    """List the buckets, of which there is one."""
    return respond([Bucket()])


async def _default_bucket(_request: Request) -> Response:
    """Return the bucket."""
    return respond(Bucket())


async def _operations(request: Request) -> Response:
    """List the operations in progress: none, since each finishes before its response."""
    read_query(request, _PageQuery)
    return respond([])


async def _operation(request: Request) -> Response:
    """Return an operation in progress."""
    name = request.path_params["operation_id"]
    raise MissingError(f"There is no storage operation {name!r}: each ends with its response.")


ROUTES = [
    Endpoint(
        "GET",
        "/storage/signed-urls",
        _signed_urls,
        query=_LinksQuery,
        answer=list[str | None],
        errors=(400, 404, 409),
    ),
    Endpoint(
        "GET",
        "/storage/zip-contents",
        _zip_contents,
        query=_ZipQuery,
        answer=ZipContents,
        errors=(400, 404),
    ),
    Endpoint(
        "GET",
        "/storage/zip-file-range",
        _zip_file_range,
        query=_RangeQuery,
        answer=ByteRange,
        errors=(400, 404),
    ),
    Endpoint(
        "GET",
        "/storage/contents",
        _contents,
        query=_StorageListQuery,
        answer=Contents,
        errors=(400, 404),
    ),
    Endpoint(
        "GET",
        "/storage/contents/paginated",
        _named_contents,
        query=_StorageListQuery,
        answer=NamedContents,
        errors=(400, 404),
    ),
    Endpoint("GET", "/storage/size", _size, answer=int),
    Endpoint("GET", "/storage/cost", _cost, answer=StorageCost),
    Endpoint(
        "DELETE",
        "/storage/",
        _remove,
        query=_PathQuery,
        answer=dict[str, str],
        errors=(400, 404, 409),
    ),
    Endpoint(
        "POST",
        "/storage/copy",
        _copy,
        query=_CopyQuery,
        answer=dict[str, str],
        errors=(400, 404, 409, 413),
    ),
    Endpoint(
        "POST",
        "/storage/input_remote",
        _fetch,
        query=_FetchQuery,
        answer=dict[str, str],
        errors=(400, 404, 409, 413),
    ),
    Endpoint("GET", "/storage/list_buckets", _buckets, answer=list[Bucket]),
    Endpoint("GET", "/storage/default_bucket", _default_bucket, answer=Bucket),
    Endpoint(
        "GET",
        "/storage/operations",
        _operations,
        query=_PageQuery,
        answer=list[StorageOperation],
    ),
    Endpoint(
        "GET",
        "/storage/operations/{operation_id}",
        _operation,
        answer=StorageOperation,
        errors=(404,),
    ),
]
