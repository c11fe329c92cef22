"""The members of an archive as jobs for a crew.

Small ones stand side by side in spans: a thread reads a span and inflates it as it comes. A large
one is fetched in blocks by all threads into a spool, which another thread inflates meanwhile; what
the spool has is not fetched again after a kill.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Sequence
from functools import partial

from inductiva_widgets.downloads._extraction_context import ExtractionContext, with_context
from inductiva_widgets.downloads._large_entry import LargeEntryDownload
from inductiva_widgets.downloads._plan import ByteSpan, ExtractItem
from inductiva_widgets.downloads._range_extractor import RangeExtractor
from inductiva_widgets.downloads._workers import Job

# Members larger than this, compressed, are fetched in blocks.
LARGE = 32 * 1024 * 1024
# Spools at the same time: each holds disk space, and inflating is the work of a processor.
SPOOLS = max(2, min(4, os.cpu_count() or 1))
_LOOK = 0.2


class ExtractionQueue:
    """What a crew has to do for one archive.

    Parameters
    ----------
    site
        The archive and the folder that it fills.
    """

    def __init__(self, site: ExtractionContext) -> None:
        self._site = site
        self._news = threading.Condition()
        self._spans: deque[ByteSpan] = deque()
        self._large: deque[ExtractItem] = deque()
        self._blocks: deque[Job] = deque()
        self._spools: set[LargeEntryDownload] = set()

    def plan(self, spans: Sequence[ByteSpan], large: Sequence[ExtractItem]) -> int:
        """Set what is to be done; return how many threads are of use.

        Parameters
        ----------
        spans
            Ranges with small members.
        large
            Members to be fetched in blocks; only from a remote archive.
        """
        self._spans.extend(spans)
        # The longest first, as inflating one is the work of a single thread.
        self._large.extend(sorted(large, key=lambda item: -item.member.compressed_size))
        return self._site.lanes.most if large else len(spans)

    def next_job(self) -> Job | None:
        """Return the next job, None when there is none any more."""
        with self._news:
            while not self._site.crew.should_stop:
                if self._blocks:
                    return self._blocks.popleft()
                if self._large and len(self._spools) < SPOOLS:
                    self._open(self._large.popleft())
                elif self._spans:
                    return RangeExtractor(self._site, self._spans.popleft()).run
                elif self._spools:
                    self._news.wait(_LOOK)  # one that turns out damaged may have to come again
                else:
                    return None
            return None

    def close(self) -> None:
        """Wait for the threads that inflate, and leave the spools to a later run."""
        for spool in list(self._spools):
            spool.close()

    def _open(self, item: ExtractItem) -> None:
        """Open a spool for a large member and queue the blocks that it lacks."""
        try:
            spool = LargeEntryDownload(self._site, item, self._ended)
        except OSError as exc:
            raise with_context(item.member, exc) from None
        self._spools.add(spool)
        self._blocks.extend(partial(spool.fetch, block) for block in spool.blocks.missing_chunks())
        spool.start()

    def _ended(self, spool: LargeEntryDownload, again: bool) -> None:
        """Forget a spool; fetch its member once more if need be."""
        with self._news:
            self._spools.discard(spool)
            if again:
                self._large.append(spool.item)
            self._news.notify_all()
