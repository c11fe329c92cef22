"""Print the last lines of text files, and follow them."""

from __future__ import annotations

import codecs
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from inductiva_widgets import _kernel
from inductiva_widgets.errors import ConfigurationError, InductivaError
from inductiva_widgets.tasks._log_stream import LogChunk, StreamState, subscribe
from inductiva_widgets.tasks._text_file import open_text

if TYPE_CHECKING:
    from inductiva_widgets.tasks._state import RemoteTask

# Bytes that the last lines are looked for in.
_LAST = 1 << 16
_MOST = 16 << 20
_STEP = 0.1
# Bytes that wait to be printed; more than a person could read, so that older ones may go.
_HELD = 4 << 20
# Seconds after which a line that does not end is printed as far as it goes.
_PATIENCE = 0.5


def print_tail(task: RemoteTask, names: list[str], lines: int) -> None:
    """Print the last lines of files."""
    for name in names:
        shown = _last_lines(task, name, lines)
        if len(names) > 1:
            _write(f"==> {name} <==\n")
        _write("".join(f"{line}\n" for line in shown))


def print_and_follow(task: RemoteTask, names: list[str], lines: int) -> None:
    """Print the last lines of files and what is added, until the task ends or an interrupt."""
    feeds = [_FileTail(name, lines) for name in names]
    interests = [subscribe(task, feed.name, feed) for feed in feeds]
    page = _Printer(with_names=len(names) > 1)
    try:
        while not all(feed.is_over for feed in feeds):
            for feed in feeds:
                page.show(feed)
            _kernel.sleep_and_process_messages(_STEP)
        for feed in feeds:
            page.show(feed, is_last=True)
    finally:
        for interest in interests:
            interest.cancel()
    failed = [(feed.name, feed.error) for feed in feeds if feed.error is not None]
    if failed and len(failed) == len(feeds):
        raise failed[0][1]
    for name, error in failed:
        sys.stderr.write(f"{name}: {error}\n")


class _FileTail:
    """What was read of a file and is not printed yet; a listener."""

    def __init__(self, name: str, lines: int) -> None:
        self.name = name
        self.is_over = False
        self.error: InductivaError | None = None
        self.trouble = ""
        self._lines = lines
        self._lock = threading.Lock()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held: deque[str] = deque()
        self._size = 0
        self._is_told = False
        self._waits_since: float | None = None

    def on_data(self, piece: LogChunk) -> None:
        with self._lock:
            if not piece.follows:
                self._decoder.reset()
                if self._is_told:
                    self._append(_GAP)
            self._append(self._decoder.decode(piece.data))
            if self._size > _HELD:
                while self._size > _HELD and len(self._held) > 1:
                    self._size -= len(self._held.popleft())
                self._held.appendleft(_GAP)
                self._size += len(_GAP)

    def on_state(self, state: StreamState) -> None:
        with self._lock:
            if not self._is_told and (self._held or state.is_finished):
                # What was there before: of it only the last lines.
                self._is_told = True
                text = _end_of("".join(self._held), self._lines)
                self._held = deque([text])
                self._size = len(text)
            # After the end an error says why there is nothing; before it is tried again.
            self.error = state.error if state.is_finished or _is_final(state.error) else None
            self.is_over = state.is_finished or _is_final(state.error)
            self.trouble = str(state.error) if state.error is not None else ""

    def _append(self, text: str) -> None:
        self._held.append(text)
        self._size += len(text)

    def ready(self, *, alone: bool, is_last: bool) -> str:
        """Return what can be printed now: whole lines, and after a while parts of one."""
        with self._lock:
            if not self._is_told:
                return ""
            text = "".join(self._held)
            whole = text.rfind("\n") + 1
            rest = text[whole:]
            if not rest:
                self._waits_since = None
            elif self._waits_since is None or whole:
                self._waits_since = time.monotonic()
            is_due = (
                is_last
                or alone
                or "\r" in rest
                or (self._waits_since or 0) + _PATIENCE < time.monotonic()
            )
            if rest and not is_due:
                text, kept = text[:whole], rest
            else:
                kept = ""
            self._held = deque([kept]) if kept else deque()
            self._size = len(kept)
            return text


_GAP = "\n[...]\n"


class _Printer:
    """What was printed, so that the lines of several files are told apart."""

    def __init__(self, *, with_names: bool) -> None:
        self._with_names = with_names
        self._current = ""
        self._ends_a_line = True
        self._troubles: dict[str, str] = {}

    def show(self, feed: _FileTail, *, is_last: bool = False) -> None:
        """Print what a file has ready."""
        if feed.trouble != self._troubles.get(feed.name, ""):
            self._troubles[feed.name] = feed.trouble
            if feed.trouble and not feed.is_over:
                sys.stderr.write(f"{feed.name}: {feed.trouble} It is tried again.\n")
        text = feed.ready(alone=not self._with_names, is_last=is_last)
        if not text:
            return
        if self._with_names and self._current != feed.name:
            line_end = "" if self._ends_a_line else "\n"
            _write(f"{line_end}==> {feed.name} <==\n")
            self._current = feed.name
        _write(text)
        self._ends_a_line = text.endswith("\n")


def _is_final(error: InductivaError | None) -> bool:
    """Return whether trying again is no use to somebody who waits for it."""
    return isinstance(error, ConfigurationError)


def _last_lines(task: RemoteTask, name: str, lines: int) -> list[str]:
    info = task.refresh()
    if not task.client.is_local and info.status.is_computing:
        from inductiva_widgets import webrtc
        from inductiva_widgets.webrtc.messages import parse_lines

        question = webrtc.PeerRequest("tail", {"filename": name, "lines": lines, "wait": False})
        found = parse_lines(webrtc.request(task.client, task.id, question))
        return found[-lines:] if lines else []
    with open_text(task, name, max_age=1.0) as file:
        reach = _LAST
        while True:
            content = file.read(max(0, file.size - reach), file.size)
            if reach >= min(file.size, _MOST) or content.count(b"\n") > lines:
                break
            reach *= 4
    text = _end_of(content.decode("utf-8", "replace"), lines)
    return text.removesuffix("\n").split("\n") if text else []


def _end_of(text: str, lines: int) -> str:
    """Return the last lines; what is written over the same line again and again is one."""
    if not lines:
        return ""
    parts = text.split("\n")
    wanted = lines + 1 if not parts[-1] else lines
    return "\n".join(parts[-wanted:])


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
