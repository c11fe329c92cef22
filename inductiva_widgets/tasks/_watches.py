"""Watches and metrics of a task's log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import InductivaError, InputError
from inductiva_widgets.metrics.parser import MetricParser
from inductiva_widgets.metrics.presets import STDOUT, Preset, preset_for, preset_named
from inductiva_widgets.tasks.log_watch import LogWatch, registry

if TYPE_CHECKING:
    import pandas as pd

    from inductiva_widgets.tasks._state import RemoteTask
    from inductiva_widgets.tasks.log_watch import Then

_BLOCK = 1 << 20
# Seconds to wait for the first read of a new watch.
_FIRST_READ = 15.0


def start_watch(
    task: RemoteTask,
    pattern: str | None,
    *,
    file: str | None,
    preset: str | None = None,
    end: Mapping[str, float] | None = None,
    stop_if: str | Callable[[dict[str, float]], Any] | Iterable[Any] | None = None,
    from_start: bool = False,
    then: Then = "kill",
    log: bool | None = None,
    notify: bool = False,
) -> LogWatch:
    """Start a watch that lasts until the task ends; see ``Task.watch``."""
    rules, name = _select_preset(task, pattern, file, preset)
    watch = LogWatch(
        task,
        rules,
        file=name,
        end=end,
        stop_if=stop_if,
        # If the task has not started computing, all rows come after this call, including those
        # that are there when the file is first read.
        from_start=from_start or (stop_if is not None and not _has_computed(task)),
        then=then,
        log=log,
        notify=notify,
    )
    registry.retain(watch)
    return watch


def read_metrics(
    task: RemoteTask,
    pattern: str | None,
    *,
    file: str | None,
    rows: int,
    preset: str | None = None,
) -> pd.DataFrame:
    """Return the numbers in a task's log; see ``Task.metrics``."""
    rules, name = _select_preset(task, pattern, file, preset)
    parser = MetricParser(rules, max_rows=rows)
    if not task.refresh(max_age=1.0).is_terminal:
        return _find_or_start(task, parser.source, pattern, name, preset).to_frame()
    with task.open_output(name) as member:
        while block := member.read(_BLOCK):
            parser.feed(block)
    parser.finish()
    return parser.to_frame(service=task.client.url, task=task.id, file=name)


def _has_computed(task: RemoteTask) -> bool:
    """Return whether the computation has started; True if the service does not respond."""
    try:
        info = task.refresh(max_age=1.0)
    except InductivaError:
        return True
    return info.is_terminal or not info.status.is_before_computation


def _select_preset(
    task: RemoteTask, pattern: str | None, file: str | None, preset: str | None
) -> tuple[str | Preset, str]:
    """Return the pattern or preset, and the name of the file."""
    if preset is not None:
        if pattern is not None:
            raise InputError("`pattern` and `preset` must not be given together.")
        chosen = preset_named(preset)
        return chosen, file or chosen.file
    if pattern is not None:
        return pattern, file or STDOUT
    simulator = task.info.simulator
    known = preset_for(simulator)
    if known is None:
        raise InputError(
            f"What {simulator or 'this simulator'} prints is not known here: say what to look "
            r"for, such as task.watch(r'residual\s+(?P<residual>\S+)'), or name a preset, such as "
            "task.watch(preset='openfoam')."
        )
    return known, file or known.file


def _find_or_start(
    task: RemoteTask, source: str, pattern: str | None, file: str, preset: str | None
) -> LogWatch:
    for watch in registry.for_task(task):
        if (watch.pattern, watch.file) == (source, file) and not watch.is_finished:
            return watch
    watch = start_watch(task, pattern, file=file, preset=preset)
    watch._has_polled.wait(_FIRST_READ)
    return watch
