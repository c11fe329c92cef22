"""The calls that users make: an archive or a file, fetched now or in the background."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, overload

from inductiva_widgets.downloads._connection_limit import CONNECTIONS, ConnectionLimiter
from inductiva_widgets.downloads._progress_tracker import ProgressTracker
from inductiva_widgets.downloads._signed_url import SignedUrl
from inductiva_widgets.downloads._terminal import show_progress
from inductiva_widgets.downloads._whole_file import download_file
from inductiva_widgets.downloads.download import Download
from inductiva_widgets.downloads.extract import ArchiveSelection, Names, extract_remote_archive
from inductiva_widgets.downloads.http import HttpGet
from inductiva_widgets.downloads.limits import Limits
from inductiva_widgets.errors import InputError


def start_archive(
    url: str,
    target: str | Path,
    names: Names = None,
    *,
    strip_prefix: str = "",
    opener: HttpGet | None = None,
    renew: Callable[[], str] | None = None,
    connections: int = CONNECTIONS,
    limits: Limits | None = None,
) -> Download[Path]:
    """Begin ``fetch_archive`` in the background.

    Parameters
    ----------
    url, target, names, strip_prefix, opener, renew, connections, limits
        As for ``fetch_archive``.

    Returns
    -------
    Download
        The running download; it raises what ``fetch_archive`` does when it is asked for its result.

    Examples
    --------
    >>> url = task.get_output_url()
    >>> download = inductiva.downloads.start_archive(url, "results", strip_prefix="artifacts/")
    >>> download.result().name
    'results'
    >>> download.progress.files_done == download.progress.files_total
    True
    """
    return _archive(
        url, target, names, strip_prefix=strip_prefix, opener=opener, renew=renew,
        connections=connections, limits=limits,
    ).start()  # fmt: skip


def start_file(
    url: str,
    target_file: str | Path,
    *,
    opener: HttpGet | None = None,
    renew: Callable[[], str] | None = None,
    connections: int = CONNECTIONS,
    archive: bool = False,
) -> Download[Path]:
    """Begin ``fetch_file`` in the background.

    Parameters
    ----------
    url, target_file, opener, renew, connections, archive
        As for ``fetch_file``.

    Returns
    -------
    Download
        The running download; it raises what ``fetch_file`` does when it is asked for its result.

    Examples
    --------
    >>> download = inductiva.downloads.start_file(task.get_output_url(), "storm.zip")
    >>> download.result().name
    'storm.zip'
    """
    return _file(
        url, target_file, opener=opener, renew=renew, connections=connections, archive=archive
    ).start()


@overload
def fetch_archive(
    url: str,
    target: str | Path,
    names: Names = None,
    *,
    strip_prefix: str = "",
    opener: HttpGet | None = None,
    renew: Callable[[], str] | None = None,
    connections: int = CONNECTIONS,
    limits: Limits | None = None,
    show: bool = False,
    wait: Literal[True] = True,
) -> Path: ...


@overload
def fetch_archive(
    url: str,
    target: str | Path,
    names: Names = None,
    *,
    strip_prefix: str = "",
    opener: HttpGet | None = None,
    renew: Callable[[], str] | None = None,
    connections: int = CONNECTIONS,
    limits: Limits | None = None,
    show: bool = False,
    wait: Literal[False],
) -> Download[Path]: ...


def fetch_archive(
    url: str,
    target: str | Path,
    names: Names = None,
    *,
    strip_prefix: str = "",
    opener: HttpGet | None = None,
    renew: Callable[[], str] | None = None,
    connections: int = CONNECTIONS,
    limits: Limits | None = None,
    show: bool = False,
    wait: bool = True,
) -> Path | Download[Path]:
    """Fetch members of a zip archive behind a URL and write them as files.

    Only the wanted bytes travel. Files that are there already, whole, are not fetched again, so
    calling again after an interruption finishes the job. Costs two requests for the directory, and
    fewer than one a file: neighbours come together.

    Parameters
    ----------
    url
        Address of the archive; a signed link will do.
    target
        Folder to fill; made if need be.
    names
        Members to fetch, each an exact name, a folder (``vtk/``) or a pattern (``*.vtu``); all by
        default. Names that match nothing are warned of, unless none matches.
    strip_prefix
        What to cut off the names, such as ``artifacts/``. Members outside of it are left out.
    opener
        Makes the requests; a key-less ``requests`` session by default.
    renew
        Returns a new URL for the same archive, asked when the present one has expired.
    connections
        Ranges to fetch at the same time, at most: a few at first, more while it gets faster.
    limits
        How much content there may be; see ``Limits``.
    show
        Whether to draw progress, when standard error is a terminal. Only with ``wait``.
    wait
        False returns at once with a running ``Download``.

    Returns
    -------
    Path or Download
        The target folder, or the running download.

    Raises
    ------
    InputError
        For a malformed URL, or when no name matches; nothing is fetched then.
    APIConnectionError
        When the host did not answer at all.
    UnsafePathError
        When a member would land outside of the folder; nothing is fetched then.
    ArchiveError
        When the file is no zip archive, or a damaged one; whole members are there.
    DownloadError
        When it did not become whole; whole members are there.

    Examples
    --------
    >>> url = task.get_output_url()
    >>> folder = inductiva.downloads.fetch_archive(url, "reports", ["artifacts/*.rpt"])
    >>> [path.name for path in folder.rglob("*.rpt")]
    ['model.rpt']
    """
    download = _archive(
        url, target, names, strip_prefix=strip_prefix, opener=opener, renew=renew,
        connections=connections, limits=limits,
    )  # fmt: skip
    return _go(download, show=show, wait=wait)


@overload
def fetch_file(
    url: str,
    target_file: str | Path,
    *,
    opener: HttpGet | None = None,
    renew: Callable[[], str] | None = None,
    connections: int = CONNECTIONS,
    archive: bool = False,
    show: bool = False,
    wait: Literal[True] = True,
) -> Path: ...


@overload
def fetch_file(
    url: str,
    target_file: str | Path,
    *,
    opener: HttpGet | None = None,
    renew: Callable[[], str] | None = None,
    connections: int = CONNECTIONS,
    archive: bool = False,
    show: bool = False,
    wait: Literal[False],
) -> Download[Path]: ...


def fetch_file(
    url: str,
    target_file: str | Path,
    *,
    opener: HttpGet | None = None,
    renew: Callable[[], str] | None = None,
    connections: int = CONNECTIONS,
    archive: bool = False,
    show: bool = False,
    wait: bool = True,
) -> Path | Download[Path]:
    """Fetch one file as it is, replacing what stands there.

    A download that breaks off leaves ``name.part``; calling again goes on from there, provided the
    file on the server is still the same.

    Parameters
    ----------
    url
        Address of the file; a signed link will do.
    target_file
        File to write; its folder is made if need be.
    opener
        Makes the requests; a key-less ``requests`` session by default.
    renew
        Returns a new URL for the same file, asked when the present one has expired.
    connections
        Ranges to fetch at the same time, at most: a few at first, more while it gets faster.
    archive
        Whether it is a zip archive. One that is there already is then not fetched again.
    show
        Whether to draw progress, when standard error is a terminal. Only with ``wait``.
    wait
        False returns at once with a running ``Download``.

    Returns
    -------
    Path or Download
        The file, or the running download.

    Raises
    ------
    InputError
        For a malformed URL, or when the target is a folder.
    APIConnectionError
        When the host did not answer at all.
    DownloadError
        When it did not become whole.

    Examples
    --------
    >>> path = inductiva.downloads.fetch_file(task.get_output_url(), "archives/storm.zip")
    >>> path.stat().st_size > 10_000
    True
    """
    download = _file(
        url, target_file, opener=opener, renew=renew, connections=connections, archive=archive
    )
    return _go(download, show=show, wait=wait)


def _archive(
    url: str,
    target: str | Path,
    names: Names,
    *,
    strip_prefix: str,
    opener: HttpGet | None,
    renew: Callable[[], str] | None,
    connections: int,
    limits: Limits | None,
) -> Download[Path]:
    lanes = ConnectionLimiter(_checked(connections))
    link = SignedUrl(url, opener=opener, renew=renew)
    asked = names if names is None or isinstance(names, str) else list(names)
    wish = ArchiveSelection(Path(target), asked, lambda _: strip_prefix, limits or Limits())

    def work(tally: ProgressTracker) -> Path:
        try:
            return extract_remote_archive(link, wish, tally.share(), lanes)
        finally:
            link.close()

    return Download(work, target)


def _file(
    url: str,
    target_file: str | Path,
    *,
    opener: HttpGet | None,
    renew: Callable[[], str] | None,
    connections: int,
    archive: bool,
) -> Download[Path]:
    lanes = ConnectionLimiter(_checked(connections))
    link = SignedUrl(url, opener=opener, renew=renew)

    def work(tally: ProgressTracker) -> Path:
        try:
            return download_file(link, Path(target_file), tally.share(), lanes, archive=archive)
        finally:
            link.close()

    return Download(work, target_file)


def _checked(connections: int) -> int:
    if connections < 1:
        raise InputError("connections must be at least 1")
    return connections


def _go(download: Download[Path], *, show: bool, wait: bool) -> Path | Download[Path]:
    if not wait:
        return download.start()
    if not show:
        return download.run()
    with show_progress(download):
        return download.run()
