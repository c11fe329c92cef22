"""Downloads: any file, and any part of a zip archive, behind a plain or signed URL.

```python
url = task.get_output_url()  # or any address of a zip archive

with inductiva.downloads.RemoteArchive(url) as archive:  # look first
    print(archive.namelist())

inductiva.downloads.fetch_archive(url, "results", ["*/*.txt"])  # no more travels
```

``fetch_archive`` and ``fetch_file`` write files, and go on from there when they are called again
after an interruption. ``start_archive`` and ``start_file`` do the same in the background: they give
a ``Download`` that tells its progress and can be paused and cancelled. A damaged or hostile archive
is refused (``Limits`` says how much content there may be), and no file is ever half there under its
own name. No account is needed; the service's key is never sent to such an address.
"""

# Layers, lowest first: opener (one request), link (retries, renewal), ranges (bytes a to b),
# archive, codecs and inflate (the zip format), paths, plan and limits (what goes where), blockfile,
# partfile, placelock and workfolder (the disk), lanes and crew (connections and threads), site,
# spans, spool, members, fetch, single and many (the work), watchers, tally and download (progress,
# pause, cancel, result), calls (the arguments).

from __future__ import annotations

from inductiva_widgets.downloads._terminal import show_progress
from inductiva_widgets.downloads.api import fetch_archive, fetch_file, start_archive, start_file
from inductiva_widgets.downloads.archive_requests import ArchiveRequest, start, start_all
from inductiva_widgets.downloads.download import Download
from inductiva_widgets.downloads.extract import ArchiveSelection
from inductiva_widgets.downloads.http import HttpGet, StreamingResponse
from inductiva_widgets.downloads.limits import Limits
from inductiva_widgets.downloads.progress import DownloadSummary, FileProgress, Progress
from inductiva_widgets.downloads.remote_archive import RemoteArchive
from inductiva_widgets.downloads.remote_file import FileChanged, RangesUnsupported
from inductiva_widgets.downloads.zip_directory import ZipEntry

__all__ = [
    "ArchiveRequest",
    "ArchiveSelection",
    "Download",
    "DownloadSummary",
    "FileChanged",
    "FileProgress",
    "HttpGet",
    "Limits",
    "Progress",
    "RangesUnsupported",
    "RemoteArchive",
    "StreamingResponse",
    "ZipEntry",
    "fetch_archive",
    "fetch_file",
    "show_progress",
    "start",
    "start_all",
    "start_archive",
    "start_file",
]
