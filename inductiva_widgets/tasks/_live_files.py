"""The files of a running task: their last lines, what there is, what its machine does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from inductiva_widgets import _kernel
from inductiva_widgets.errors import InputError, NotFoundError, TaskError
from inductiva_widgets.models.tasks import WorkingFile
from inductiva_widgets.status import Status
from inductiva_widgets.tasks._files import TaskFiles
from inductiva_widgets.tasks.working_files import ModifiedFile, RawText, WorkingFiles

if TYPE_CHECKING:
    from inductiva_widgets.models.tasks import TaskInfo

_PERIOD = 1.0
# Nothing can have been printed yet.
_BEFORE = (Status.PENDING_INPUT, Status.SUBMITTED, Status.STARTED)


class LiveFiles(TaskFiles):
    """A task's files while it runs; base of ``inductiva_widgets.tasks.Task``.

    They come from the machine that computes the task: from the embedded server over HTTP, on the
    cloud by WebRTC, which needs ``pip install "inductiva-widgets[live]"``. All who read files of a
    task share one connection.
    """

    def tail_files(
        self,
        filenames: Iterable[str] = ("stdout.txt", "stderr.txt"),
        lines: int = 10,
        follow: bool = False,
        wait: bool = False,
    ) -> None:
        """Print the last lines of files, while the task runs or once it has ended.

        An interrupt ends it at once, and a later call works again. With ``follow``, of several
        files each gets whole lines under its name. Costs a few requests a file; with ``follow`` one
        or two a second on the embedded server, on the cloud three for the connection and one every
        few seconds.

        Parameters
        ----------
        filenames
            Names of the files.
        lines
            How many lines of each; with ``follow`` on the cloud 1,000 at most.
        follow
            Whether to go on printing what is added until the task ends.
        wait
            Whether to wait until the task computes, in place of an error.

        Raises
        ------
        TaskError
            There is nothing to read yet.
        InputError
            There is no such file, or ``lines`` is no count.
        ConfigurationError
            The task runs on the cloud, and the package for WebRTC is not installed.

        Examples
        --------
        >>> task.tail_files(["stdout.txt"], lines=1)
        Done in ... s
        """
        from inductiva_widgets.tasks import _tail

        if isinstance(lines, bool) or not isinstance(lines, int) or lines < 0:
            raise InputError("lines must be a whole number, 0 or more.")
        names = [filenames] if isinstance(filenames, str) else list(dict.fromkeys(filenames))
        if wait:
            while not (info := self.refresh(_PERIOD)).is_terminal and not _computes(info):
                _kernel.sleep_and_process_messages(_PERIOD)
        if follow:
            _tail.print_and_follow(self, names, lines)
            return
        info = self.refresh(_PERIOD)
        if info.status in _BEFORE:
            raise self._not_started_error(info)
        _tail.print_tail(self, names, lines)

    def list_files(self) -> WorkingFiles:
        """Return the files that the running task has in its folder.

        Costs two requests on the embedded server; on the cloud one, and three for the connection
        where there is none.

        Returns
        -------
        WorkingFiles
            A sequence of ``WorkingFile`` that prints as a tree. Sizes and times are known on the
            embedded server alone.

        Raises
        ------
        TaskError
            The task does not compute yet, or any more; what to do instead is told.
        ConfigurationError
            The task runs on the cloud, and the package for WebRTC is not installed.

        Examples
        --------
        >>> storm = inductiva.simulators.SWMM().run("cases/swmm_long")
        >>> storm.wait_for_status("computation-started", silent_mode=True)
        True
        >>> "model.inp" in [file.name for file in storm.list_files()]
        True
        >>> storm.kill()
        """
        self._require_computing("Its output files are listed by task.get_output_info().")
        if self.client.is_local:
            return WorkingFiles(self._working_files())
        from inductiva_widgets.webrtc.messages import parse_files

        return WorkingFiles(map(_unknown, parse_files(self._ask("ls"))))

    def last_modified_file(self) -> ModifiedFile:
        """Return which file the running task has written last, and when.

        Costs requests as ``list_files`` does.

        Returns
        -------
        ModifiedFile
            Prints as a sentence.

        Raises
        ------
        TaskError
            The task does not compute yet, or any more, or has not written a file.
        ConfigurationError
            The task runs on the cloud, and the package for WebRTC is not installed.

        Examples
        --------
        >>> storm = inductiva.simulators.SWMM().run("cases/swmm_long")
        >>> storm.wait_for_status("computation-started", silent_mode=True)
        True
        >>> print("Last:", storm.last_modified_file())
        Last: ... was written ... ago (...).
        >>> storm.kill()
        """
        self._require_computing("When it ended is told by task.get_info().")
        if self.client.is_local:
            files = self._working_files()
            if files and files[0].modified is not None:
                return ModifiedFile(
                    files[0].name, files[0].modified, _since(files[0], self.server_time)
                )
            raise TaskError(f"Task {self.id} has not written a file yet.")
        from inductiva_widgets.webrtc.messages import parse_last_modified

        found = parse_last_modified(self._ask("last_modified_file"))
        moment = found.modified if found is not None else None
        if found is None or moment is None:
            raise TaskError(f"Task {self.id} has not written a file yet.")
        now = found.now_timestamp
        age = (self.server_time - moment).total_seconds()
        if now is not None:
            # Both by the clock of the machine.
            age = now - found.most_recent_timestamp
        return ModifiedFile(found.most_recent_file, moment, max(0.0, age))

    def top(self) -> RawText:
        """Return what ``top`` says of the machine that computes the task.

        On the embedded server of the task's own processes alone. Costs requests as ``list_files``
        does.

        Returns
        -------
        Text
            A text that shows itself as it is.

        Raises
        ------
        TaskError
            The task does not compute yet, or any more.
        ConfigurationError
            The task runs on the cloud, and the package for WebRTC is not installed.

        Examples
        --------
        >>> try:
        ...     task.top()
        ... except inductiva.errors.TaskError as error:
        ...     print(error)
        Task ... has ended (success). ...
        """
        self._require_computing("What its machine did is told by task.get_info().")
        said = self.client.get_task_top(self.id) if self.client.is_local else self._ask("top")
        if not isinstance(said, str):
            raise TaskError(f"The machine of task {self.id} sent no text.")
        return RawText(said)

    def _require_computing(self, instead: str) -> None:
        info = self.refresh()
        if info.is_terminal:
            raise TaskError(f"Task {self.id} has ended ({info.status}). {instead}")
        if info.status == Status.COMPUTATION_ENDED:
            raise TaskError(
                f"The computation of task {self.id} has ended: its outputs are being stored. "
                "Wait for them with task.wait()."
            )
        if not _computes(info):
            raise self._not_started_error(info)

    def _not_started_error(self, info: TaskInfo) -> TaskError:
        return TaskError(
            f"Task {self.id} does not compute yet: it is {info.alias.lower()}. "
            'Wait for it with task.wait_for_status("computation-started").'
        )

    def _working_files(self) -> list[WorkingFile]:
        try:
            return self.client.list_task_files(self.id)
        except NotFoundError as error:
            raise TaskError(
                f"Task {self.id} has no working folder any more: it has just ended."
            ) from error

    def _ask(self, operation: str) -> Any:
        from inductiva_widgets import webrtc

        return webrtc.request(self.client, self.id, webrtc.PeerRequest(operation))


def _computes(info: TaskInfo) -> bool:
    return info.status == Status.COMPUTATION_STARTED


def _unknown(name: str) -> WorkingFile:
    return WorkingFile(name=name)


def _since(file: WorkingFile, now: datetime) -> float:
    return max(0.0, (now - file.modified).total_seconds()) if file.modified else 0.0
