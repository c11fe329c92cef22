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
from inductiva_widgets.errors import DownloadError, InductivaError, InputError


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
        The running download. Its result raises the same exceptions as ``fetch_archive``.

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
        The running download. Its result raises the same exceptions as ``fetch_file``.

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
    """Download entries of a remote zip archive.

    Only the bytes of the selected entries are fetched. Existing complete files are not fetched
    again, so calling again after an interruption resumes.

    Parameters
    ----------
    url
        URL of the archive, signed or not.
    target
        Output folder. It is created if needed.
    names
        Entries to extract, each an exact name, a folder (``vtk/``) or a pattern (``*.vtu``); all by
        default. If only some of the names match nothing, a warning is issued.
    strip_prefix
        Prefix to strip from the names, such as ``artifacts/``. Other entries are left out.
    opener
        Makes the requests; by default a ``requests`` session without credentials.
    renew
        Function that returns a new URL of the archive, called when the URL has expired.
    connections
        Maximum number of parallel connections. The number adapts to the transfer rate.
    limits
        Limits on the content, see ``Limits``.
    show
        If True, show the progress if standard error is a terminal. Only with ``wait=True``.
    wait
        If False, return a running ``Download`` immediately.

    Returns
    -------
    Path or Download
        The output folder, or the running download.

    Raises
    ------
    InputError
        If the URL is malformed or no name matches. Nothing is fetched then.
    APIConnectionError
        If the host does not respond.
    UnsafePathError
        If entries would be written outside the folder. The other entries are extracted.
    ArchiveError
        If the file is not a zip archive, or if entries are damaged, encrypted or unsupported. The
        other entries are extracted.
    DownloadError
        If the download is incomplete. Complete files are kept.

    Notes
    -----
    Requests: 1 or 2 for the central directory, and less than one per file, as neighbouring entries
    are fetched together.

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
    return _run(download, show=show, wait=wait)


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
    """Download one file, replacing an existing one.

    An interrupted download leaves ``name.part``. Calling again resumes it if the file on the server
    has not changed.

    Parameters
    ----------
    url
        URL of the file, signed or not.
    target_file
        Output file. Its folder is created if needed.
    opener
        Makes the requests; by default a ``requests`` session without credentials.
    renew
        Function that returns a new URL of the file, called when the URL has expired.
    connections
        Maximum number of parallel connections. The number adapts to the transfer rate.
    archive
        If True, the file is a zip archive. An identical existing archive is then not fetched again.
    show
        If True, show the progress if standard error is a terminal. Only with ``wait=True``.
    wait
        If False, return a running ``Download`` immediately.

    Returns
    -------
    Path or Download
        The output file, or the running download.

    Raises
    ------
    InputError
        If the URL is malformed, or the target is a folder.
    APIConnectionError
        If the host does not respond.
    DownloadError
        If the download is incomplete.

    Examples
    --------
    >>> path = inductiva.downloads.fetch_file(task.get_output_url(), "archives/storm.zip")
    >>> path.stat().st_size > 10_000
    True
    """
    download = _file(
        url, target_file, opener=opener, renew=renew, connections=connections, archive=archive
    )
    return _run(download, show=show, wait=wait)


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
    requested = names if names is None or isinstance(names, str) else list(names)
    selection = ArchiveSelection(
        Path(target), requested, lambda _: strip_prefix, limits or Limits()
    )

    def work(tracker: ProgressTracker) -> Path:
        try:
            return extract_remote_archive(link, selection, tracker.add_part(), limiter)
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
            return download_file(
                link, Path(target_file), tracker.add_part(), limiter, archive=archive
            )
        finally:
            link.close()

    return Download(work, target_file)


def _checked(connections: int) -> int:
    if connections < 1:
        raise InputError(f"`connections` must be at least 1, got {connections}.")
    return connections


def _run(download: Download[Path], *, show: bool, wait: bool) -> Path | Download[Path]:
    if not wait:
        return download.start()
    if not show:
        return download.run()
    with show_progress(download):
        return download.run()


# Number of archives to download in parallel: enough to use all connections for small archives.
_MAX_PARALLEL = 4
_MAX_NAMED_FAILURES = 3
_JOIN_SECONDS = 2.0


@dataclass(frozen=True)
class ArchiveRequest:
    """An archive to download, and which of its entries.

    Parameters
    ----------
    name
        Name of the archive in messages.
    link
        Function that returns the URL, signed or not; may raise.
    selection
        Which entries to extract, and where to.
    archive
        File for the whole archive; None to extract the selection.
    """

    name: str
    link: Callable[[], str]
    selection: ArchiveSelection
    archive: Path | None = None

    def prepared(
        self, link: SignedUrl, progress: SubProgress, limiter: ConnectionLimiter
    ) -> Callable[[], Path]:
        """Read the central directory, and return a function that downloads.

        Parameters
        ----------
        link
            URL of the archive.
        progress, limiter
            Counts the progress, and limits the connections.

        Returns
        -------
        Callable
            Function that downloads and returns the path.
        """
        if self.archive is not None:
            return partial(download_file, link, self.archive, progress, limiter, archive=True)
        fetch = ArchiveExtraction(link, self.selection, progress, limiter)
        fetch.prepare()
        return fetch.run


def start(source: ArchiveRequest) -> Download[Path]:
    """Start the download of an archive in the background.

    Parameters
    ----------
    source
        The archive. Its URL is requested immediately, so its errors are raised here.

    Returns
    -------
    Download
        Its result is the path of the folder or the archive.
    """
    link, limiter = SignedUrl(source.link(), renew=source.link), ConnectionLimiter(CONNECTIONS)

    def work(tracker: ProgressTracker) -> Path:
        try:
            return source.prepared(link, tracker.add_part(), limiter)()
        finally:
            link.close()

    return Download(work, source.archive or source.selection.target).start()


def start_all(sources: Sequence[ArchiveRequest], path: str | Path = "") -> Download[list[Path]]:
    """Start the download of several archives in the background.

    All central directories are read first, so that the totals are known early. If one archive
    fails, the others are still downloaded.

    Parameters
    ----------
    sources
        The archives.
    path
        Output path to show in the progress.

    Returns
    -------
    Download
        Its result is the list of paths, in order. It raises a ``DownloadError`` that names the
        failed archives; complete files are kept.
    """
    return Download(_SeveralArchives(sources).run, path).start()


class _SeveralArchives:
    def __init__(self, sources: Sequence[ArchiveRequest]) -> None:
        self._sources = sources
        self._limiter = ConnectionLimiter(CONNECTIONS)
        self._failures: dict[int, Exception] = {}
        # Shared by all archives: a thousand archives must not keep a thousand idle connections.
        self._opener = RequestsHttpGet()

    def run(self, tracker: ProgressTracker) -> list[Path]:
        parts = [tracker.add_part(source.name) for source in self._sources]
        ready: dict[int, Callable[[], Path]] = {}
        paths: dict[int, Path] = {}

        def prepare(index: int) -> None:
            source, progress = self._sources[index], parts[index]
            link = SignedUrl(source.link(), opener=self._opener, renew=source.link)
            ready[index] = source.prepared(link, progress, self._limiter)

        def fetch(index: int) -> None:
            if index in ready:
                paths[index] = ready.pop(index)()

        try:
            self._each(prepare, parts, tracker)
            self._each(fetch, parts, tracker)
        finally:
            self._opener.close()
        if self._failures:
            raise self._error()
        return [paths[index] for index in range(len(self._sources))]

    def _each(
        self, step: Callable[[int], None], parts: Sequence[SubProgress], tracker: ProgressTracker
    ) -> None:
        """Run a step for every archive, at most ``_MAX_PARALLEL`` at the same time."""
        waiting = deque(range(len(self._sources)))

        def work() -> None:
            while waiting and not tracker.cancel_token.cancelled:
                try:
                    index = waiting.popleft()
                except IndexError:
                    return
                self._run_step(step, index, parts[index])

        threads = [
            threading.Thread(target=work, name=f"inductiva-archive-{n}", daemon=True)
            for n in range(min(_MAX_PARALLEL, len(self._sources)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive() and not tracker.cancel_token.cancelled:
                thread.join(0.5)
        if tracker.cancel_token.cancelled:
            for thread in threads:
                thread.join(_JOIN_SECONDS)
            tracker.cancel_token.raise_if_cancelled()

    def _run_step(self, step: Callable[[int], None], index: int, progress: SubProgress) -> None:
        try:
            step(index)
        except Exception as exc:  # `_error` reports it at the end
            self._failures[index] = exc
            progress.truncate_totals()

    def _error(self) -> Exception:
        unexpected = [
            error for error in self._failures.values() if not isinstance(error, InductivaError)
        ]
        if unexpected:
            return unexpected[0]
        failures = [
            (self._sources[index].name, error)
            for index, error in self._failures.items()
            if isinstance(error, InductivaError)
        ]
        named = failures[:_MAX_NAMED_FAILURES]
        n_more = len(failures) - len(named)
        more = f" … and {n_more} more." if n_more > 0 else ""
        return DownloadError(
            f"{len(failures)} of {len(self._sources)} downloads failed, the others are complete.",
            hint=" ".join(f"{name}: {error}" for name, error in named) + more,
            shell_hint=" ".join(f"{name}: {error.shell_message}" for name, error in named) + more,
        )
