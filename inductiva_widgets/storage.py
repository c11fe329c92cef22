"""Files in the remote storage: list, upload, download, copy, remove.

```python
inductiva.storage.upload("cases/swmm_storm", "storms")
inductiva.storage.listdir("storms")
inductiva.storage.download("storms/model.inp", "mine")
```
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace

from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.errors import InputError
from inductiva_widgets.formatting import format_bytes, format_table, format_timestamp
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.models.tasks import ArchiveListing

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.models.account import StorageEntry

__all__ = [
    "copy",
    "download",
    "get_signed_urls",
    "get_space_used",
    "get_zip_contents",
    "listdir",
    "remove",
    "upload",
    "upload_from_url",
]

_PAGE = 100
_CHUNK = 1 << 20


def listdir(  # noqa: PLR0917 - the positions are those of the vendor
    path: str = "/",
    region: str | None = None,
    max_results: int | None = 10,
    order_by: Literal["size", "creation_time"] = "creation_time",
    sort_order: Literal["asc", "desc"] = "desc",
    recursive: bool = False,
    print_results: bool = True,
    *,
    client: Client | None = None,
) -> list[dict[str, Any]]:
    """Return the files and folders at a path, and print them as a table.

    Parameters
    ----------
    path
        Folder in the storage.
    region
        Region of the storage; None for the account's.
    max_results
        Maximum number of results, or None for all.
    order_by, sort_order
        Order of the results.
    recursive
        If True, list the files in folders, too.
    print_results
        If False, print nothing.
    client
        Client of the service, or None for the default one.

    Returns
    -------
    list of dict
        Name, size in bytes, creation time, provider and region. Names of folders end in ``/``.

    Notes
    -----
    Requests: 1 for each 100 results of a folder.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.storage.upload("cases/swmm_storm/model.inp", "models")
    >>> [file["name"] for file in inductiva.storage.listdir("models")]
     NAME SIZE CREATED
     model.inp ...
    ['model.inp']
    """
    if max_results is not None and max_results < 1:
        raise InputError(f"`max_results` must be a positive integer or None, got {max_results!r}.")
    client = client or default_client()
    options = {"path": path, "region": region, "sort_by": order_by, "order": sort_order}
    found: list[dict[str, Any]] = []
    for entry in _entries(client, options, max_results, recursive=recursive):
        found.append(
            {
                "name": entry.name,
                "size": entry.size_bytes,
                "creation_time": entry.creation_time,
                "provider": entry.provider_id,
                "region": entry.region,
            }
        )
        if len(found) == max_results:
            break
    if print_results:
        rows = [
            [
                escape_control_chars(file["name"]),
                format_bytes(file["size"]),
                format_timestamp(file["creation_time"], "minutes"),
            ]
            for file in found
        ]
        sys.stdout.write(format_table(["NAME", "SIZE", "CREATED"], rows, indent=1, gap=3) + "\n")
    return found


def get_space_used(*, client: Client | None = None) -> float:
    """Return the size of all stored files in gigabytes; costs one request.

    Parameters
    ----------
    client
        Client of the service, or None for the default one.
    """
    return (client or default_client()).get_storage_size() / 1e9


def get_signed_urls(
    paths: list[str],
    operation: Literal["upload", "download"],
    region: str | None = None,
    *,
    client: Client | None = None,
) -> list[str | None]:
    """Return a signed link for each path, valid for a while; costs one request.

    Parameters
    ----------
    paths
        Paths in the storage.
    operation
        What the links are for.
    region
        Region of the storage; None for the account's.
    client
        Client of the service, or None for the default one.
    """
    return (client or default_client()).signed_urls(operation, paths, region)


def get_zip_contents(
    path: str,
    zip_relative_path: str = "",
    recursive: bool = False,
    region: str | None = None,
    *,
    client: Client | None = None,
) -> ArchiveListing:
    """Return the entries of a stored zip archive; costs one request.

    Parameters
    ----------
    path
        Path of the archive in the storage.
    zip_relative_path
        Folder in the archive to list.
    recursive
        If True, list the entries in its folders, too.
    region
        Region of the storage; None for the account's.
    client
        Client of the service, or None for the default one.
    """
    return (client or default_client()).archive_listing(
        path, zip_relative_path, recursive=recursive, region=region
    )


def upload(
    local_path: str | os.PathLike[str],
    remote_dir: str,
    region: str | None = None,
    *,
    client: Client | None = None,
) -> None:
    """Upload a file, or the files of a folder; costs one request, and one for each file.

    Parameters
    ----------
    local_path
        File or folder. The files of a folder keep their paths below it.
    remote_dir
        Folder in the storage.
    region
        Region of the storage; None for the account's.
    client
        Client of the service, or None for the default one.

    Raises
    ------
    InputError
        The file or folder does not exist, or has no files.
    """
    top = Path(local_path).expanduser()
    files = {top.name: top} if top.is_file() else _files_below(top)
    if not files:
        raise InputError(f"`local_path` must be a file or a folder with files, got {str(top)!r}.")
    client = client or default_client()
    paths = [str(PurePosixPath(remote_dir, name)) for name in files]
    for link, file in zip(client.signed_urls("upload", paths, region), files.values(), strict=True):
        if link is None:
            raise InputError(f"{client.url} does not accept the upload of {str(file)!r}.")
        client.upload(link, partial(_chunks, file))


def upload_from_url(
    url: str,
    remote_dir: str,
    file_name: str | None = None,
    region: str | None = None,
    *,
    client: Client | None = None,
) -> None:
    """Have the service store the file of a URL; costs one request.

    Parameters
    ----------
    url
        Address of the file.
    remote_dir
        Folder in the storage.
    file_name
        Name of the stored file; by default that in the URL.
    region
        Region of the storage; None for the account's.
    client
        Client of the service, or None for the default one.

    Raises
    ------
    InputError
        The URL has no file name, and none is given.
    """
    name = file_name or PurePosixPath(unquote(urlsplit(url).path)).name
    if not name:
        raise InputError(f"`file_name` is missing, since {url!r} has none.")
    path = str(PurePosixPath(remote_dir, name))
    (client or default_client()).store_url(url, path, region)


def download(
    remote_path: str,
    local_dir: str | os.PathLike[str] = "",
    decompress: bool = True,
    region: str | None = None,
    *,
    client: Client | None = None,
) -> Path:
    """Download a stored file, or the files of a folder, and extract zip archives.

    Calling again after an interruption finishes the job.

    Parameters
    ----------
    remote_path
        Path of a file, or of a folder with a ``/`` at its end.
    local_dir
        Folder for the files, which keep their paths in the storage.
    decompress
        If False, keep zip archives as they are.
    region
        Region of the storage; None for the account's.
    client
        Client of the service, or None for the default one.

    Returns
    -------
    Path
        The file, or the folder.

    Raises
    ------
    InputError
        A path in the storage cannot be a path on this machine.
    NotFoundError
        There is no such file or folder.

    Notes
    -----
    Requests: 1 for each 100 entries of a folder; 1 for the link of a file, and one or more for the
    ranges of its content.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.storage.upload("cases/swmm_storm/model.inp", "models")
    >>> print(inductiva.storage.download("models/model.inp", "mine").as_posix())
    mine/models/model.inp
    """
    from inductiva_widgets import downloads
    from inductiva_widgets.downloads._safe_paths import assign_paths

    client = client or default_client()
    is_folder = remote_path.endswith("/")
    names = [remote_path.strip("/")]
    if is_folder:
        options = {"path": remote_path, "region": region}
        entries = _entries(client, options, None, recursive=True)
        names = [f"{names[0]}/{one.name}" for one in entries if not one.name.endswith("/")]
    local = assign_paths(names, fold_case=False)
    for name, why in local.refused.items():
        raise InputError(f"{name!r} cannot be a path on this machine: {why}.")
    for name in names:
        target = Path(local_dir, local.paths[name])
        renew = partial(client.signed_url, "download", name, region)
        if decompress and name.lower().endswith(".zip"):
            downloads.fetch_archive(renew(), target.with_suffix(""), renew=renew)
        else:
            downloads.fetch_file(renew(), target, renew=renew)
    return Path(local_dir, remote_path.strip("/")) if is_folder else target


def copy(
    source: str, target: str, region: str | None = None, *, client: Client | None = None
) -> None:
    """Copy a file or folder within the storage; costs one request.

    Parameters
    ----------
    source, target
        Paths in the storage.
    region
        Region of the storage; None for the account's.
    client
        Client of the service, or None for the default one.
    """
    (client or default_client()).copy_path(source, target, region)


def remove(remote_path: str, region: str | None = None, *, client: Client | None = None) -> None:
    """Delete a stored file or folder; costs one request.

    Parameters
    ----------
    remote_path
        Path in the storage.
    region
        Region of the storage; None for the account's.
    client
        Client of the service, or None for the default one.

    Raises
    ------
    NotFoundError
        There is no such file or folder.
    """
    (client or default_client()).delete_path(remote_path, region)


def _entries(
    client: Client, options: dict[str, Any], limit: int | None, *, recursive: bool
) -> Iterator[StorageEntry]:
    """Yield the entries at a path, page by page, each folder before its content."""
    per_page = _PAGE if limit is None else min(limit, _PAGE)
    page = 1
    while True:
        found = client.list_storage({**options, "page": page, "per_page": per_page})
        for entry in found:
            yield entry
            if recursive and entry.name.endswith("/"):
                inner = {**options, "path": str(PurePosixPath(options["path"], entry.name))}
                for below in _entries(client, inner, limit, recursive=True):
                    yield replace(below, name=f"{entry.name}{below.name}")
        if len(found) < per_page:
            return
        page += 1


def _files_below(folder: Path) -> dict[str, Path]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in found}


def _chunks(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
