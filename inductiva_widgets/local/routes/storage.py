"""Stored files: signed links, and a look inside archives."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from inductiva_widgets.local.context import context_of
from inductiva_widgets.local.web import answer, call, read_query


class _LinksQuery(msgspec.Struct, frozen=True, kw_only=True):
    operation: Literal["download", "upload"]
    paths: Annotated[list[str], Meta(min_length=1)]


class _ContentsQuery(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    zip_relative_path: str = ""
    recursive: bool = False


class _RangeQuery(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    filename: str
    zip_relative_path: str = ""


class _PathQuery(msgspec.Struct, frozen=True, kw_only=True):
    path: str


async def _signed_urls(request: Request) -> Response:
    query = read_query(request, _LinksQuery)
    storage = context_of(request).storage
    make = storage.download_links if query.operation == "download" else storage.upload_links
    links = await call(make, query.paths)
    # By the name that the client knows this server by, which the guard has checked.
    base = str(request.base_url).rstrip("/")
    return answer([None if link is None else base + link for link in links])


async def _zip_contents(request: Request) -> Response:
    query = read_query(request, _ContentsQuery)
    contents = await call(
        context_of(request).storage.zip_contents,
        query.path,
        query.zip_relative_path,
        recursive=query.recursive,
    )
    return answer(contents)


async def _zip_file_range(request: Request) -> Response:
    query = read_query(request, _RangeQuery)
    place = await call(
        context_of(request).storage.zip_file_range,
        query.path,
        query.zip_relative_path,
        query.filename,
    )
    return answer(place)


async def _remove(request: Request) -> Response:
    query = read_query(request, _PathQuery)
    await call(context_of(request).storage.remove, query.path)
    return answer({})


ROUTES = [
    Route("/storage/signed-urls", _signed_urls),
    Route("/storage/zip-contents", _zip_contents),
    Route("/storage/zip-file-range", _zip_file_range),
    Route("/storage/", _remove, methods=["DELETE"]),
]
