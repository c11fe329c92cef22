"""Print the last lines of text files, and follow them.

A terminal gets the colours of the text, and other control sequences as escapes. A pipe gets the
text as it is.
"""

from __future__ import annotations

import codecs
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, TextIO

from inductiva_widgets import _kernel
from inductiva_widgets.ansi import LogEscaper
from inductiva_widgets.errors import ConfigurationError, InductivaError
from inductiva_widgets.tasks._log_stream import LogChunk, StreamState, subscribe
from inductiva_widgets.tasks._text_file import open_text

if TYPE_CHECKING:
    from inductiva_widgets.tasks._state import RemoteTask

# Bytes at the end of a file that are searched for the last lines: at first, and at most.
_FIRST_REACH = 1 << 16
_MAX_REACH = 16 << 20
_STEP = 0.1
# Maximum number of bytes that wait to be printed; older ones are dropped.
_MAX_HELD = 4 << 20
# Seconds after which an unfinished line is printed.
_MAX_WAIT = 0.5


def print_tail(task: RemoteTask, names: list[str], lines: int, file: TextIO | None = None) -> None:
    """Print the last lines of files."""
    with _Output(file or sys.stdout) as output:
        for name in names:
            shown = _last_lines(task, name, lines)
            if len(names) > 1:
                output.write(f"==> {name} <==\n")
            output.write("".join(f"{line}\n" for line in shown))


def print_and_follow(
    task: RemoteTask, names: list[str], lines: int, file: TextIO | None = None
) -> None:
    """Print the last lines of files and what is added, until the task ends or an interrupt."""
    feeds = [_FileTail(name, lines) for name in names]
    subscriptions = [subscribe(task, feed.name, feed) for feed in feeds]
    try:
        with _Output(file or sys.stdout) as output:
            page = _Printer(output, with_names=len(names) > 1)
            while not all(feed.is_over for feed in feeds):
                for feed in feeds:
                    page.show(feed)
                _kernel.sleep_and_process_messages(_STEP)
            for feed in feeds:
                page.show(feed, is_last=True)
    finally:
        for subscription in subscriptions:
            subscription.cancel()
    failed = [(feed.name, feed.error) for feed in feeds if feed.error is not None]
    if failed and len(failed) == len(feeds):
        raise failed[0][1]
    for name, error in failed:
        sys.stderr.write(f"{name}: {error}\n")


class _FileTail:
    """Listener that buffers what is to be printed of one file."""

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
        self._has_backlog = False
        self._waits_since: float | None = None

    def on_data(self, piece: LogChunk) -> None:
        with self._lock:
            if not piece.follows:
                self._decoder.reset()
                if self._has_backlog:
                    self._append(_GAP)
            self._append(self._decoder.decode(piece.data))
            if self._size > _MAX_HELD:
                while self._size > _MAX_HELD and len(self._held) > 1:
                    self._size -= len(self._held.popleft())
                self._held.appendleft(_GAP)
                self._size += len(_GAP)

    def on_state(self, state: StreamState) -> None:
        with self._lock:
            if not self._has_backlog and (self._held or state.is_finished):
                # Of the backlog, print only the last lines.
                self._has_backlog = True
                text = _end_of("".join(self._held), self._lines)
                self._held = deque([text])
                self._size = len(text)
            # Before the end, errors are retried.
            self.error = state.error if state.is_finished or _is_final(state.error) else None
            self.is_over = state.is_finished or _is_final(state.error)
            self.trouble = str(state.error) if state.error is not None else ""

    def _append(self, text: str) -> None:
        self._held.append(text)
        self._size += len(text)

    def ready(self, *, alone: bool, is_last: bool) -> str:
        """Return what can be printed now: whole lines, or after 0.5 s a part of one."""
        with self._lock:
            if not self._has_backlog:
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
                or (self._waits_since or 0) + _MAX_WAIT < time.monotonic()
            )
            if rest and not is_due:
                text, kept = text[:whole], rest
            else:
                kept = ""
            self._held = deque([kept]) if kept else deque()
            self._size = len(kept)
            return text


_GAP = "\n[...]\n"


class _Output:
    """A text file, for a terminal without the control sequences that it would obey."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._escaper = LogEscaper() if file.isatty() else None

    def __enter__(self) -> _Output:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # If the output is closed or full, another write would hide the reason.
        if self._escaper is not None and (kind is None or not issubclass(kind, OSError)):
            self._print(self._escaper.finish())

    def write(self, text: str) -> None:
        """Print a part of a log at once."""
        self._print(text if self._escaper is None else self._escaper.escape(text))

    def _print(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()


class _Printer:
    """Prints the lines of several files under their names."""

    def __init__(self, output: _Output, *, with_names: bool) -> None:
        self._output = output
        self._with_names = with_names
        self._current = ""
        self._ends_a_line = True
        self._troubles: dict[str, str] = {}

    def show(self, feed: _FileTail, *, is_last: bool = False) -> None:
        """Print what is ready of a file."""
        if feed.trouble != self._troubles.get(feed.name, ""):
            self._troubles[feed.name] = feed.trouble
            if feed.trouble and not feed.is_over:
                sys.stderr.write(f"{feed.name}: {feed.trouble} It is tried again.\n")
        text = feed.ready(alone=not self._with_names, is_last=is_last)
        if not text:
            return
        if self._with_names and self._current != feed.name:
            line_end = "" if self._ends_a_line else "\n"
            self._output.write(f"{line_end}==> {feed.name} <==\n")
            self._current = feed.name
        self._output.write(text)
        self._ends_a_line = text.endswith("\n")


def _is_final(error: InductivaError | None) -> bool:
    """Return whether a retry would fail, too."""
    return isinstance(error, ConfigurationError)


def _last_lines(task: RemoteTask, name: str, lines: int) -> list[str]:
    info = task.refresh()
    if not task.client.is_local and info.status.is_computing:
        from inductiva_widgets import webrtc
        from inductiva_widgets.webrtc.messages import parse_lines

        request = webrtc.PeerRequest("tail", {"filename": name, "lines": lines, "wait": False})
        found = parse_lines(webrtc.request(task.client, task.id, request))
        return found[-lines:] if lines else []
    with open_text(task, name, max_age=1.0) as file:
        reach = _FIRST_REACH
        while True:
            content = file.read(max(0, file.size - reach), file.size)
            if reach >= min(file.size, _MAX_REACH) or content.count(b"\n") > lines:
                break
            reach *= 4
    text = _end_of(content.decode("utf-8", "replace"), lines)
    return text.removesuffix("\n").split("\n") if text else []


def _end_of(text: str, lines: int) -> str:
    """Return the last lines; a line that is overwritten by carriage returns counts once."""
    if not lines:
        return ""
    parts = text.split("\n")
    count = lines + 1 if not parts[-1] else lines
    return "\n".join(parts[-count:])
