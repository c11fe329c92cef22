"""The command ``tasks export``, which writes the history page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

    from inductiva_widgets.models.tasks import TaskInfo

_PAGE = 500


class ExportOptions(NamedTuple):
    """Which tasks, and what of them.

    Parameters
    ----------
    status, project, last_n
        As for ``inductiva_widgets.tasks.get``; ``last_n`` of None for all.
    since
        Only tasks that were made then or later.
    columns
        Names of the columns; None for the usual ones.
    metadata
        Whether to add the column ``metadata``, the whole metadata of a task as JSON: which keys
        there are is not known before the last task has come.
    """

    status: str | None = None
    project: str | None = None
    last_n: int | None = None
    since: datetime | None = None
    columns: tuple[str, ...] | None = None
    metadata: bool = False


def export_tasks(
    path: Path, choice: ExportOptions, *, on_page: Callable[[list[TaskInfo]], None]
) -> int:
    """Write tasks to a file that is whole or not there.

    Parameters
    ----------
    path
        Target; its ending tells the format.
    choice
        Which tasks, and what of them.
    on_page
        Called with the tasks of each page that has been read.

    Returns
    -------
    int
        How many. Costs one request for each 500.

    Raises
    ------
    InputError
        The ending tells no format, there is no such folder or column, or a package is missing.
    """
    from inductiva_widgets.frames.io import write_frames
    from inductiva_widgets.frames.schema import select_columns

    # An unknown column is an error before the first request.
    select_columns(choice.columns, ())
    return write_frames(_pages(choice, on_page), path)


def _pages(
    choice: ExportOptions, on_page: Callable[[list[TaskInfo]], None]
) -> Iterator[pd.DataFrame]:
    """Yield frames of one page each, at least one, so that an empty history has a header too."""
    from inductiva_widgets.frames._columnar import METADATA, TaskColumns
    from inductiva_widgets.frames._to_frame import build_frame
    from inductiva_widgets.http.default_client import default_client
    from inductiva_widgets.tasks.listing import iter_tasks

    client = default_client()
    source = {"service": client.url}
    found = iter_tasks(choice.status, choice.project, last_n=choice.last_n, client=client)
    infos = takewhile(lambda info: _is_since(info, choice.since), found)
    page = list(islice(infos, _PAGE))
    while True:
        on_page(page)
        fields = TaskColumns.read(page)
        frame = build_frame(fields, columns=choice.columns, now=client.server_time, source=source)
        if choice.metadata:
            text = fields.texts[METADATA]
            # The last place stands for -1.
            values = (*text.values, None)
            frame[METADATA] = [values[code] for code in text.codes.tolist()]
        yield frame
        page = list(islice(infos, _PAGE))
        if not page:
            return


def _is_since(info: TaskInfo, since: datetime | None) -> bool:
    """Return whether a task is not older; the listing has the newest first."""
    made = info.create_time or info.input_submit_time
    return since is None or made is None or made >= since.replace(tzinfo=timezone.utc)
