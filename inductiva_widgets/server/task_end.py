"""The end of a task: pack its output, in limited time if the task was asked to end.

The supervisor does it, or the server if no supervisor can. Imports only the standard library, since
the supervisor uses it.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path

from inductiva_widgets.formatting import format_bytes
from inductiva_widgets.server import archives, exit_messages
from inductiva_widgets.server.data_dir import TaskDir
from inductiva_widgets.server.disk_limits import DiskGuard, LimitError, folder_size
from inductiva_widgets.server.journal import JournalWriter, read_lines_from
from inductiva_widgets.server.program_lookup import ProgramNotFoundError
from inductiva_widgets.server.runner import StopAskedError, TaskOutcome
from inductiva_widgets.status import Status

TEXTS = ("stdout.txt", "stderr.txt")

PACK_TIMEOUT = 60.0
"""Seconds that packing may take once the task has been asked to end: some gigabytes."""


class _PackTimeoutError(Exception):
    """Packing took too long after the task was asked to end."""


def catch_errors(step: Callable[[], TaskOutcome]) -> TaskOutcome:
    """Run a step, and convert an exception to the outcome of the task."""
    try:
        return step()
    except StopAskedError:
        return TaskOutcome(Status.KILLED)
    except (archives.UnsafeArchiveError, LimitError, ProgramNotFoundError) as error:
        return TaskOutcome(Status.EXECUTER_FAILED, str(error))
    except zipfile.BadZipFile as error:
        return TaskOutcome(Status.EXECUTER_FAILED, f"The input archive cannot be read: {error}.")
    except OSError as error:
        traceback.print_exc()
        return TaskOutcome(Status.EXECUTER_FAILED, exit_messages.describe_os_error(error))
    except Exception as error:
        traceback.print_exc()
        return TaskOutcome(Status.EXECUTER_FAILED, f"The supervisor of the task failed: {error!r}.")


def restore_work(work: Path) -> bool:
    """Replace a link at the place of the working folder, and return whether there was one.

    The target may have any files, which must not be packed, changed or removed.
    """
    if not work.is_symlink():
        return False
    work.unlink()
    work.mkdir()
    return True


class TaskEnd:
    """Packs the output of a task.

    Parameters
    ----------
    folder
        Folder of the task, whose commands have ended.
    output
        The output archive to create.
    journal
        The journal of the task.
    guard
        Checks the limits of the disk.
    stop_asked
        Returns whether the task has been asked to end; packing is limited in time then.
    pack_timeout
        Seconds that packing may take then.
    """

    def __init__(
        self,
        folder: TaskDir,
        output: Path,
        journal: JournalWriter,
        guard: DiskGuard,
        stop_asked: Callable[[], bool],
        *,
        pack_timeout: float = PACK_TIMEOUT,
    ) -> None:
        self._folder = folder
        self._output = output
        self._journal = journal
        self._guard = guard
        self._stop_asked = stop_asked
        self._pack_timeout = pack_timeout
        self._deadline: float | None = None

    def pack(self, outcome: TaskOutcome) -> TaskOutcome:
        """Pack the output, and return the outcome, which also depends on the packing."""
        self._journal.write("computation_ended")
        packing = catch_errors(lambda: self._pack(outcome.reason))
        if packing.status == Status.KILLED:
            return packing
        if packing.status != Status.SUCCESS:
            # Report both errors, since they may be related.
            before = f"{outcome.reason} " if outcome.status == Status.EXECUTER_FAILED else ""
            return TaskOutcome(packing.status, f"{before}{packing.reason}")
        if self._stop_asked() and outcome.status == Status.SUCCESS:
            return TaskOutcome(Status.KILLED)
        return outcome

    def _explain(self, reason: str) -> None:
        """Write the reason to stderr.txt, for a task that failed before its commands."""
        stderr = self._folder.work / "stderr.txt"
        # If the disk is full, the reason already says so.
        with contextlib.suppress(OSError):
            if not stderr.exists():
                stderr.write_text(f"{reason}\n", encoding="utf-8")

    def _pack(self, reason: str | None) -> TaskOutcome:
        work, kept = self._folder.work, self._folder.root / "kept"
        if self._output.exists():
            # An earlier supervisor made the archive, and may have removed a part of the folder.
            if not any(
                b'"archived"' in line for line in read_lines_from(self._folder.journal, 0)[0]
            ):
                self._report_archived(archives.describe_archive(self._output), 0.0)
            return TaskOutcome(Status.SUCCESS)
        started = time.monotonic()
        if kept.exists():
            # An earlier supervisor moved the results, and vanished before it packed the texts.
            return self._pack_texts(kept, "The output could not be packed", started)
        restore_work(work)
        work.mkdir(parents=True, exist_ok=True)
        if reason:
            self._explain(reason)
        for name in TEXTS:
            (work / name).touch()
        try:
            packed = archives.create_archive(work, self._output, self._check)
        except archives.NoRoomError:
            why = "The disk of this machine has no room for the output archive"
        except _PackTimeoutError:
            why = f"Packing took longer than {self._pack_timeout:g} s after the task was stopped"
        else:
            self._report_archived(packed, time.monotonic() - started)
            # Files that cannot be removed only take space: the archive is complete.
            shutil.rmtree(work, ignore_errors=True)
            return TaskOutcome(Status.SUCCESS)
        # Move the results: once there is an archive, the work folder counts as packed.
        return self._pack_texts(work.replace(kept), why, started)

    def _pack_texts(self, kept: Path, why: str, started: float) -> TaskOutcome:
        is_stopped, self._deadline = self._deadline is not None, None
        content = " and ".join(TEXTS)
        try:
            packed = archives.create_archive(kept, self._output, self._check_time, only=TEXTS)
        except _PackTimeoutError:
            content = "no file"
            packed = archives.create_archive(kept, self._output, only=())
        self._report_archived(packed, time.monotonic() - started)
        return TaskOutcome(
            Status.KILLED if is_stopped else Status.EXECUTER_FAILED,
            f"{why}: the archive holds {content} only, the files themselves "
            f"({format_bytes(folder_size(kept))}) stay in {kept}.",
        )

    def _check(self) -> None:
        if not self._guard.can_archive():
            raise archives.NoRoomError(errno.ENOSPC, "no room for the archive")
        self._check_time()

    def _check_time(self) -> None:
        if self._deadline is not None:
            if time.monotonic() > self._deadline:
                raise _PackTimeoutError
        elif self._stop_asked():
            self._deadline = time.monotonic() + self._pack_timeout

    def _report_archived(self, packed: archives.CreatedArchive, seconds: float) -> None:
        self._journal.write(
            "archived",
            seconds=seconds,
            files=packed.files,
            bytes=packed.size,
            zipped_bytes=packed.zipped_size,
            skipped=packed.skipped,
        )
