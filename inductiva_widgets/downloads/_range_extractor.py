"""Small members side by side in one range: read, inflated as they come, and written."""

from __future__ import annotations

import contextlib
from collections import deque

from inductiva_widgets.downloads._extraction_context import (
    EntryWriter,
    ExtractionContext,
    with_context,
)
from inductiva_widgets.downloads._plan import ByteSpan
from inductiva_widgets.errors import ArchiveError

# Bytes behind the last wanted one that are read all the same: cheaper than a new connection.
_WORTH_READING = 4096


class RangeExtractor:
    """Reads a span and writes the members in it.

    Parameters
    ----------
    site
        Where they become files.
    span
        The range and its members.
    """

    def __init__(self, site: ExtractionContext, span: ByteSpan) -> None:
        self._site = site
        self._span = span
        self._waiting = deque(span.items)  # those that are neither whole nor known to be damaged

    def run(self) -> None:
        """Do it.

        Raises
        ------
        DownloadError
            The member is named.
        """
        try:
            self._read()
        except Exception as exc:
            member = self._waiting[0].member if self._waiting else None
            raise with_context(member, exc) from None

    def _read(self) -> None:
        span, waiting = self._span, self._waiting
        position = span.start
        current: EntryWriter | None = None
        with contextlib.closing(self._site.source.stream(span.start, span.stop)) as stream:
            try:
                for chunk in stream:
                    view = memoryview(chunk)
                    while view and waiting:
                        if self._site.crew.should_stop:
                            return
                        if current is None:
                            # Over what lies between: descriptors, members nobody asked for.
                            passed = min(waiting[0].member.offset - position, len(view))
                            position, view = position + passed, view[passed:]
                            if not view:
                                break
                            current = EntryWriter(self._site, waiting[0])
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

    def _feed(self, writing: EntryWriter, view: memoryview) -> int | None:
        """Hand bytes to a member; None when it turns out to be damaged."""
        before = writing.decoder.taken
        try:
            return writing.feed(view)
        except ArchiveError as exc:
            self._site.record_damaged(exc)
            return None
        finally:
            self._site.receive(writing.decoder.taken - before)
