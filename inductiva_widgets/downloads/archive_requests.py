"""One or several archives as one download: one limit on connections, one sum of the progress."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from inductiva_widgets.downloads._connection_limit import CONNECTIONS, ConnectionLimiter
from inductiva_widgets.downloads._progress_tracker import ProgressTracker, SubProgress
from inductiva_widgets.downloads._signed_url import SignedUrl
from inductiva_widgets.downloads._whole_file import download_file
from inductiva_widgets.downloads.download import Download
from inductiva_widgets.downloads.extract import ArchiveExtraction, ArchiveSelection
from inductiva_widgets.downloads.http import RequestsHttpGet
from inductiva_widgets.errors import DownloadCancelled, DownloadError, InductivaError

# Archives under way at the same time: enough to fill the connections where each is small.
_AT_ONCE = 4
_TOLD = 3
_PATIENCE = 2.0


@dataclass(frozen=True)
class ArchiveRequest:
    """An archive and what is wanted of it.

    Parameters
    ----------
    name
        What it is called in messages.
    link
        Asks for its (signed) URL; may raise.
    wish
        What is wanted of it, and where.
    archive
        The file to keep it in as it is; None to unpack it.
    """

    name: str
    link: Callable[[], str]
    wish: ArchiveSelection
    archive: Path | None = None

    def prepared(
        self, link: SignedUrl, share: SubProgress, lanes: ConnectionLimiter
    ) -> Callable[[], Path]:
        """Return what does the work, once it is known how much there is to do.

        Parameters
        ----------
        link
            The link, asked for.
        share, lanes
            Counts, and the limit on connections.

        Returns
        -------
        Callable
            Fetches, and returns the path.
        """
        if self.archive is not None:
            return partial(download_file, link, self.archive, share, lanes, archive=True)
        fetch = ArchiveExtraction(link, self.wish, share, lanes)
        fetch.prepare()
        return fetch.run


def start(source: ArchiveRequest) -> Download[Path]:
    """Begin to fetch an archive in the background.

    Parameters
    ----------
    source
        The archive. Its link is asked for at once, so that its errors are raised here.

    Returns
    -------
    Download
        Its result is the path: the folder, or the archive.
    """
    link, lanes = SignedUrl(source.link(), renew=source.link), ConnectionLimiter(CONNECTIONS)

    def work(tally: ProgressTracker) -> Path:
        try:
            return source.prepared(link, tally.share(), lanes)()
        finally:
            link.close()

    return Download(work, source.archive or source.wish.target).start()


def start_all(sources: Sequence[ArchiveRequest], path: str | Path = "") -> Download[list[Path]]:
    """Begin to fetch several archives in the background.

    The directories are read first, so that the totals are known early. An archive that fails does
    not keep the others from coming.

    Parameters
    ----------
    sources
        The archives.
    path
        Where they go, as it is shown.

    Returns
    -------
    Download
        Its result are the paths, in order. It raises a ``DownloadError`` that counts and names what
        failed; what is whole stays.
    """
    return Download(_SeveralArchives(sources).run, path).start()


class _SeveralArchives:
    def __init__(self, sources: Sequence[ArchiveRequest]) -> None:
        self._sources = sources
        self._lanes = ConnectionLimiter(CONNECTIONS)
        self._failures: dict[int, Exception] = {}
        # One for all: a thousand archives must not keep a thousand idle connections.
        self._opener = RequestsHttpGet()

    def run(self, tally: ProgressTracker) -> list[Path]:
        shares = [tally.share(source.name) for source in self._sources]
        ready: dict[int, Callable[[], Path]] = {}
        paths: dict[int, Path] = {}

        def prepare(index: int) -> None:
            source, share = self._sources[index], shares[index]
            link = SignedUrl(source.link(), opener=self._opener, renew=source.link)
            ready[index] = source.prepared(link, share, self._lanes)

        def fetch(index: int) -> None:
            if index in ready:
                paths[index] = ready.pop(index)()

        try:
            self._each(prepare, shares, tally)
            self._each(fetch, shares, tally)
        finally:
            self._opener.close()
        if self._failures:
            raise self._error()
        return [paths[index] for index in range(len(self._sources))]

    def _each(
        self, step: Callable[[int], None], shares: Sequence[SubProgress], tally: ProgressTracker
    ) -> None:
        """Do a step for every archive, a few at the same time."""
        waiting = deque(range(len(self._sources)))

        def work() -> None:
            while waiting and not tally.control.cancelled:
                try:
                    index = waiting.popleft()
                except IndexError:
                    return
                self._guarded(step, index, shares[index])

        hands = [
            threading.Thread(target=work, name=f"inductiva-archive-{n}", daemon=True)
            for n in range(min(_AT_ONCE, len(self._sources)))
        ]
        for hand in hands:
            hand.start()
        for hand in hands:
            while hand.is_alive() and not tally.control.cancelled:
                hand.join(0.5)
        if tally.control.cancelled:
            for hand in hands:
                hand.join(_PATIENCE)
            raise DownloadCancelled("the download was cancelled; calling again goes on from there")

    def _guarded(self, step: Callable[[int], None], index: int, share: SubProgress) -> None:
        try:
            step(index)
        except Exception as exc:  # told at the end, with the others
            self._failures[index] = exc
            share.truncate_totals()

    def _error(self) -> Exception:
        unexpected = [one for one in self._failures.values() if not isinstance(one, InductivaError)]
        if unexpected:
            return unexpected[0]
        told = [f"{self._sources[index].name}: {exc}" for index, exc in self._failures.items()]
        more = f" … and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
        return DownloadError(
            f"{len(told)} of {len(self._sources)} downloads failed, the others are there. "
            + " ".join(told[:_TOLD])
            + more
        )
