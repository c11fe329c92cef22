"""Check what a submission asks to run, and prepare the task folder of its supervisor."""

from __future__ import annotations

import posixpath
import shlex
import shutil
from pathlib import Path

import msgspec
from msgspec.structs import replace

from inductiva_widgets._atomic import remove_temp_files, write_atomically
from inductiva_widgets.models.tasks import CommandSpec, TaskMetrics, TaskSubmission
from inductiva_widgets.server import archives
from inductiva_widgets.server.command_resolver import RequestedCommand, RunSpec
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.disk_limits import DiskGuard, DiskLimits
from inductiva_widgets.server.errors import BadRequestError
from inductiva_widgets.server.journal import JournalWriter
from inductiva_widgets.server.runner import TaskOutcome
from inductiva_widgets.server.schemas.base import encode
from inductiva_widgets.server.schemas.tasks import ExtraParams
from inductiva_widgets.server.storage_service import INPUT, OUTPUT
from inductiva_widgets.server.store.records import TaskRecord
from inductiva_widgets.server.task_end import TaskEnd
from inductiva_widgets.status import Status

# Seconds that packing may take without a supervisor: no other task is started or killed until then.
_ABANDONED_TIMEOUT = 15.0


def read_run_spec(submission: TaskSubmission) -> RunSpec:
    """Return the commands of a submission, without looking up programs.

    Raises
    ------
    BadRequestError
        The submission has no valid commands.
    """
    try:
        extra = msgspec.convert(submission.extra_params or {}, ExtraParams)
    except msgspec.ValidationError as error:
        raise BadRequestError(f"The extra_params cannot be used: {error}.") from None
    return RunSpec(
        commands=[_requested(command) for command in extra.commands],
        sim_dir=_single_folder(extra.sim_dir),
        run_dir=_inner_folder(extra.run_subprocess_dir or "."),
        image=None if submission.simulator_name_alias else submission.container_image,
    )


def _requested(command: CommandSpec) -> RequestedCommand:
    try:
        words = shlex.split(command.cmd)
    except ValueError as error:
        raise BadRequestError(f"The command {command.cmd!r} cannot be read: {error}.") from None
    if not words:
        raise BadRequestError("The submission has an empty command.")
    if "\0" in command.cmd:
        raise BadRequestError(
            f"A command must not contain a null character, got {command.cmd!r}. Remove it."
        )
    for name, value in command.env.items():
        if not name or "=" in name or "\0" in name:
            raise BadRequestError(
                "The name of an environment variable must not be empty or contain = or a null "
                f"character, got {name!r}. Rename it."
            )
        if "\0" in value:
            raise BadRequestError(
                "The value of an environment variable must not contain a null character, got "
                f"{value!r} for {name}. Remove it."
            )
    options = command.mpi_config.options if command.mpi_config else None
    return RequestedCommand(command.cmd, command.prompts, command.env, options)


def _single_folder(name: str) -> str:
    if not name or name in (".", "..") or set(name) & set("/\\\0"):
        raise BadRequestError(f"sim_dir has to be the name of one folder, not {name!r}.")
    return name


def _inner_folder(name: str) -> str:
    folder = posixpath.normpath(name)
    if folder.startswith(("/", "..")) or "\0" in folder:
        raise BadRequestError(
            f"run_subprocess_dir has to be inside the input folder, not {name!r}."
        )
    return folder


def write_job_file(
    data: DataDir, record: TaskRecord, tasks_per_machine: int, machines: int = 1
) -> None:
    """Write ``job.json``, which the supervisor of a task reads first.

    Parameters
    ----------
    data
        The data folder.
    record
        The task.
    tasks_per_machine
        Maximum number of tasks that share the machine.
    machines
        Number of machines that run the task together.
    """
    spec = read_run_spec(record.submission)
    folder = data.task(record.info.task_id)
    folder.root.mkdir(parents=True, exist_ok=True)
    # A killed server may have left a stop file.
    remove_temp_files(folder.root)
    job = {
        "task_id": record.info.task_id,
        "input": str(input_of(data, record)),
        "output": str(output_of(data, record)),
        "sim_dir": spec.sim_dir,
        "run_dir": spec.run_dir,
        "image": spec.image,
        "commands": [command._asdict() for command in spec.commands],
        "ttl_seconds": record.submission.time_to_live_seconds,
        "tasks_per_machine": tasks_per_machine,
        "machine_group": record.info.machine_group_name,
        "machines": machines,
    }
    write_atomically(folder.job, encode(job))


def archive_failure_output(data: DataDir, record: TaskRecord, reason: str) -> TaskMetrics:
    """Write the output of a task that cannot be started, and return the task's new metrics.

    Clients read stdout.txt and stderr.txt of every failed task.
    """
    folder = data.task(record.info.task_id)
    folder.work.mkdir(parents=True, exist_ok=True)
    (folder.work / "stdout.txt").touch()
    (folder.work / "stderr.txt").write_text(reason + "\n", encoding="utf-8")
    packed = archives.create_archive(folder.work, output_of(data, record))
    shutil.rmtree(folder.work, ignore_errors=True)
    return replace(
        record.info.metrics or TaskMetrics(),
        output_size_bytes=packed.size,
        output_zipped_size_bytes=packed.zipped_size,
        output_total_files=packed.files,
    )


def end_abandoned(data: DataDir, record: TaskRecord, reason: str) -> None:
    """Pack the output of a task without a supervisor, and report its end to its journal."""
    folder = data.task(record.info.task_id)
    folder.root.mkdir(parents=True, exist_ok=True)
    guard = DiskGuard(folder.root, DiskLimits())
    with JournalWriter(folder.journal) as journal:
        end = TaskEnd(
            folder,
            output_of(data, record),
            journal,
            guard,
            lambda: True,
            pack_timeout=_ABANDONED_TIMEOUT,
        )
        outcome = end.pack(TaskOutcome(Status.EXECUTER_FAILED, reason))
        journal.write("finished", outcome=outcome.status, reason=outcome.reason)


def input_of(data: DataDir, record: TaskRecord) -> Path:
    """Return the path of a task's input archive."""
    return data.storage / (record.info.storage_path or "") / INPUT


def output_of(data: DataDir, record: TaskRecord) -> Path:
    """Return the path of a task's output archive."""
    return data.storage / (record.info.storage_path or "") / OUTPUT


def clear_up(data: DataDir, record: TaskRecord) -> None:
    """Remove the files of a finished task that a killed supervisor has left."""
    output = output_of(data, record)
    task_dir = data.task(record.info.task_id)
    remove_temp_files(task_dir.root)
    archives.partial_archive(output).unlink(missing_ok=True)
    if output.exists():
        # The archive has all files.
        shutil.rmtree(task_dir.work, ignore_errors=True)
