"""The embedded server, made to kill itself or a supervisor at a step that has a name.

    python -m tests.integration.server.crashing_server STEP OPTION...

``STEP`` is such as ``before commit submitted`` or ``after spawn``; ``#2`` behind it means the
second time. The options are those of the server. The step that it died at is left in the file
``died-at`` of the data folder, every step that was passed in ``passed``.

A task's first supervisor dies at the step in the file ``supervisor-step``, where there is one: the
steps are its journal's events and the appearance of its archive.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from inductiva_widgets.server import __main__, journal, local_executor, server, supervisor
from inductiva_widgets.server.data_dir import package_root
from inductiva_widgets.server.store import database

_real_kill = os.kill


class Fate:
    """Ends this process as it reaches a step for the n-th time."""

    def __init__(self, step: str, note: Path) -> None:
        self._step, _, times = step.partition("#")
        self._times = int(times or 1)
        self._note = note
        self._seen = Counter[str]()
        self._lock = threading.Lock()

    def reach(self, step: str) -> None:
        with self._lock:
            self._seen[step] += 1
            if step == self._step and self._seen[step] == self._times:
                self._note.write_text(step)
                _real_kill(os.getpid(), signal.SIGKILL)

    def around(self, step: str, action: Any, *arguments: Any, **named: Any) -> Any:
        self.reach(f"before {step}")
        result = action(*arguments, **named)
        self.reach(f"after {step}")
        return result


def _watch_database(fate: Fate) -> None:
    class Connection(sqlite3.Connection):
        doing = "nothing"

        def execute(self, statement: str, parameters: Any = ()) -> sqlite3.Cursor:
            if statement == "BEGIN IMMEDIATE":
                self.doing = "nothing"
            elif statement.startswith(("INSERT INTO tasks", "UPDATE tasks SET")):
                # Its columns are in the order of the table: id, status.
                self.doing = parameters[1]
            elif statement == "COMMIT":
                return fate.around(f"commit {self.doing}", super().execute, statement)
            return super().execute(statement, parameters)

        def executescript(self, script: str) -> sqlite3.Cursor:
            return fate.around("migration", super().executescript, script)

    def connect(path: Path, patience: float) -> sqlite3.Connection:
        return sqlite3.connect(
            path,
            isolation_level=None,
            check_same_thread=False,
            timeout=patience,
            factory=Connection,
        )

    database._connect = connect


def _watch_files(fate: Fate) -> None:
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        return fate.around(f"replace {Path(target).name}", replace, self, target)

    Path.replace = watched


def _watch_processes(fate: Fate, folder: Path) -> None:
    start, kill = local_executor.start_supervisor, os.kill

    def start_one(task: Any) -> subprocess.Popen[bytes]:
        wanted = folder / "supervisor-step"
        if not wanted.exists():
            return fate.around("spawn", start, task)
        return subprocess.Popen(
            [sys.executable, "-m", __spec__.name, "--supervisor", wanted.read_text(), task.root],
            cwd=package_root(),
            start_new_session=True,
        )

    def send(pid: int, number: int) -> None:
        if number == signal.SIGTERM:
            fate.around("signal", kill, pid, number)
        else:
            kill(pid, number)

    local_executor.start_supervisor = start_one
    os.kill = send


def _watch_answers(fate: Fate) -> None:
    build = server.build_app

    def build_watched(*arguments: Any) -> Any:
        inner = build(*arguments)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            name = scope["path"].rpartition("/")[2] if scope["method"] != "GET" else "nothing"

            async def receiver() -> Any:
                message = await receive()
                fate.reach(f"after chunk of {name}")
                return message

            async def sender(message: Any) -> None:
                if message["type"] == "http.response.start":
                    fate.reach(f"before answer to {name}")
                await send(message)

            await inner(scope, receiver, sender)
            fate.reach(f"after answer to {name}")

        return app

    server.build_app = build_watched


def _run_supervisor(step: str, task: Path) -> None:
    note = task / "died-at"
    # The one that is sent after it does not share its fate.
    fate = Fate("" if note.exists() else step, note)
    write = journal.JournalWriter.write

    def watched(self: journal.JournalWriter, event: str, **facts: Any) -> None:
        fate.around(event, write, self, event, **facts)

    journal.JournalWriter.write = watched
    _watch_files(fate)
    sys.argv = ["supervisor", str(task)]
    supervisor.main()


def main() -> int:
    if sys.argv[1] == "--supervisor":
        _run_supervisor(sys.argv[2], Path(sys.argv[3]))
        return 0
    step, options = sys.argv[1], sys.argv[2:]
    folder = Path(options[options.index("--data-dir") + 1])
    folder.mkdir(exist_ok=True)
    fate = Fate(step, folder / "died-at")
    _watch_database(fate)
    _watch_files(fate)
    _watch_processes(fate, folder)
    _watch_answers(fate)
    return __main__.main(options)


if __name__ == "__main__":
    sys.exit(main())
