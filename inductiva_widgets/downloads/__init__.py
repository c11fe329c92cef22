"""Downloads: any file, and any part of a zip archive, behind a plain or signed URL.

`fetch_archive` and `fetch_file` write files; `RemoteArchive` looks into an archive without fetching
it. Layers, lowest first: `opener` (one request), `link` (retries, renewal), `ranges` (bytes a to
b), `archive`, `codecs` and `inflate` (the zip format), `paths`, `plan` and `limits` (what goes
where), `blockfile`, `partfile`, `placelock` and `workfolder` (the disk), `lanes` and `crew`
(connections and threads), `site`, `spans`, `spool`, `members`, `fetch`, `single` and `many` (the
work), `watchers`, `tally` and `download` (progress, pause, cancel, result), `calls` (the
arguments).
"""

from __future__ import annotations

from inductiva_widgets.downloads.archive import Member
from inductiva_widgets.downloads.calls import fetch_archive, fetch_file, start_archive, start_file
from inductiva_widgets.downloads.download import Download
from inductiva_widgets.downloads.fetch import Wish
from inductiva_widgets.downloads.limits import Limits
from inductiva_widgets.downloads.many import Source, start_many, start_one
from inductiva_widgets.downloads.opener import Opener, Response
from inductiva_widgets.downloads.progress import FileProgress, Outcome, Progress
from inductiva_widgets.downloads.ranges import FileChanged, RangesUnsupported
from inductiva_widgets.downloads.remote import RemoteArchive
from inductiva_widgets.downloads.terminal import show_progress

__all__ = [
    "Download",
    "FileChanged",
    "FileProgress",
    "Limits",
    "Member",
    "Opener",
    "Outcome",
    "Progress",
    "RangesUnsupported",
    "RemoteArchive",
    "Response",
    "Source",
    "Wish",
    "fetch_archive",
    "fetch_file",
    "show_progress",
    "start_archive",
    "start_file",
    "start_many",
    "start_one",
]
