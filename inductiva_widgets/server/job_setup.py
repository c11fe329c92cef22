"""Write the job file of a task, or its output if it cannot be started."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from msgspec.structs import replace

from inductiva_widgets._atomic import remove_temp_files, write_atomically
from inductiva_widgets.models.tasks import TaskMetrics
from inductiva_widgets.server import archives, machine_info
from inductiva_widgets.server.command_resolver import SubmissionSpec, resolve_commands
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.schemas.base import encode
from inductiva_widgets.server.storage_service import INPUT, OUTPUT
from inductiva_widgets.server.store.records import TaskRecord


def write_job_file(data: DataDir, record: TaskRecord, capacity: int) -> None:
    """Write what the supervisor of a task reads first.

    Parameters
    ----------
    data
        The data folder.
    record
        The task.
    capacity
        How many tasks run at a time.

    Raises
    ------
    ProgramNotFoundError
        This machine lacks a program of the task.
    UnsafeArchiveError
        The input must not be unpacked.
    """
    recipe = SubmissionSpec.from_submission(record.submission)
    with zipfile.ZipFile(input_of(data, record)) as archive:
        members = archives.members_below(archive, recipe.sim_dir)
        names = {path.as_posix() for info, path in members if not info.is_dir()}
    folder = data.task(record.info.task_id)
    folder.root.mkdir(parents=True, exist_ok=True)
    # A server that was killed below leaves one.
    remove_temp_files(folder.root)
    job = {
        "task_id": record.info.task_id,
        "input": str(input_of(data, record)),
        "output": str(output_of(data, record)),
        "sim_dir": recipe.sim_dir,
        "run_dir": recipe.run_dir,
        "ttl_seconds": record.submission.time_to_live_seconds,
        "env": machine_info.default_environment(capacity),
        "commands": resolve_commands(recipe, names),
    }
    write_atomically(folder.job, encode(job))


def archive_failure_output(data: DataDir, record: TaskRecord, reason: str) -> TaskMetrics:
    """Leave the output of a task that cannot be started, and return the task's new metrics.

    Clients read the two text files of whatever has failed.
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


def input_of(data: DataDir, record: TaskRecord) -> Path:
    """Return the place of a task's input archive."""
    return data.storage / (record.info.storage_path or "") / INPUT


def output_of(data: DataDir, record: TaskRecord) -> Path:
    """Return the place of a task's output archive."""
    return data.storage / (record.info.storage_path or "") / OUTPUT


def clear_up(data: DataDir, record: TaskRecord) -> None:
    """Remove the files that a killed supervisor has left of a finished task."""
    output = output_of(data, record)
    task_dir = data.task(record.info.task_id)
    remove_temp_files(task_dir.root)
    archives.partial_archive(output).unlink(missing_ok=True)
    if output.exists():
        # All of it is in the archive.
        shutil.rmtree(task_dir.work, ignore_errors=True)
