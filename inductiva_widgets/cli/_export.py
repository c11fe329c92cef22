"""Export of tasks to a file, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from inductiva_widgets.filters import NO_FILTERS, TaskFilters

if TYPE_CHECKING:
    import pandas as pd

    from inductiva_widgets.frames.io import Target
    from inductiva_widgets.models.tasks import TaskInfo

_PAGE = 500


class ExportOptions(NamedTuple):
    """Tasks and columns to export.

    Parameters
    ----------
    filters
        Filters of the tasks.
    last_n
        Maximum number of tasks; None for all.
    columns
        Names of the columns, or None for the default ones.
    metadata
        If True, add the column ``metadata`` with the metadata of each task as JSON. There is no
        column per key, since the keys are not known until the last page.
    """

    filters: TaskFilters = NO_FILTERS
    last_n: int | None = None
    columns: tuple[str, ...] | None = None
    metadata: bool = False


def export_tasks(
    target: Target, options: ExportOptions, *, on_page: Callable[[list[TaskInfo]], None]
) -> int:
    """Write tasks to a file. After an error there is no file.

    Parameters
    ----------
    target
        Path of the file, whose extension determines the format, or an open file for CSV.
    options
        Tasks and columns to export.
    on_page
        Called with the tasks of each page.

    Returns
    -------
    int
        Number of tasks.

    Raises
    ------
    InputError
        The extension, the folder or a column is unknown, or a package is missing.

    Notes
    -----
    Requests: as ``inductiva_widgets.tasks.get``.
    """
    from inductiva_widgets.frames.io import write_frames
    from inductiva_widgets.frames.schema import select_columns

    # An unknown column is an error before the first request.
    select_columns(options.columns, ())
    return write_frames(_frames(options, on_page), target)


def _frames(
    options: ExportOptions, on_page: Callable[[list[TaskInfo]], None]
) -> Iterator[pd.DataFrame]:
    """Yield a DataFrame per page, and an empty one for the header if there are no tasks."""
    from inductiva_widgets.frames._columnar import METADATA, TaskColumns
    from inductiva_widgets.frames._to_frame import build_frame
    from inductiva_widgets.http.default_client import default_client
    from inductiva_widgets.tasks.listing import iter_tasks

    client = default_client()
    infos = iter_tasks(options.filters, last_n=options.last_n, client=client)
    page = list(islice(infos, _PAGE))
    while True:
        on_page(page)
        fields = TaskColumns.read(page)
        is_demo = any(info.is_demo for info in page[:1])
        frame = build_frame(
            fields,
            columns=options.columns,
            now=client.server_time,
            source={"service": client.url, "demo": is_demo},
            services=[client.service_name(is_demo=is_demo)],
        )
        if options.metadata:
            text = fields.texts[METADATA]
            # The code -1 of a missing value selects the last element.
            values = (*text.values, None)
            frame[METADATA] = [values[code] for code in text.codes.tolist()]
        yield frame
        page = list(islice(infos, _PAGE))
        if not page:
            return
