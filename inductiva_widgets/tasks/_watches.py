"""A task whose log is looked at for numbers, and whose changes somebody wants to hear of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from inductiva_widgets._interrupts import explain_interrupt
from inductiva_widgets.errors import InductivaError, InputError
from inductiva_widgets.metrics.parser import MetricParser
from inductiva_widgets.metrics.presets import Preset, preset_for
from inductiva_widgets.status import Status
from inductiva_widgets.tasks import _watch_registry
from inductiva_widgets.tasks._live_files import LiveFiles
from inductiva_widgets.tasks._status_listener import StatusListener
from inductiva_widgets.tasks.log_watch import STDOUT, LogWatch

if TYPE_CHECKING:
    import pandas as pd

    from inductiva_widgets.tasks._stop_action import Then
    from inductiva_widgets.tasks.task import Task

_BEFORE_COMPUTATION = (Status.PENDING_INPUT, Status.SUBMITTED, Status.STARTED)
_BLOCK = 1 << 20
# Seconds that a new watch has for its first look.
_FIRST_LOOK = 15.0


class TaskWatches(LiveFiles):
    """What a task prints, as numbers; base of ``inductiva_widgets.tasks.Task``."""

    def watch(
        self,
        pattern: str | None = None,
        *,
        file: str | None = None,
        end: Mapping[str, float] | None = None,
        stop_if: str | Callable[[dict[str, float]], Any] | Iterable[Any] | None = None,
        from_start: bool = False,
        then: Then = "kill",
        log: bool | None = None,
        notify: bool = False,
    ) -> LogWatch:
        r"""Read numbers from the task's log as it comes, until the task ends.

        The task's card shows them, beside what it reads by itself. Costs one request a second on
        the embedded server, one connection on the cloud, and one request while the simulator is not
        known. With ``stop_if`` it costs one request more, two if the status has changed.

        Parameters
        ----------
        pattern
            A regular expression that is looked for in each line. Each named group is a series of
            that name, such as ``r"residual\s+(?P<residual>\S+)"``; one group without a name gives
            the series ``value``. A group ``end_step`` tells what the series ``step`` has at the
            end, and ``percent`` ends at 100. With the groups ``series`` and ``value`` the text
            itself names the series. ``\S+`` finds nan and inf too. By default a preset: for
            OpenFOAM, REEF3D, SWMM, SPlisHSPlasH and GROMACS.
        file
            Name of the file; by default ``stdout.txt``, or where the preset's simulator prints.
        end
            The value that a series has at the end, such as ``{"time": 10}``: it gives the progress
            and the time of the end.
        stop_if
            A condition such as ``"residual > 1e3 for 20 samples"`` or ``"residual is nan"``, a
            function of the last values that returns whether to stop, or a list of those, of which
            one is enough. It is judged by the rows that are printed after this call.
        from_start
            If True, the rows that were printed before this call are judged too.
        then
            What happens once it is met: ``"kill"`` asks the service to kill the task, ``"notify"``
            says it in the card, a function is called with the watch.
        log
            Whether the series are drawn on a logarithmic scale; None for what suits each.
        notify
            Whether the card asks to show a notification of the browser when the task ends.

        Returns
        -------
        LogWatch
            It goes on until the task ends or its ``stop()``, whatever becomes of the cell.

        Raises
        ------
        InputError
            The expression is none or has no group, there is no preset, or a condition is none.

        Examples
        --------
        >>> watch = task.watch(r"(?P<percent>[\d.]+)%\s+wall\s+(?P<wall>\S+)")
        >>> watch.wait(30)
        True
        >>> watch.series_names, watch.progress
        (('wall',), 1.0)
        """
        wanted, name = self._select_preset(pattern, file)
        watch = LogWatch(
            self,
            wanted,
            file=name,
            end=end,
            stop_if=stop_if,
            # Of a task that has not begun to compute all rows come after this call, also those that
            # are there already when the file is first read.
            from_start=from_start or (stop_if is not None and not self._has_computed()),
            then=then,
            log=log,
            notify=notify,
        )
        _watch_registry.retain(watch)
        return watch

    @explain_interrupt("The reading was interrupted; task {0.id} is left as it is.")
    def metrics(
        self, pattern: str | None = None, *, file: str | None = None, rows: int = 100_000
    ) -> pd.DataFrame:
        r"""Return the numbers in the task's log as a DataFrame.

        While the task runs these are the rows that its watch has read, which is begun where there
        is none and costs what ``watch`` does. After the end all of the file is read, without being
        kept: that costs two or three requests, and one for each MiB.

        Parameters
        ----------
        pattern, file
            As for ``watch``.
        rows
            How many rows at most, 100 or more; of more, the extremes stay, see ``LogWatch``.

        Returns
        -------
        pandas.DataFrame
            As ``LogWatch.to_frame`` has it.

        Raises
        ------
        TaskError
            There is no output, the reason given.
        InputError
            As for ``watch``, or there is no such file.

        Examples
        --------
        >>> df = task.metrics(r"\s(?P<percent>[\d.]+)%\s+wall\s+(?P<wall>\S+)")
        >>> df[["wall", "percent"]].tail(1)
                wall  percent
        sample
        ...           100.0
        """
        wanted, name = self._select_preset(pattern, file)
        reader = MetricParser(wanted, most=rows)
        if not self.refresh(max_age=1.0).is_terminal:
            return self._watched(reader.source, pattern, name).to_frame()
        with self.open_output(name) as member:
            while block := member.read(_BLOCK):
                reader.feed(block)
        reader.finish()
        return reader.to_frame(service=self.client.url, task=self.id, file=name)

    def on_status(self, callback: Callable[[Task, Status], Any]) -> StatusListener:
        """Call a function with the task's status now and at each change, until the task has ended.

        What the function prints appears in the cell that called ``on_status``, whichever cell is
        running. Costs one request, then one a second while the task is alive, none besides a live
        card.

        Parameters
        ----------
        callback
            Gets the task and a status: each of them once and in order, those between two requests
            and the last one included. It is called on a thread of its own. What it raises is shown
            as a warning, and the next change is delivered all the same.

        Returns
        -------
        StatusListener
            Its ``cancel()`` ends it.

        Examples
        --------
        >>> listener = task.on_status(lambda task, status: print(task.id, status))
        >>> listener.cancel()
        """
        return StatusListener(cast("Task", self), callback)

    def _has_computed(self) -> bool:
        """Return whether the computation has begun; also if the service does not answer."""
        try:
            info = self.refresh(max_age=1.0)
        except InductivaError:
            return True
        return info.is_terminal or info.status not in _BEFORE_COMPUTATION

    def _select_preset(self, pattern: str | None, file: str | None) -> tuple[str | Preset, str]:
        """Return what is looked for, and the name of the file."""
        if pattern is not None:
            return pattern, file or STDOUT
        simulator = self.info.simulator
        preset = preset_for(simulator)
        if preset is None:
            raise InputError(
                f"What {simulator or 'this simulator'} prints is not known here: say what to look "
                r"for, such as task.watch(r'residual\s+(?P<residual>\S+)')."
            )
        return preset, file or preset.file

    def _watched(self, source: str, pattern: str | None, file: str) -> LogWatch:
        for watch in _watch_registry.for_task(self):
            if (watch.pattern, watch.file) == (source, file) and not watch.is_finished:
                return watch
        watch = self.watch(pattern, file=file)
        watch._looked.wait(_FIRST_LOOK)
        return watch
