"""Runs one task to its end: ``python -m inductiva_widgets.local.supervisor TASK_FOLDER``.

A process of its own in a session of its own, so that the task goes on when the server is stopped,
killed or started again. It reads ``job.json``, unpacks the input, runs the commands one after
another, packs the output and writes everything that happens into the journal. SIGTERM asks it to
end the task now; what the commands have written so far is still packed.

Needs nothing but the standard library, which keeps the start of a task short.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

from inductiva_widgets.local import archives, processes
from inductiva_widgets.local.journal import JournalWriter, read_from
from inductiva_widgets.local.layout import TaskFolder

# Names of outcomes are status codes of the wire.
SUCCESS = "success"
FAILED = "failed"
KILLED = "killed"
TTL_EXCEEDED = "ttl-exceeded"
EXECUTER_FAILED = "executer-failed"

_KILL_GRACE = 5.0
_STRAGGLER_GRACE = 1.0
_LAST_WORDS = 3
_LINE_LENGTH = 200
_VANISHED = (
    "The process that supervised the task vanished: it was killed, or this machine was restarted. "
    "The output holds what was there."
)


class Outcome(NamedTuple):
    """How a task ended, and why where that needs saying."""

    status: str
    reason: str | None = None


class _Alarm:
    """Wakes a waiting loop at the end of a child and remembers being told to stop."""

    def __init__(self) -> None:
        self.stop = False
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(writer, False)
        # A signal that arrives just before the wait leaves a byte here, so it is never missed.
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_stop)
        # Handlers that do nothing, since the commands would inherit that a signal is ignored.
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)

    def _on_stop(self, *_: object) -> None:
        self.stop = True

    def wait(self, timeout: float | None) -> None:
        select.select([self._reader], [], [], timeout)
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)


class Supervisor:
    """One task from its input archive to its output archive.

    Parameters
    ----------
    folder
        Folder of the task.
    job
        Content of ``job.json``: ``task_id``, ``input``, ``output``, ``sim_dir``, ``run_dir``,
        ``ttl_seconds``, ``env`` (defaults) and ``commands``, each with ``argv``, ``shown``,
        ``prompts`` and ``env``.
    journal
        Where to report.
    """

    def __init__(self, folder: TaskFolder, job: dict[str, Any], journal: JournalWriter) -> None:
        self._folder = folder
        self._job = job
        self._journal = journal
        self._alarm = _Alarm()
        self._deadline: float | None = None
        self._journal.write("supervising", pid=os.getpid())

    def run(self) -> None:
        """Run the task; every way it can end is told in the journal."""
        self._finish(self._guarded(self._compute))

    def salvage(self, group: int | None) -> None:
        """Clear up after a supervisor that vanished: end its commands, keep their output.

        Parameters
        ----------
        group
            Process group of the command that it was running.
        """
        # Where processes show whose they are that is the surer way: a number may be another's now.
        known = None if sys.platform.startswith("linux") else group
        processes.end_all(known, self._job["task_id"], _STRAGGLER_GRACE)
        self._finish(Outcome(EXECUTER_FAILED, _VANISHED))

    def _finish(self, outcome: Outcome) -> None:
        self._journal.write("computation_ended")
        packing = self._guarded(self._archive)
        if packing.status != SUCCESS:
            outcome = packing
        elif self._alarm.stop and outcome.status == SUCCESS:
            outcome = Outcome(KILLED)
        self._journal.write("finished", outcome=outcome.status, reason=outcome.reason)

    def _guarded(self, step: Callable[[], Outcome]) -> Outcome:
        """Run a step; a failure of this machine becomes the outcome of the task."""
        try:
            return step()
        except archives.UnsafeArchiveError as error:
            return Outcome(EXECUTER_FAILED, str(error))
        except zipfile.BadZipFile as error:
            return Outcome(EXECUTER_FAILED, f"The input archive cannot be read: {error}.")
        except OSError as error:
            traceback.print_exc()
            return Outcome(EXECUTER_FAILED, _machine_trouble(error))
        except Exception as error:
            traceback.print_exc()
            return Outcome(EXECUTER_FAILED, f"The supervisor of the task failed: {error!r}.")

    def _compute(self) -> Outcome:
        work = self._folder.work
        work.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        unpacked = archives.unpack(Path(self._job["input"]), work, self._job["sim_dir"])
        self._journal.write(
            "unpacked",
            seconds=time.monotonic() - started,
            files=unpacked.files,
            bytes=unpacked.size,
        )
        for name in ("stdout.txt", "stderr.txt"):
            (work / name).write_bytes(b"")
        if self._job["ttl_seconds"] is not None:
            self._deadline = time.monotonic() + self._job["ttl_seconds"]
        for index, command in enumerate(self._job["commands"]):
            if self._alarm.stop:
                return Outcome(KILLED)
            outcome = self._run_command(index, command)
            if outcome.status != SUCCESS:
                return outcome
        return Outcome(SUCCESS)

    def _run_command(self, index: int, command: dict[str, Any]) -> Outcome:
        work = self._folder.work
        with (
            (work / "stdout.txt").open("ab") as out,
            (work / "stderr.txt").open("ab") as err,
            _standard_input(command["prompts"]) as fed,
        ):
            self._journal.write("command_started", index=index, command=command["shown"])
            try:
                process = subprocess.Popen(  # noqa: S603 - running the user's commands is the job
                    command["argv"],
                    cwd=work / self._job["run_dir"],
                    env=self._environment(command["env"]),
                    stdin=fed,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )
            except OSError as error:
                self._journal.write("command_ended", index=index, exit_code=None)
                cause = f"{error.strerror} ({error.filename})"
                reason = f"The command cannot be started: {cause}: {command['shown']}"
                return Outcome(EXECUTER_FAILED, reason)
            grace = _STRAGGLER_GRACE
            try:
                self._journal.write("command_running", index=index, group=process.pid)
                stopped = self._wait(process)
                if stopped is not None:
                    grace = _KILL_GRACE
            finally:
                # Also when the journal cannot be written: no process stays behind.
                processes.end_all(process.pid, self._job["task_id"], grace, reap=process.poll)
            code = process.wait()
        self._journal.write("command_ended", index=index, exit_code=code)
        if stopped is not None:
            return stopped
        if code == 0:
            return Outcome(SUCCESS)
        return Outcome(FAILED, processes.describe_exit(code, command["shown"]) + self._last_words())

    def _wait(self, process: subprocess.Popen[bytes]) -> Outcome | None:
        """Wait for a command; return why it has to be stopped, None when it ended by itself."""
        while True:
            if self._alarm.stop:
                return Outcome(KILLED)
            if process.poll() is not None:
                return None
            left = None if self._deadline is None else self._deadline - time.monotonic()
            if left is not None and left <= 0:
                limit = self._job["ttl_seconds"]
                return Outcome(
                    TTL_EXCEEDED, f"The task ran longer than its time to live of {limit:g} s."
                )
            self._alarm.wait(left)

    def _environment(self, own: dict[str, str]) -> dict[str, str]:
        merged = {**self._job["env"], **os.environ, **own}
        # The commands are the user's, the key is between client and server.
        merged.pop("INDUCTIVA_API_KEY", None)
        merged[processes.MARKER] = self._job["task_id"]
        return merged

    def _last_words(self) -> str:
        """Return the last lines that the simulator wrote, as they often tell the cause.

        Of stderr.txt, or of stdout.txt where that is empty: some simulators put errors there.
        """
        for name in ("stderr.txt", "stdout.txt"):
            with (self._folder.work / name).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
                lines = file.read().decode("utf-8", "replace").splitlines()
            said = [line.strip() for line in lines if line.strip()]
            if said:
                return "".join(f"\n{line[:_LINE_LENGTH]}" for line in said[-_LAST_WORDS:])
        return ""

    def _archive(self) -> Outcome:
        work, output = self._folder.work, Path(self._job["output"])
        if output.exists():
            # A supervisor before this one got that far; its work folder may be half removed.
            return Outcome(SUCCESS)
        work.mkdir(parents=True, exist_ok=True)
        for name in ("stdout.txt", "stderr.txt"):
            (work / name).touch()
        started = time.monotonic()
        packed = archives.pack(work, output)
        self._journal.write(
            "archived",
            seconds=time.monotonic() - started,
            files=packed.files,
            bytes=packed.size,
            zipped_bytes=packed.zipped_size,
            skipped=packed.skipped,
        )
        # Everything is in the archive now. What cannot be removed takes room, but does no harm.
        shutil.rmtree(work, ignore_errors=True)
        return Outcome(SUCCESS)


def _standard_input(prompts: list[str]) -> contextlib.AbstractContextManager[IO[bytes]]:
    """Return a file with the lines that a command is to read, empty where there are none."""
    if not prompts:
        return open(os.devnull, "rb")  # noqa: PTH123 - os.devnull is no Path
    # A file, since a pipe would make us wait for a command that does not read.
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write("".join(f"{line}\n" for line in prompts).encode())
    file.seek(0)
    return file


def _machine_trouble(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of this machine is full{where}: free some space and run again."
    return f"This machine failed outside the simulator: {error.strerror or error}{where}."


def _last_group(journal: Path) -> int | None:
    events = map(json.loads, read_from(journal, 0)[0])
    groups = [event["group"] for event in events if event["event"] == "command_running"]
    return groups[-1] if groups else None


def main() -> None:
    """Run the task whose folder is the first argument; clear up where another has begun to."""
    folder = TaskFolder(Path(sys.argv[1]))
    job = json.loads(folder.job.read_bytes())
    begun = folder.journal.exists()
    with JournalWriter(folder.journal) as journal:
        supervisor = Supervisor(folder, job, journal)
        if begun:
            supervisor.salvage(_last_group(folder.journal))
        else:
            supervisor.run()


if __name__ == "__main__":
    main()
