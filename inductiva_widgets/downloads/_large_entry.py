"""A large member: its blocks on disk, fetched by many threads and inflated by another meanwhile."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from inductiva_widgets.downloads._extraction_context import (
    EntryWriter,
    ExtractionContext,
    with_context,
)
from inductiva_widgets.downloads._partial_file import Chunk, PartialFile
from inductiva_widgets.downloads._plan import ExtractItem
from inductiva_widgets.downloads.http import CHUNK
from inductiva_widgets.downloads.remote_file import RemoteFile
from inductiva_widgets.errors import ArchiveError

_PATIENCE = 2.0


class LargeEntryDownload:
    """The compressed bytes of a member, and the thread that inflates them.

    Parameters
    ----------
    site
        Where it becomes a file; its source is remote.
    item
        The member and its place.
    ended
        Called when the thread ends, with whether the member is to be fetched once more.
    """

    def __init__(
        self,
        site: ExtractionContext,
        item: ExtractItem,
        ended: Callable[[LargeEntryDownload, bool], object],
    ) -> None:
        source = site.source
        if not isinstance(source, RemoteFile):
            raise TypeError("only a remote archive is fetched in blocks")
        member = item.member
        self.item = item
        self._site = site
        self._ended = ended
        self._path = site.work.partial_path(member)
        self.blocks = PartialFile(self._path, source.version, member.offset, member.read_limit)
        self._uncounted = member.compressed_size
        self._lock = threading.Condition()
        self._fetching = 0
        self._over = False
        self._thread = threading.Thread(target=self._inflate, name="inductiva-inflate", daemon=True)

    def start(self) -> None:
        """Begin to inflate."""
        self._site.share.count_existing(self._count(self.blocks.length))
        self._thread.start()

    def fetch(self, block: Chunk) -> None:
        """Fetch what is missing of a block.

        Raises
        ------
        DownloadError
            The member is named.
        """
        with self._lock:
            if self._over:
                return
            self._fetching += 1
        try:
            with contextlib.closing(self._site.source.stream(block.position, block.stop)) as stream:
                for chunk in stream:
                    self.blocks.write(block, chunk)
                    self._site.receive(self._count(len(chunk)))
                    if self._over or self._site.crew.should_stop:
                        return
        except Exception as exc:
            raise with_context(self.item.member, exc) from None
        finally:
            self.blocks.checkpoint(block)
            with self._lock:
                self._fetching -= 1
                self._lock.notify_all()

    def close(self) -> None:
        """Wait until nobody works on it, and keep it for a later run."""
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE)  # one that hangs in a connection attempt ends later

    def _count(self, count: int) -> int:
        """Return how many of some bytes count: headers and what is between members do not."""
        with self._lock:
            counts = min(count, self._uncounted)
            self._uncounted -= counts
            return counts

    def _inflate(self) -> None:
        again = whole = False
        try:
            writing = EntryWriter(self._site, self.item)
            try:
                whole = self._follow(writing)
            except ArchiveError as exc:
                # Bytes of an earlier run may have suffered on disk: one more try without them.
                again = self.blocks.resumed
                if not again:
                    self._site.record_damaged(exc)
                whole = True
            finally:
                writing.close()
        except Exception as exc:  # raised by the crew, in the caller's thread
            self._site.crew.fail(with_context(self.item.member, exc))
        finally:
            with self._lock:
                self._over = True
                while self._fetching:
                    self._lock.wait()
            if whole:
                if again:
                    self._site.share.count_existing(
                        self._uncounted - self.item.member.compressed_size
                    )
                self.blocks.discard()
            else:
                self.blocks.close()
            self._ended(self, again)

    def _follow(self, writing: EntryWriter) -> bool:
        """Inflate what is there, as it comes; False when the run ends before the member does."""
        for data in self.blocks.iter_available(CHUNK):
            if self._site.crew.should_stop:
                return False
            view = memoryview(data)
            while view and not writing.decoder.done:
                view = view[writing.feed(view) :]
            if writing.decoder.done:
                return True
        raise ArchiveError(f"{self.item.member.name}: its data end too early")
