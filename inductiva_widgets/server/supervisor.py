"""Run one task: ``python -m inductiva_widgets.server.supervisor TASK_FOLDER``.

Runs as a process in a session of its own, so that the task continues if the server is stopped,
killed or restarted. It reads ``job.json``, looks up the programs, unpacks the input, runs the
commands in order, packs the output, and writes each event to the journal. SIGTERM, or a file named
``stop`` in the task's folder, kills the task; the output so far is still packed.

The supervisor and the server share only the task's folder and the storage, so they may run on
different machines. It imports only the standard library, so that tasks start quickly.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from inductiva_widgets.server import archives, exit_messages, process_tree
from inductiva_widgets.server.command_resolver import (
    RequestedCommand,
    ResolvedCommand,
    RunSpec,
    resolve_commands,
)
from inductiva_widgets.server.containers import Container, ContainerError
from inductiva_widgets.server.data_dir import TaskDir
from inductiva_widgets.server.disk_limits import DiskGuard, DiskLimits
from inductiva_widgets.server.journal import JournalWriter, read_lines_from
from inductiva_widgets.server.machine_facts import read_machine_facts, thread_environment
from inductiva_widgets.server.runner import (
    KILL_GRACE,
    CannotStartError,
    CommandRunner,
    ProcessResult,
    ProcessSpec,
    SignalWaiter,
    TaskOutcome,
    kill_leftovers,
    standard_input,
)
from inductiva_widgets.server.task_end import TEXTS, TaskEnd, catch_errors, restore_work
from inductiva_widgets.status import Status

_PULL_FILES = ("pull.out", "pull.err")
_VANISHED = (
    "The process that supervised the task vanished: it was killed, or this machine was restarted. "
    "The output holds what was there."
)


class Supervisor:
    """Runs one task, from its input archive to its output archive.

    Parameters
    ----------
    folder
        Folder of the task.
    job
        Content of ``job.json``, see ``job_setup.write_job_file``.
    journal
        The journal of the task.
    """

    def __init__(self, folder: TaskDir, job: dict[str, Any], journal: JournalWriter) -> None:
        self._folder = folder
        self._job = job
        self._journal = journal
        self._alarm = SignalWaiter(folder.stop)
        self._guard = DiskGuard(folder.work, DiskLimits())
        self._runner = CommandRunner(self._alarm, job["task_id"], self._guard, folder.seen)
        self._container: Container | None = None
        self._defaults: dict[str, str] = {}
        process_tree.adopt_orphans()
        machine = read_machine_facts()._asdict()
        self._journal.write("supervising", pid=os.getpid(), machine=machine)

    def run(self) -> None:
        """Run the task and write its outcome to the journal."""
        self._finish(catch_errors(self._compute))

    def recover(self) -> None:
        """Clean up after a supervisor that vanished: kill its commands, keep their output."""
        kill_leftovers(self._job["task_id"], process_tree.read_pids(self._folder.seen))
        self._remove_containers()
        self._finish(TaskOutcome(Status.EXECUTER_FAILED, _VANISHED))

    def _finish(self, outcome: TaskOutcome) -> None:
        end = TaskEnd(
            self._folder,
            Path(self._job["output"]),
            self._journal,
            self._guard,
            self._alarm.stop_asked,
        )
        outcome = end.pack(outcome)
        for name in (self._folder.seen.name, self._folder.stop.name, *_PULL_FILES):
            (self._folder.root / name).unlink(missing_ok=True)
        self._journal.write("finished", outcome=outcome.status, reason=outcome.reason)

    def _compute(self) -> TaskOutcome:
        work = self._folder.work
        self._guard = DiskGuard(work, DiskLimits.from_environment())
        self._runner = CommandRunner(
            self._alarm, self._job["task_id"], self._guard, self._folder.seen
        )
        work.mkdir(parents=True, exist_ok=True)
        if self._alarm.stop_asked():
            return TaskOutcome(Status.KILLED)
        commands = self._resolve()
        try:
            image_seconds = self._fetch_image()
        except ContainerError as error:
            # The note says why the image is needed.
            note = commands[0].note
            return TaskOutcome(Status.EXECUTER_FAILED, f"{note} {error}" if note else str(error))
        if self._alarm.stop_asked():
            return TaskOutcome(Status.KILLED)
        source = Path(self._job["input"])
        if reason := self._guard.reason_no_space(
            archives.extracted_size(source, self._job["sim_dir"])
        ):
            return TaskOutcome(Status.EXECUTER_FAILED, reason)
        started = time.monotonic()
        unpacked = archives.extract_archive(
            source, work, self._job["sim_dir"], self._alarm.raise_if_stopped
        )
        self._journal.write(
            "unpacked",
            seconds=time.monotonic() - started,
            files=unpacked.files,
            bytes=unpacked.size,
            image_seconds=image_seconds,
        )
        for name in TEXTS:
            (work / name).write_bytes(b"")
        return self._run_commands(commands)

    def _run_commands(self, commands: list[ResolvedCommand]) -> TaskOutcome:
        self._runner.limit_time(self._job["ttl_seconds"])
        for index, command in enumerate(commands):
            if self._alarm.stop_asked():
                return TaskOutcome(Status.KILLED)
            outcome = self._run_command(index, command)
            if outcome.status != Status.SUCCESS:
                return outcome
        return TaskOutcome(Status.SUCCESS)

    def _resolve(self) -> list[ResolvedCommand]:
        """Look up the programs of the task, and write them to the journal.

        Raises
        ------
        ProgramNotFoundError
            This machine lacks a program of the task.
        """
        job = self._job
        spec = RunSpec(
            commands=[RequestedCommand(**command) for command in job["commands"]],
            sim_dir=job["sim_dir"],
            run_dir=job["run_dir"],
            image=job["image"],
        )
        with zipfile.ZipFile(job["input"]) as archive:
            members = archives.members_below(archive, spec.sim_dir)
            names = {path.as_posix() for info, path in members if not info.is_dir()}
        commands = resolve_commands(spec, names)
        self._defaults = thread_environment(job["tasks_per_machine"])
        image, engine = commands[0].image, commands[0].engine
        if image is not None and engine is not None:
            self._container = Container(engine, image, job["task_id"], self._folder.work)
        self._journal.write(
            "resolved",
            commands=[command.argv for command in commands],
            env=self._defaults,
            image=image,
            engine=engine,
        )
        return commands

    def _run_command(self, index: int, command: ResolvedCommand) -> TaskOutcome:
        work = self._folder.work
        with (
            (work / "stdout.txt").open("ab") as out,
            (work / "stderr.txt").open("ab", buffering=0) as err,
            standard_input(command.prompts) as stdin,
        ):
            if command.note:
                err.write(f"{command.note}\n".encode())
            self._journal.write(
                "command_started", index=index, command=command.shown, program=command.argv[0]
            )
            try:
                ended = self._runner.run(
                    self._process_spec(index, command, (stdin, out, err)),
                    lambda group: self._journal.write("command_running", index=index, group=group),
                    lambda has_ended: self._end_container(index, has_ended),
                )
            except CannotStartError as error:
                self._journal.write("command_ended", index=index, exit_code=None)
                reason = exit_messages.cannot_start(error.cause, command.shown)
                return TaskOutcome(Status.EXECUTER_FAILED, reason)
        # The usage of the engine's client process says nothing about the container.
        usage = {} if self._container else ended.usage
        self._journal.write("command_ended", index=index, exit_code=ended.code, usage=usage)
        if self._container is not None and ended.code != 0:
            self._container.remove(index)
        was_replaced = restore_work(work)
        if ended.stopped is not None:
            return ended.stopped
        if was_replaced:
            return TaskOutcome(
                Status.FAILED,
                f"The command replaced the working folder of its task by a link: {command.shown}\n"
                "Write results into the folder itself: the target of the link is not packed.",
            )
        return self._outcome(ended, command.shown)

    def _outcome(self, ended: ProcessResult, shown: str) -> TaskOutcome:
        if ended.code == 0:
            return TaskOutcome(Status.SUCCESS)
        reason = exit_messages.describe_exit(
            ended.code,
            shown,
            ran_out_of_memory=ended.ran_out_of_memory,
            in_container=self._container is not None,
        )
        return TaskOutcome(Status.FAILED, reason + exit_messages.output_tail(self._folder.work))

    def _process_spec(
        self, index: int, command: ResolvedCommand, streams: tuple[IO[bytes], IO[bytes], IO[bytes]]
    ) -> ProcessSpec:
        work, own = self._folder.work, command.env
        if self._container is None:
            environment = self._environment(own)
            return ProcessSpec(command.argv, work / self._job["run_dir"], environment, *streams)
        argv = self._container.argv(
            index,
            command.argv,
            self._job["run_dir"],
            {**self._defaults, **own},
            reads=bool(command.prompts),
        )
        return ProcessSpec(argv, work, self._environment({}), *streams)

    # Containers ----------------------------------------------------------------------------------

    def _remove_containers(self) -> None:
        """Remove the containers that an earlier supervisor has started."""
        for line in read_lines_from(self._folder.journal, 0)[0]:
            # The last line may be incomplete.
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if event.get("event") == "resolved" and event["engine"]:
                    container = Container(
                        event["engine"], event["image"], self._job["task_id"], self._folder.work
                    )
                    for index in range(len(event["commands"])):
                        container.remove(index)

    def _fetch_image(self) -> float | None:
        """Pull the image of the task; return the duration in seconds, or None without a pull."""
        if self._container is None or self._container.probe():
            return None
        began = time.monotonic()
        stdout, stderr = (self._folder.root / name for name in _PULL_FILES)
        with stdout.open("wb") as out, stderr.open("wb") as err, standard_input([]) as stdin:
            command = self._container.pull()
            spec = ProcessSpec(command, self._folder.root, self._environment({}), stdin, out, err)
            try:
                ended = self._runner.run(spec, lambda _: None)
            except CannotStartError as error:
                raise ContainerError(exit_messages.describe_os_error(error.cause)) from error
        if ended.stopped is not None and ended.stopped.reason:
            raise ContainerError(ended.stopped.reason)
        if ended.stopped is None and ended.code != 0:
            why = "".join(exit_messages.last_lines(stderr, 1)) or f"exit code {ended.code}"
            raise ContainerError(
                f"The container image {self._container.image} cannot be pulled: {why}"
            )
        self._container.parse_pull_output(exit_messages.last_lines(stdout, 1))
        return time.monotonic() - began

    def _end_container(self, index: int, has_ended: Callable[[], bool]) -> None:
        if self._container is not None:
            self._container.stop(index, KILL_GRACE, has_ended)

    # Environment ----------------------------------------------------------------------------------

    def _environment(self, own: dict[str, str]) -> dict[str, str]:
        merged = {**self._defaults, **os.environ, **own}
        # The key is for clients of the server, not for the commands.
        merged.pop("INDUCTIVA_API_KEY", None)
        merged[process_tree.MARKER] = self._job["task_id"]
        return merged


def main() -> None:
    """Run the task whose folder is the first argument, or clean up if its journal has begun."""
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
