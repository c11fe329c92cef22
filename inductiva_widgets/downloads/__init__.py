"""Downloads: any file, and any part of a zip archive, behind a plain or signed URL.

`fetch_archive` and `fetch_file` write files; `RemoteArchive` looks into an archive without fetching
it. Layers, lowest first: `opener` (one request), `link` (retries, renewal), `ranges` (bytes a to
b), `archive` and `inflate` (the zip format), `paths`, `plan` and `partfile` (the disk), `crew`,
`fetch` and `single` (the work), `download` (progress, cancel, result), `calls` (the arguments).
"""

from __future__ import annotations

from inductiva_widgets.downloads.archive import Member
from inductiva_widgets.downloads.calls import fetch_archive, fetch_file, start_archive, start_file
from inductiva_widgets.downloads.download import Download
from inductiva_widgets.downloads.opener import Opener, Response
from inductiva_widgets.downloads.progress import Outcome, Progress
from inductiva_widgets.downloads.ranges import RangesUnsupported
from inductiva_widgets.downloads.remote import RemoteArchive
from inductiva_widgets.downloads.terminal import show_progress

__all__ = [
    "Download",
    "Member",
    "Opener",
    "Outcome",
    "Progress",
    "RangesUnsupported",
    "RemoteArchive",
    "Response",
    "fetch_archive",
    "fetch_file",
    "show_progress",
    "start_archive",
    "start_file",
]
