"""Functions that download an archive or a file, now or in the background."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, overload

from inductiva_widgets.downloads._connection_limit import CONNECTIONS, ConnectionLimiter
from inductiva_widgets.downloads._progress_tracker import ProgressTracker, SubProgress
from inductiva_widgets.downloads._signed_url import SignedUrl
from inductiva_widgets.downloads._terminal import show_progress
from inductiva_widgets.downloads._whole_file import download_file
from inductiva_widgets.downloads.download import Download
from inductiva_widgets.downloads.extract import (
    ArchiveExtraction,
    ArchiveSelection,
    Names,
    extract_remote_archive,
)
from inductiva_widgets.downloads.http import HttpGet, RequestsHttpGet
from inductiva_widgets.downloads.limits import Limits
from inductiva_widgets.errors import DownloadCancelled, DownloadError, InductivaError, InputError


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
    """Start ``fetch_archive`` in the background.

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
    """Start ``fetch_file`` in the background.

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
    limiter = ConnectionLimiter(_checked(connections))
    link = SignedUrl(url, opener=opener, renew=renew)
    asked = names if names is None or isinstance(names, str) else list(names)
    selection = ArchiveSelection(Path(target), asked, lambda _: strip_prefix, limits or Limits())

    def work(tracker: ProgressTracker) -> Path:
        try:
            return extract_remote_archive(link, selection, tracker.share(), limiter)
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
    limiter = ConnectionLimiter(_checked(connections))
    link = SignedUrl(url, opener=opener, renew=renew)

    def work(tracker: ProgressTracker) -> Path:
        try:
            return download_file(link, Path(target_file), tracker.share(), limiter, archive=archive)
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


# Archives in progress at the same time: enough to use all connections for small archives.
_MAX_PARALLEL = 4
_MAX_NAMED_FAILURES = 3
_JOIN_SECONDS = 2.0


@dataclass(frozen=True)
class ArchiveRequest:
    """An archive to download, and which entries of it.

    Parameters
    ----------
    name
        Name of the archive in messages.
    link
        Function that returns its (signed) URL; may raise.
    selection
        Which entries to extract, and where to.
    archive
        File to store the archive in; None to extract it.
    """

    name: str
    link: Callable[[], str]
    selection: ArchiveSelection
    archive: Path | None = None

    def prepared(
        self, link: SignedUrl, share: SubProgress, limiter: ConnectionLimiter
    ) -> Callable[[], Path]:
        """Read the central directory and return a function that downloads.

        Parameters
        ----------
        link
            URL of the archive.
        share, limiter
            Progress, and the limit on connections.

        Returns
        -------
        Callable
            Downloads, and returns the path.
        """
        if self.archive is not None:
            return partial(download_file, link, self.archive, share, limiter, archive=True)
        fetch = ArchiveExtraction(link, self.selection, share, limiter)
        fetch.prepare()
        return fetch.run


def start(source: ArchiveRequest) -> Download[Path]:
    """Start to download an archive in the background.

    Parameters
    ----------
    source
        The archive. Its URL is requested here, so errors of that are raised here.

    Returns
    -------
    Download
        Its result is the path of the folder or the archive.
    """
    link, limiter = SignedUrl(source.link(), renew=source.link), ConnectionLimiter(CONNECTIONS)

    def work(tracker: ProgressTracker) -> Path:
        try:
            return source.prepared(link, tracker.share(), limiter)()
        finally:
            link.close()

    return Download(work, source.archive or source.selection.target).start()


def start_all(sources: Sequence[ArchiveRequest], path: str | Path = "") -> Download[list[Path]]:
    """Start to download several archives in the background.

    The directories are read first, so that the totals are known early. An archive that fails does
    not keep the others from coming.

    Parameters
    ----------
    sources
        The archives.
    path
        Output path shown in the progress.

    Returns
    -------
    Download
        Its result is the list of paths, in order. It raises a ``DownloadError`` that names what
        failed; complete files stay.
    """
    return Download(_SeveralArchives(sources).run, path).start()


class _SeveralArchives:
    def __init__(self, sources: Sequence[ArchiveRequest]) -> None:
        self._sources = sources
        self._limiter = ConnectionLimiter(CONNECTIONS)
        self._failures: dict[int, Exception] = {}
        # One for all: a thousand archives must not keep a thousand idle connections.
        self._opener = RequestsHttpGet()

    def run(self, tracker: ProgressTracker) -> list[Path]:
        shares = [tracker.share(source.name) for source in self._sources]
        ready: dict[int, Callable[[], Path]] = {}
        paths: dict[int, Path] = {}

        def prepare(index: int) -> None:
            source, share = self._sources[index], shares[index]
            link = SignedUrl(source.link(), opener=self._opener, renew=source.link)
            ready[index] = source.prepared(link, share, self._limiter)

        def fetch(index: int) -> None:
            if index in ready:
                paths[index] = ready.pop(index)()

        try:
            self._each(prepare, shares, tracker)
            self._each(fetch, shares, tracker)
        finally:
            self._opener.close()
        if self._failures:
            raise self._error()
        return [paths[index] for index in range(len(self._sources))]

    def _each(
        self, step: Callable[[int], None], shares: Sequence[SubProgress], tracker: ProgressTracker
    ) -> None:
        """Run a step for every archive, at most ``_MAX_PARALLEL`` at the same time."""
        waiting = deque(range(len(self._sources)))

        def work() -> None:
            while waiting and not tracker.control.cancelled:
                try:
                    index = waiting.popleft()
                except IndexError:
                    return
                self._guarded(step, index, shares[index])

        threads = [
            threading.Thread(target=work, name=f"inductiva-archive-{n}", daemon=True)
            for n in range(min(_MAX_PARALLEL, len(self._sources)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive() and not tracker.control.cancelled:
                thread.join(0.5)
        if tracker.control.cancelled:
            for thread in threads:
                thread.join(_JOIN_SECONDS)
            raise DownloadCancelled("the download was cancelled; calling again goes on from there")

    def _guarded(self, step: Callable[[int], None], index: int, share: SubProgress) -> None:
        try:
            step(index)
        except Exception as exc:  # reported at the end, with the others
            self._failures[index] = exc
            share.truncate_totals()

    def _error(self) -> Exception:
        unexpected = [one for one in self._failures.values() if not isinstance(one, InductivaError)]
        if unexpected:
            return unexpected[0]
        failures = [f"{self._sources[index].name}: {exc}" for index, exc in self._failures.items()]
        more = (
            f" … and {len(failures) - _MAX_NAMED_FAILURES} more"
            if len(failures) > _MAX_NAMED_FAILURES
            else ""
        )
        return DownloadError(
            f"{len(failures)} of {len(self._sources)} downloads failed, the others are there. "
            + " ".join(failures[:_MAX_NAMED_FAILURES])
            + more
        )
