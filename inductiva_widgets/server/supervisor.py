"""Run one task: ``python -m inductiva_widgets.server.supervisor TASK_FOLDER``.

A process of its own in a session of its own, so that the task goes on when the server is stopped,
killed or started again. It reads ``job.json``, unpacks the input, runs the commands one after
another, packs the output and writes everything that happens into the journal. SIGTERM asks it to
end the task now; what the commands have written so far is still packed.

Needs nothing but the standard library, which keeps the start of a task short.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from inductiva_widgets.formatting import format_bytes
from inductiva_widgets.server import archives, exit_messages, process_tree
from inductiva_widgets.server.containers import Container, ContainerError
from inductiva_widgets.server.data_dir import TaskDir
from inductiva_widgets.server.disk_limits import DiskGuard, DiskLimits, LimitError, folder_size
from inductiva_widgets.server.journal import JournalWriter, read_lines_from
from inductiva_widgets.server.runner import (
    EXECUTER_FAILED,
    FAILED,
    KILL_GRACE,
    KILLED,
    SUCCESS,
    CannotStartError,
    CommandRunner,
    ProcessResult,
    ProcessSpec,
    SignalWaiter,
    TaskOutcome,
    kill_leftovers,
    standard_input,
)

_TEXTS = ("stdout.txt", "stderr.txt")
_PULL_FILES = ("pull.out", "pull.err")
_VANISHED = (
    "The process that supervised the task vanished: it was killed, or this machine was restarted. "
    "The output holds what was there."
)


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

    def __init__(self, folder: TaskDir, job: dict[str, Any], journal: JournalWriter) -> None:
        self._folder = folder
        self._job = job
        self._journal = journal
        self._alarm = SignalWaiter()
        self._guard = DiskGuard(folder.work, DiskLimits())
        self._runner = CommandRunner(self._alarm, job["task_id"], self._guard, folder.seen)
        self._container = self._container_of(job["commands"])
        process_tree.adopt_orphans()
        self._journal.write("supervising", pid=os.getpid())

    def run(self) -> None:
        """Run the task and write its outcome to the journal."""
        self._finish(self._catch_errors(self._compute))

    def recover(self) -> None:
        """Clean up after a supervisor that vanished: kill its commands, keep their output."""
        kill_leftovers(self._job["task_id"], process_tree.read_pids(self._folder.seen))
        if self._container is not None:
            for index in range(len(self._job["commands"])):
                self._container.remove(index)
        self._finish(TaskOutcome(EXECUTER_FAILED, _VANISHED))

    def _finish(self, outcome: TaskOutcome) -> None:
        self._journal.write("computation_ended")
        packing = self._catch_errors(self._archive)
        if packing.status != SUCCESS:
            # Both, where one trouble came of the other.
            before = f"{outcome.reason} " if outcome.status == EXECUTER_FAILED else ""
            outcome = TaskOutcome(packing.status, f"{before}{packing.reason}")
        elif self._alarm.stop_asked() and outcome.status == SUCCESS:
            outcome = TaskOutcome(KILLED)
        for name in (self._folder.seen.name, *_PULL_FILES):
            (self._folder.root / name).unlink(missing_ok=True)
        self._journal.write("finished", outcome=outcome.status, reason=outcome.reason)

    def _catch_errors(self, step: Callable[[], TaskOutcome]) -> TaskOutcome:
        """Run a step; a failure of this machine becomes the outcome of the task."""
        try:
            return step()
        except (archives.UnsafeArchiveError, LimitError) as error:
            return TaskOutcome(EXECUTER_FAILED, str(error))
        except zipfile.BadZipFile as error:
            return TaskOutcome(EXECUTER_FAILED, f"The input archive cannot be read: {error}.")
        except OSError as error:
            traceback.print_exc()
            return TaskOutcome(EXECUTER_FAILED, exit_messages.describe_os_error(error))
        except Exception as error:
            traceback.print_exc()
            return TaskOutcome(EXECUTER_FAILED, f"The supervisor of the task failed: {error!r}.")

    def _compute(self) -> TaskOutcome:
        work = self._folder.work
        self._guard = DiskGuard(work, DiskLimits.from_environment())
        self._runner = CommandRunner(
            self._alarm, self._job["task_id"], self._guard, self._folder.seen
        )
        work.mkdir(parents=True, exist_ok=True)
        try:
            image_seconds = self._fetch_image()
        except ContainerError as error:
            # Why the image is needed at all comes first.
            note = self._job["commands"][0].get("note")
            return TaskOutcome(EXECUTER_FAILED, f"{note} {error}" if note else str(error))
        if self._alarm.stop_asked():
            return TaskOutcome(KILLED)
        source = Path(self._job["input"])
        if reason := self._guard.reason_no_space(
            archives.extracted_size(source, self._job["sim_dir"])
        ):
            return TaskOutcome(EXECUTER_FAILED, reason)
        started = time.monotonic()
        unpacked = archives.extract_archive(source, work, self._job["sim_dir"])
        self._journal.write(
            "unpacked",
            seconds=time.monotonic() - started,
            files=unpacked.files,
            bytes=unpacked.size,
            image_seconds=image_seconds,
        )
        for name in _TEXTS:
            (work / name).write_bytes(b"")
        self._runner.limit_time(self._job["ttl_seconds"])
        for index, command in enumerate(self._job["commands"]):
            if self._alarm.stop_asked():
                return TaskOutcome(KILLED)
            outcome = self._run_command(index, command)
            if outcome.status != SUCCESS:
                return outcome
        return TaskOutcome(SUCCESS)

    def _run_command(self, index: int, command: dict[str, Any]) -> TaskOutcome:
        work = self._folder.work
        with (
            (work / "stdout.txt").open("ab") as out,
            (work / "stderr.txt").open("ab", buffering=0) as err,
            standard_input(command["prompts"]) as fed,
        ):
            if note := command.get("note"):
                err.write(f"{note}\n".encode())
            self._journal.write("command_started", index=index, command=command["shown"])
            try:
                ended = self._runner.run(
                    self._started(index, command, (fed, out, err)),
                    lambda group: self._journal.write("command_running", index=index, group=group),
                    lambda has_ended: self._end_container(index, has_ended),
                )
            except CannotStartError as error:
                self._journal.write("command_ended", index=index, exit_code=None)
                reason = exit_messages.cannot_start(error.cause, command["shown"])
                return TaskOutcome(EXECUTER_FAILED, reason)
        # An engine's own process uses next to nothing, whatever its container does.
        usage = {} if self._container else ended.usage
        self._journal.write("command_ended", index=index, exit_code=ended.code, usage=usage)
        if self._container is not None and ended.code != 0:
            self._container.remove(index)
        return ended.stopped or self._outcome(ended, command["shown"])

    def _outcome(self, ended: ProcessResult, shown: str) -> TaskOutcome:
        if ended.code == 0:
            return TaskOutcome(SUCCESS)
        said = exit_messages.describe_exit(
            ended.code,
            shown,
            ran_out_of_memory=ended.ran_out_of_memory,
            in_container=self._container is not None,
        )
        return TaskOutcome(FAILED, said + exit_messages.output_tail(self._folder.work))

    def _started(
        self, index: int, command: dict[str, Any], streams: tuple[IO[bytes], IO[bytes], IO[bytes]]
    ) -> ProcessSpec:
        work, own = self._folder.work, command["env"]
        if self._container is None:
            environment = self._environment(own)
            return ProcessSpec(command["argv"], work / self._job["run_dir"], environment, *streams)
        argv = self._container.argv(
            index,
            command["argv"],
            self._job["run_dir"],
            {**self._job["env"], **own},
            reads=bool(command["prompts"]),
        )
        return ProcessSpec(argv, work, self._environment({}), *streams)

    # Containers ----------------------------------------------------------------------------------

    def _container_of(self, commands: list[dict[str, Any]]) -> Container | None:
        first = commands[0] if commands else {}
        if not first.get("image"):
            return None
        return Container(first["engine"], first["image"], self._job["task_id"], self._folder.work)

    def _fetch_image(self) -> float | None:
        """Have the image of the task at hand; return how long that took, None if it was there."""
        if self._container is None or self._container.probe():
            return None
        began = time.monotonic()
        printed, said = (self._folder.root / name for name in _PULL_FILES)
        with printed.open("wb") as out, said.open("wb") as err, standard_input([]) as fed:
            command = self._container.pull()
            started = ProcessSpec(command, self._folder.root, self._environment({}), fed, out, err)
            try:
                ended = self._runner.run(started, lambda _: None)
            except CannotStartError as error:
                raise ContainerError(exit_messages.describe_os_error(error.cause)) from error
        if ended.stopped is not None and ended.stopped.reason:
            raise ContainerError(ended.stopped.reason)
        if ended.stopped is None and ended.code != 0:
            why = "".join(exit_messages.last_lines(said, 1)) or f"exit code {ended.code}"
            raise ContainerError(
                f"The container image {self._container.image} cannot be had: {why}"
            )
        self._container.parse_pull_output(exit_messages.last_lines(printed, 1))
        return time.monotonic() - began

    def _end_container(self, index: int, has_ended: Callable[[], bool]) -> None:
        if self._container is not None:
            self._container.stop(index, KILL_GRACE, has_ended)

    # Environment and output ----------------------------------------------------------------------

    def _environment(self, own: dict[str, str]) -> dict[str, str]:
        merged = {**self._job["env"], **os.environ, **own}
        # The commands are the user's, the key is between client and server.
        merged.pop("INDUCTIVA_API_KEY", None)
        merged[process_tree.MARKER] = self._job["task_id"]
        return merged

    def _archive(self) -> TaskOutcome:
        work, output = self._folder.work, Path(self._job["output"])
        if output.exists():
            # A supervisor before this one got that far; its work folder may be half removed.
            if not any(
                b'"archived"' in line for line in read_lines_from(self._folder.journal, 0)[0]
            ):
                self._report_archived(archives.describe_archive(output), 0.0)
            return TaskOutcome(SUCCESS)
        work.mkdir(parents=True, exist_ok=True)
        for name in _TEXTS:
            (work / name).touch()
        started, kept = time.monotonic(), None
        try:
            packed, left = archives.create_archive(work, output, self._guard.can_archive), 0
        except archives.NoRoomError:
            # What was computed is not thrown away: moved from where it would be taken for packed.
            kept = work.replace(self._folder.root / "kept")
            packed, left = archives.create_archive(kept, output, only=_TEXTS), folder_size(kept)
        self._report_archived(packed, time.monotonic() - started)
        if kept is not None:
            return TaskOutcome(
                EXECUTER_FAILED,
                "The disk of this machine has no room for the output archive: it holds "
                f"{' and '.join(_TEXTS)} only, the files themselves ({format_bytes(left)}) stay "
                f"in {kept}.",
            )
        # Everything is in the archive now. What cannot be removed takes room, but does no harm.
        shutil.rmtree(work, ignore_errors=True)
        return TaskOutcome(SUCCESS)

    def _report_archived(self, packed: archives.CreatedArchive, seconds: float) -> None:
        self._journal.write(
            "archived",
            seconds=seconds,
            files=packed.files,
            bytes=packed.size,
            zipped_bytes=packed.zipped_size,
            skipped=packed.skipped,
        )


def main() -> None:
    """Run the task whose folder is the first argument; clear up where another has begun to."""
    folder = TaskDir(Path(sys.argv[1]))
    job = json.loads(folder.job.read_bytes())
    begun = folder.journal.exists()
    with JournalWriter(folder.journal) as journal:
        supervisor = Supervisor(folder, job, journal)
        if begun:
            supervisor.recover()
        else:
            supervisor.run()


if __name__ == "__main__":
    main()
