"""Ids, statuses, simulators, projects and filters of tasks as arguments of commands."""

from __future__ import annotations

import csv
import re
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.errors import InputError
from inductiva_widgets.formatting import format_timestamp

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.models.tasks import TaskInfo


# Number of tasks among which a prefix must be unique.
_MAX_SEARCHED = 2000
_MAX_CANDIDATES = 5
# Number of tasks whose values are completed, and the seconds that the shell waits for them.
_MAX_COMPLETED = 100
_COMPLETION_TIMEOUT = 1.5
_LISTING = f"{__name__}.ids"

_COMPLETE_ID = re.compile(r"[a-z0-9]{25,}")
# Other values could not be typed, and the shells read one value per line.
_COMPLETABLE = re.compile(r"[\w.+-]+", re.ASCII)

Command = TypeVar("Command", bound=Callable[..., Any])


# The base class is not generic in all supported versions of click.
class TaskIdType(click.ParamType):  # type: ignore[type-arg]
    """The id of a task, or a prefix that only one of the newest 2,000 tasks has.

    Notes
    -----
    Requests: 1 per 500 tasks, unless the value has the length of an id.
    """

    name = "id"

    def convert(
        self,
        value: str,
        param: click.Parameter | None,  # noqa: ARG002 - the signature is that of click
        ctx: click.Context | None,
    ) -> str:
        """Return the id.

        Parameters
        ----------
        value
            Id or prefix.
        param, ctx
            As click passes them.

        Raises
        ------
        InputError
            If several tasks have the prefix.
        """
        value = value.strip()
        if not value or _COMPLETE_ID.fullmatch(value) or ctx is None or ctx.resilient_parsing:
            return value
        found = [task_id for task_id in _newest_ids(ctx) if task_id.startswith(value)]
        if value in found or not found:
            # The service reports an unknown id.
            return value
        if len(found) > 1:
            raise InputError(_ambiguous(value, found))
        return found[0]

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - the signature is that of click
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Return the ids of the newest tasks that begin with a text.

        Parameters
        ----------
        ctx, param, incomplete
            As click passes them.
        """
        return _complete(incomplete, {info.task_id: _describe(info) for info in _newest_tasks()})


TASK_ID = TaskIdType()


def complete_status(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the statuses that begin with the part of a text after its last comma."""
    from inductiva_widgets.status import Status

    return _complete_last(incomplete, {status.value: status.alias for status in Status})


def complete_simulator(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the simulators of the newest tasks, as ``complete_status`` does."""
    return _complete_last(incomplete, {info.simulator or "": None for info in _newest_tasks()})


def complete_project(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the projects of the newest tasks, as ``complete_status`` does."""
    return _complete_last(incomplete, {info.project or "": None for info in _newest_tasks()})


def _newest_ids(ctx: click.Context) -> list[str]:
    """Return the ids of the newest tasks, requested once per command."""
    from inductiva_widgets.tasks.listing import iter_tasks

    if _LISTING not in ctx.meta:
        ctx.meta[_LISTING] = [info.task_id for info in iter_tasks(last_n=_MAX_SEARCHED)]
    ids: list[str] = ctx.meta[_LISTING]
    return ids


def _ambiguous(prefix: str, found: list[str]) -> str:
    named = ", ".join(found[:_MAX_CANDIDATES])
    more = f" and {len(found) - _MAX_CANDIDATES} more" if len(found) > _MAX_CANDIDATES else ""
    return f"Several tasks have an id that begins with {prefix!r}: {named}{more}."


def _describe(info: TaskInfo) -> str:
    words = (str(info.status), info.simulator or "", format_timestamp(info.create_time, "minutes"))
    return escape_control_chars(", ".join(filter(None, words)))


def _complete(
    incomplete: str, values: Mapping[str, str | None], before: str = ""
) -> list[CompletionItem]:
    """Return the values that begin with a text, with their descriptions."""
    return [
        CompletionItem(before + value, help=description)
        for value, description in values.items()
        if value.startswith(incomplete) and _COMPLETABLE.fullmatch(value)
    ]


def _complete_last(incomplete: str, values: Mapping[str, str | None]) -> list[CompletionItem]:
    """Return the values for the last item of a list with commas."""
    before, comma, last = incomplete.rpartition(",")
    return _complete(last, values, before + comma)


def _newest_tasks() -> list[TaskInfo]:
    """Return the newest tasks, or none after an error or 1.5 s."""
    found: list[TaskInfo] = []

    def fetch() -> None:
        from inductiva_widgets.tasks.listing import iter_tasks

        try:
            client = _running_client()
            if client is not None:
                found.extend(iter_tasks(last_n=_MAX_COMPLETED, client=client))
        except Exception:  # noqa: S110 - the shell would print it into the command
            pass

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The time to resolve the host name is not limited, so the thread may have to be left.
        thread = threading.Thread(target=fetch, daemon=True)
        thread.start()
        thread.join(_COMPLETION_TIMEOUT)
    return [] if thread.is_alive() else found


def _running_client() -> Client | None:
    """Return the default client, but None if it is an embedded server that does not run."""
    from inductiva_widgets import config
    from inductiva_widgets.cli.local import running_client
    from inductiva_widgets.http import default_client

    if name := config.embedded_target():
        return running_client(replay=name == config.REPLAY, slurm=name == config.SLURM)
    return default_client.default_client()


_OPTIONS = (
    click.option(
        "-s",
        "--status",
        multiple=True,
        metavar="CODES",
        shell_complete=complete_status,
        help="Only tasks with these statuses, separated by commas: failed,killed.",
    ),
    click.option(
        "-p",
        "--project",
        multiple=True,
        metavar="NAMES",
        shell_complete=complete_project,
        help="Only tasks of these projects. Put quotes around a name that has a comma.",
    ),
    click.option(
        "--simulator",
        multiple=True,
        metavar="NAMES",
        shell_complete=complete_simulator,
        help="Only tasks of these simulators.",
    ),
    click.option(
        "--since",
        metavar="TIME",
        help="Only tasks created then or later: 2026-03-01, 2026-03-01T12:30+01:00, or a duration "
        "before now: 7d, 36h. Times without a zone are local times.",
    ),
    click.option("--until", metavar="TIME", help="Only tasks created before: a time as --since."),
)


def filter_options(command: Command) -> Command:
    """Add the options to a command, as keyword arguments for ``filter_arguments``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def filter_arguments(options: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the options as arguments of ``inductiva_widgets.tasks.get``."""
    return {
        name: _split(given) if isinstance(given, tuple) else given
        for name, given in options.items()
    }


def _split(given: tuple[str, ...]) -> list[str] | None:
    """Return the values of a repeated option; None if it is not used."""
    # An empty text is a value, too: an unset shell variable must not select all tasks.
    rows = [next(csv.reader([text], skipinitialspace=True), []) or [""] for text in given]
    return [value.strip() for row in rows for value in row] if rows else None
