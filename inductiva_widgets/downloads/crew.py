"""The threads that fetch spans of an archive and write the members in them to files."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from pathlib import Path

from inductiva_widgets.downloads.archive import Member
from inductiva_widgets.downloads.inflate import MemberDecoder
from inductiva_widgets.downloads.partfile import ScratchFile
from inductiva_widgets.downloads.paths import make_folder
from inductiva_widgets.downloads.plan import Item, Span
from inductiva_widgets.downloads.progress import Tally
from inductiva_widgets.downloads.ranges import RangesUnsupported, Source
from inductiva_widgets.errors import (
    ArchiveError,
    DownloadCancelled,
    DownloadError,
    InductivaError,
)

_PATIENCE = 2.0
# Bytes behind the last wanted one that are read all the same: cheaper than a new connection.
_WORTH_READING = 4096


class Crew:
    """A few threads that take spans from one queue.

    Parameters
    ----------
    source
        The archive.
    spans
        What to read; a member that is damaged is passed over.
    root
        The folder to fill, resolved.
    tally
        Counts.
    counted
        Whether bytes count as progress.
    """

    def __init__(
        self, source: Source, spans: list[Span], root: Path, tally: Tally, *, counted: bool
    ) -> None:
        self._source = source
        self._spans = deque(spans)
        self._root = root
        self._tally = tally
        self._counted = counted
        self._stop = threading.Event()
        self._lock = threading.Lock()
        # A damaged member does not keep the others from coming; anything else ends the run.
        self._damaged: list[ArchiveError] = []
        self._fatal: Exception | None = None

    def run(self, connections: int) -> None:
        """Work off the spans.

        Parameters
        ----------
        connections
            How many threads.

        Raises
        ------
        DownloadError
            When a member failed; it is named.
        """
        threads = [
            threading.Thread(target=self._work, name=f"inductiva-range-{n}", daemon=True)
            for n in range(min(connections, len(self._spans)))
        ]
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads) and not self._tally.cancelled:
                # In slices, so that an interrupt is seen on every system.
                for thread in threads:
                    thread.join(0.5 / len(threads))
        except BaseException:
            self._tally.cancel()
            raise
        finally:
            # After a cancel, one that hangs in a connection attempt cleans up by itself later.
            for thread in threads:
                if thread.ident is not None:
                    thread.join(_PATIENCE)
        if self._tally.cancelled:
            raise DownloadCancelled("the download was cancelled; calling again goes on from there")
        if self._fatal is not None:
            raise self._fatal
        if self._damaged:
            first, others = self._damaged[0], len(self._damaged) - 1
            more = f" (and {others} more damaged members)" if others else ""
            raise ArchiveError(f"{first}{more}") from first

    def _work(self) -> None:
        while not self._stop.is_set() and not self._tally.cancelled:
            try:
                span = self._spans.popleft()
            except IndexError:
                return
            waiting = deque(span.items)
            try:
                self._take(span, waiting)
            except Exception as exc:  # raised by `run`, in the caller's thread
                self._stop.set()
                with self._lock:
                    if self._fatal is None:
                        self._fatal = _explain(waiting[0].member if waiting else None, exc)

    def _take(self, span: Span, waiting: deque[Item]) -> None:
        """Read a span; an item leaves ``waiting`` when it is whole or known to be damaged."""
        position = span.start
        current: _Writing | None = None
        with contextlib.closing(self._source.stream(span.start, span.stop)) as stream:
            try:
                for chunk in stream:
                    view = memoryview(chunk)
                    while view and waiting:
                        if self._stop.is_set():
                            return
                        if current is None:
                            # Over what lies between: descriptors, members that nobody asked for.
                            passed = min(waiting[0].member.offset - position, len(view))
                            position, view = position + passed, view[passed:]
                            if not view:
                                break
                            current = _Writing(waiting[0], self._root)
                        used = self._feed(current, view)
                        if used is None or current.decoder.done:
                            waiting.popleft()
                            current.close()
                            current = None
                        position, view = position + (used or 0), view[used or 0 :]
                    if not waiting and span.stop - position > _WORTH_READING:
                        return
            finally:
                if current is not None:
                    current.close()
        for item in waiting:
            raise ArchiveError(f"{item.member.name}: its data end too early")

    def _feed(self, writing: _Writing, view: memoryview) -> int | None:
        """Hand bytes to a member; None when it turns out to be damaged."""
        decoder = writing.decoder
        before = decoder.taken
        try:
            used = decoder.feed(view)
        except ArchiveError as exc:
            with self._lock:
                self._damaged.append(exc)
            return None
        finally:
            if self._counted and decoder.taken > before:
                self._tally.receive(decoder.taken - before)
        if decoder.done:
            writing.file.commit()
            self._tally.finish_file()
        return used


class _Writing:
    """One member on its way from the archive to the disk."""

    def __init__(self, item: Item, root: Path) -> None:
        # Checked anew: the folder may have been exchanged since the run began.
        folder = make_folder(root, item.path.rpartition("/")[0])
        self.file = ScratchFile(folder / item.path.rpartition("/")[2])
        self.decoder = MemberDecoder(item.member, self.file.write)

    def close(self) -> None:
        """Remove the file, unless it was committed."""
        self.file.__exit__(None, None, None)


def _explain(member: Member | None, exc: Exception) -> Exception:
    """Name the member in an error, and say what can be done."""
    if member is None or isinstance(exc, RangesUnsupported | DownloadCancelled):
        return exc
    if isinstance(exc, OSError):
        return _with_cause(DownloadError(f"{member.name} cannot be written: {exc.strerror}"), exc)
    if isinstance(exc, InductivaError):
        kind = type(exc) if isinstance(exc, DownloadError) else DownloadError
        text = str(exc) if member.name in str(exc) else f"{member.name}: {exc}"
        return _with_cause(kind(f"{text}; calling again goes on with the rest"), exc)
    return exc


def _with_cause(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error
