"""Log source over WebRTC, for tasks on the cloud.

This protocol has no byte offsets: after a lost connection the last lines are requested again and
joined where they overlap with the known ones.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from inductiva_widgets import webrtc
from inductiva_widgets.errors import InductivaError
from inductiva_widgets.status import Status
from inductiva_widgets.tasks._log_source import BACKLOG, PERIOD, LogChunk, ReadResult, StreamState
from inductiva_widgets.webrtc.messages import parse_last_modified, parse_lines

if TYPE_CHECKING:
    from inductiva_widgets.tasks._state import RemoteTask

LINES = 1000
"""Lines that are requested at first, and again after a lost connection."""
# Lines and bytes that are kept to find the overlap.
_KEPT, _KEPT_BYTES = 2 * LINES, 1 << 20
# The first lines are complete after this many seconds of silence, or after a total time, as a
# program may never pause. It is longer after a lost connection: closing the gap takes all lines.
_SILENCE = 0.3
_GATHERS, _GATHERS_AGAIN = 0.5, 2.0
_FLOOD = 256 << 10
"""Bytes per second, for 4 s, above which only the end is requested, once per period."""
_FLOODED_FOR = 4.0
_CALM = 10
_MAX_AGE_STREAMING = 5.0
_LONGEST_PAUSE = 30.0
_ASK_EVERY = 60.0


def overlap_length(known: Sequence[str], fresh: Sequence[str]) -> int | None:
    r"""Return how many of the fresh lines were known already.

    This is the longest suffix of the known lines that is a prefix of the fresh ones. A last known
    line that was cut may match, too, but does not count, as it is read again, whole.

    Parameters
    ----------
    known
        The last lines that were read.
    fresh
        The present last lines of the file.

    Returns
    -------
    int or None
        None if they have nothing in common, so that lines may be missing between them.

    Examples
    --------
    >>> overlap_length(["a", "b", "c"], ["b", "c", "d"])
    2
    >>> overlap_length(["a", "b", "time = 0."], ["b", "time = 0.5", "d"])
    1
    >>> print(overlap_length(["a"], ["c"]))
    None
    """
    found = _find_overlap(known, fresh)
    if found:
        return found
    if known and known[-1]:
        before = _find_overlap(known[:-1], fresh) if len(known) > 1 else 0
        is_whole_now = before < len(fresh) and fresh[before].startswith(known[-1])
        if is_whole_now and (before or len(known) == 1):
            return before
    return None if known else 0


def resume_index(known: Sequence[str], whole: Sequence[str]) -> int | None:
    """Return the index of the first unread line of a file; None if not certain.

    Parameters
    ----------
    known
        The last lines that were read.
    whole
        All lines of the file.

    Examples
    --------
    >>> resume_index(["b", "c"], ["a", "b", "c", "d"])
    3
    >>> print(resume_index(["a"], ["a", "b", "a", "c"]))
    None
    """
    if not known:
        return 0
    table = _borders(known)
    ends, length = [], 0
    for place, line in enumerate(whole):
        while length and (length == len(known) or known[length] != line):
            length = table[length - 1]
        length += known[length] == line
        if length == len(known):
            ends.append(place + 1)
    return ends[0] if len(ends) == 1 else None


def _find_overlap(known: Sequence[str], fresh: Sequence[str]) -> int:
    """Return the length of the longest suffix of `known` that is a prefix of `fresh`."""
    table = _borders(fresh)
    length = 0
    for line in known[-len(fresh) :] if fresh else ():
        while length and (length == len(fresh) or fresh[length] != line):
            length = table[length - 1]
        length += fresh[length] == line
    return length


def _borders(lines: Sequence[str]) -> list[int]:
    """Return the length of the longest border of each prefix.

    This is the table of Knuth, Morris and Pratt, which avoids repeated comparisons.
    """
    table = [0] * len(lines)
    length = 0
    for place in range(1, len(lines)):
        while length and lines[place] != lines[length]:
            length = table[length - 1]
        length += lines[place] == lines[length]
        table[place] = length
    return table


class WebRtcLogSource:
    """Streams a file of a task on the cloud.

    Costs three requests per connection, and sometimes one for the task.

    Parameters
    ----------
    task
        The task.
    name
        Name of the file.
    clock
        Returns the time in seconds.
    """

    def __init__(
        self, task: RemoteTask, name: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._task, self._name, self._clock = task, name, clock
        self._stream: webrtc.AnswerStream | None = None
        self._known: deque[str] = deque(maxlen=_KEPT)
        self._known_bytes = 0
        self._has_read = False
        # Number of lines, if the file was read from its first line without a gap.
        self._count: int | None = 0
        self._rate = _Rate()
        self._calm_polls = 0
        self._empty_polls = 0
        # Whether lines were lost before the last ones, and whether the first lines are awaited.
        self._is_torn = self._is_beginning = False
        self._last_output: datetime | None = None
        self._asks_at = clock() + _ASK_EVERY

    @property
    def pause(self) -> float:
        """Seconds to wait before the next poll: 0 while a stream is open."""
        return (
            0.0 if self._stream is not None else min(_LONGEST_PAUSE, PERIOD * 2**self._empty_polls)
        )

    def poll(self) -> ReadResult:
        """Read the lines that were added since the last poll."""
        # An open stream shows that the task is alive, so its info may be older.
        info = self._task.refresh(_MAX_AGE_STREAMING if self._stream is not None else PERIOD / 2)
        if info.is_terminal:
            return self._last()
        if self._stream is None:
            if not info.status.is_computing:
                return ReadResult(
                    [], StreamState(last_output=self._last_output, note=_note(info.status))
                )
            if not self._rate.is_flooding:
                request = self._request(follow=True)
                self._stream = webrtc.open_stream(self._task.client, self._task.id, request)
                self._is_beginning = True
        pieces = self._bounded() if self._stream is None else self._streamed()
        self._empty_polls = (
            0 if pieces or self._stream is not None else min(self._empty_polls + 1, 5)
        )
        if not pieces:
            self._ask_when_written()
        return ReadResult(
            pieces, StreamState(last_output=self._last_output), is_complete=self._has_read
        )

    def close(self) -> None:
        """End the stream."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _streamed(self) -> list[LogChunk]:
        lines = self._take(PERIOD)
        if not lines:
            return []
        if self._is_beginning:
            # The existing lines come in several messages: collect them in one chunk.
            until = self._clock() + (_GATHERS_AGAIN if self._has_read else _GATHERS)
            while self._stream is not None and len(lines) < LINES and not self._is_torn:
                more = self._take(_SILENCE)
                lines += more
                if not more or self._clock() > until:
                    break
            self._is_beginning = False
            return self._spliced(lines)
        piece = self._piece(lines, follows=not self._is_torn)
        self._last_output = self._task._state.server_time
        self._rate.add(len(piece.data), self._clock())
        if self._rate.is_flooding:
            self.close()
        return [piece]

    def _bounded(self) -> list[LogChunk]:
        """Request the last lines once, as the file grows too fast to read all of it."""
        answer = webrtc.request(self._task.client, self._task.id, self._request(follow=False))
        pieces = self._spliced(parse_lines(answer))
        is_calm = all(piece.follows and len(piece.data) < _FLOOD // 4 for piece in pieces)
        self._calm_polls = self._calm_polls + 1 if is_calm else 0
        if self._calm_polls >= _CALM:
            self._rate, self._calm_polls = _Rate(), 0
        return pieces

    def _take(self, timeout: float) -> list[str]:
        """Return the received lines; closes a stream that has ended."""
        assert self._stream is not None  # noqa: S101 - callers check it
        try:
            taken = self._stream.receive(timeout)
            lines = [line for message in taken.messages for line in parse_lines(message)]
        except InductivaError:
            # The next connection sends the lost lines again.
            self.close()
            raise
        self._is_torn = not taken.is_whole
        if self._stream.is_closed:
            self.close()
        return lines

    def _spliced(self, fresh: list[str]) -> list[LogChunk]:
        """Return the new lines among the last lines of the file."""
        if not fresh:
            return []
        if not self._has_read:
            self._has_read = True
            return [self._piece(fresh, follows=len(fresh) < LINES and not self._is_torn)]
        known = None if self._is_torn else overlap_length(list(self._known), fresh)
        lines = fresh[known or 0 :]
        if not lines:
            return []
        self._last_output = self._task._state.server_time
        return [self._piece(lines, follows=known is not None)]

    def _piece(self, lines: list[str], *, follows: bool) -> LogChunk:
        if not follows:
            self._known.clear()
            self._known_bytes = 0
        self._count = self._count + len(lines) if follows and self._count is not None else None
        for line in lines:
            self._known.append(line)
        self._known_bytes = sum(map(len, self._known))
        while self._known_bytes > _KEPT_BYTES and len(self._known) > 1:
            self._known_bytes -= len(self._known.popleft())
        return LogChunk("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"), follows)

    def _ask_when_written(self) -> None:
        """Request the time of the last output, if none was received yet."""
        if self._last_output is not None or self._clock() < self._asks_at:
            return
        self._asks_at = self._clock() + _ASK_EVERY
        request = webrtc.PeerRequest("last_modified_file")
        found = parse_last_modified(webrtc.request(self._task.client, self._task.id, request))
        # If it names another file, this file is older, but its time is unknown.
        if found is not None and found.most_recent_file.rpartition("/")[2] == self._name:
            self._last_output = found.modified

    def _last(self) -> ReadResult:
        """Return the rest, including lines from the archive if they can be found cheaply."""
        pieces: list[LogChunk] = []
        over = StreamState(is_finished=True, last_output=self._last_output)
        try:
            while self._stream is not None:
                new = self._streamed()
                pieces += new
                if not new:
                    break
            self.close()
            with self._task.open_output(self._name) as file:
                if file.seek(0, 2) > BACKLOG:
                    return ReadResult(pieces, over)
                file.seek(0)
                data = file.read()
        except InductivaError as error:
            return ReadResult(pieces, over if self._has_read else over._replace(error=error))
        if not self._has_read:
            return ReadResult([LogChunk(data, follows=True)] if data else [], over)
        # Split at line feeds only, as the machine does: other separators are part of a line.
        whole = data.decode("utf-8", "replace").split("\n")
        rest = "\n".join(whole[self._count_read(whole) :])
        return ReadResult(
            [*pieces, LogChunk(rest.encode(), follows=True)] if rest else pieces, over
        )

    def _count_read(self, whole: list[str]) -> int:
        """Return how many of all lines were read; all of them if that is not certain."""
        count, known = self._count, list(self._known)
        if count is not None and whole[max(0, count - len(known)) : count] == known:
            return count
        found = resume_index(known, whole)
        return len(whole) if found is None else found

    def _request(self, *, follow: bool) -> webrtc.PeerRequest:
        args = {"filename": self._name, "lines": LINES, "wait": follow}
        return webrtc.PeerRequest("tail", args, follow)


class _Rate:
    """Detects whether bytes arrive too fast for longer than a burst."""

    def __init__(self) -> None:
        self.is_flooding = False
        self._since: float | None = None
        self._bytes = 0

    def add(self, count: int, now: float) -> None:
        if self._since is None:
            self._since = now
            return
        self._bytes += count
        took = now - self._since
        if took >= _FLOODED_FOR:
            self.is_flooding = self._bytes > _FLOOD * took
            self._since, self._bytes = now, 0


def _note(status: Status) -> str:
    if status == Status.COMPUTATION_ENDED:
        return "The computation has ended: its outputs are being stored."
    return "The log begins with the computation."
