"""State of a download as text and as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inductiva_widgets.formatting import format_bytes
from inductiva_widgets.widgets.static_html.markup import (
    code_after_colon,
    escape_value,
    section,
    truncate_line,
    truncate_text,
)

Download = Mapping[str, Any]


def download_text(title: str, download: Download) -> str:
    """Return the state of a download as text."""
    return f"{truncate_line(title)}: {progress(download)}"


def download_html(title: str, download: Download) -> str:
    """Return the state of a download as HTML."""
    body = f"<b>{escape_value(title)}</b><div>{code_after_colon(progress(download))}</div>"
    return section(truncate_line(title), body)


def is_finished(download: Download | None) -> bool:
    """Return whether no download is in progress."""
    return download is None or download["phase"] in ("done", "failed", "cancelled")


def progress(download: Download) -> str:
    """Describe the state of a download; paths come after a colon and a space."""
    done, total, phase = download["bytes_done"], download["bytes_total"], download["phase"]
    amount = format_bytes(done)
    if phase != "done" and total is not None:
        amount += f" of {format_bytes(total)}"
    if phase == "done":
        files = download["files_done"]
        count = f"{files} file{'' if files == 1 else 's'}, " if files else ""
        path = download["path"]
        return f"Downloaded {count}{amount}" + (f", to: {truncate_line(path)}" if path else "")
    if phase == "cancelled":
        return f"Cancelled at {amount}; calling again goes on from there."
    if phase == "failed":
        detail = truncate_text(download["error"]["detail"]) if download["error"] else ""
        return f"Failed at {amount}; calling again goes on from there. {detail}"
    return f"{amount}, {phase}"
