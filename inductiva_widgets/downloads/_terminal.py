"""Show the progress of a download as one line in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.downloads.download import Download
from inductiva_widgets.downloads.progress import Progress
from inductiva_widgets.formatting import format_bytes, format_duration


@contextmanager
def show_progress(download: Download[Any]) -> Iterator[None]:
    """Show the progress of a download on standard error within the context.

    Does nothing if standard error is not a terminal, so that logs stay clean.

    Parameters
    ----------
    download
        The download, started or not.

    Yields
    ------
    None
    """
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        # Names are untrusted, so they must not be parsed as rich markup.
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        line = bar.add_task("", total=None, detail="")

        def draw(state: Progress) -> None:
            bar.update(
                line,
                description=escape_control_chars(PurePath(state.path).name),
                completed=state.bytes_done,
                total=state.bytes_total,
                detail=format_progress(state),
            )

        unsubscribe = download.subscribe(draw)
        try:
            yield
        finally:
            unsubscribe()


def format_progress(state: Progress) -> str:
    """Format progress, as in ``"1.20 MiB of 4.00 MiB, 2/7 files, 3.10 MiB/s, 1 min left"``.

    Parameters
    ----------
    state
        The progress.
    """
    parts = [format_bytes(state.bytes_done)]
    if state.bytes_total is not None:
        parts[0] += f" of {format_bytes(state.bytes_total)}"
    if state.files_total is not None and state.files_total > 1:
        parts.append(f"{state.files_done}/{state.files_total} files")
    if state.phase != "running":
        parts.append(state.phase)
    elif state.speed:
        parts.append(f"{format_bytes(round(state.speed))}/s")
        if state.eta is not None:
            parts.append(f"{format_duration(state.eta)} left")
    return ", ".join(parts)
