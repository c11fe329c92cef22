"""Download any file, or entries of a zip archive, from a plain or signed URL.

```python
url = task.get_output_url()  # or the URL of any zip archive

with inductiva.downloads.RemoteArchive(url) as archive:  # list the entries first
    print(archive.namelist())

inductiva.downloads.fetch_archive(url, "results", ["*/*.txt"])  # fetch only these entries
```

``fetch_archive`` and ``fetch_file`` write files; called again after an interruption, they resume.
``start_archive`` and ``start_file`` run in the background: they return a ``Download`` that reports
its progress and can be paused and cancelled. Damaged and malicious archives raise an error
(``Limits`` sets the maximum content), and a file gets its name only when it is complete. No account
is needed, and the API key is never sent to such a URL.
"""

# Layers, lowest first: http (one request), _signed_url (retries, renewal), remote_file (ranges),
# zip_directory and _decompress (the zip format), _safe_paths, _plan and limits (which entries go
# where), _partial_file, _path_lock and _staging (the disk), _connection_limit and _workers
# (connections and threads), progress and _progress_tracker, extract and _whole_file (the work),
# download (pause, cancel, result), api (the public functions).

from __future__ import annotations

from inductiva_widgets.downloads._terminal import show_progress
from inductiva_widgets.downloads.api import (
    ArchiveRequest,
    fetch_archive,
    fetch_file,
    start,
    start_all,
    start_archive,
    start_file,
)
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
