"""Utility functions: download an example file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from email.message import Message
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from inductiva_widgets.downloads._connection_limit import CONNECTIONS, ConnectionLimiter
from inductiva_widgets.downloads._plan import common_root
from inductiva_widgets.downloads._progress_tracker import ProgressTracker
from inductiva_widgets.downloads._safe_paths import safe_file_name
from inductiva_widgets.downloads._signed_url import SignedUrl, UnexpectedStatusError, header
from inductiva_widgets.downloads._terminal import show_progress
from inductiva_widgets.downloads._whole_file import download_file
from inductiva_widgets.downloads.download import Download
from inductiva_widgets.downloads.extract import ArchiveSelection, extract_remote_archive
from inductiva_widgets.downloads.progress import DownloadSummary
from inductiva_widgets.downloads.zip_directory import NotAZipFileError

__all__ = ["download_from_url"]


def download_from_url(url: str, unzip: bool = False, path: str | Path | None = None) -> str:
    """Download a file, and optionally extract it if it is a zip archive.

    Calling again after an interruption resumes. The progress is shown in a terminal.

    Parameters
    ----------
    url
        URL of the file.
    unzip
        If True, extract a zip archive into a folder; other files are kept as they are, with a
        warning. If the only top-level folder of the archive has the name of the output folder, it
        is not duplicated.
    path
        Output folder. By default, files go to the current folder, and archives to a subfolder with
        the name of the archive.

    Returns
    -------
    str
        Absolute path of the file, or of the folder if extracted.

    Raises
    ------
    InputError
        If the URL is malformed.
    APIConnectionError
        If the host does not respond.
    DownloadError
        If the file does not exist, or the download is incomplete.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.utils.download_from_url(task.get_output_url(), unzip=True, path="inputs")
    '.../inputs'
    """
    link, limiter = SignedUrl(url), ConnectionLimiter(CONNECTIONS)

    def work(tracker: ProgressTracker) -> Path:
        progress = tracker.add_part()
        link.bind(progress.cancel_token, limiter.reduce)
        try:
            name = _file_name(link)
            folder = Path.cwd() if path is None else Path(path).expanduser().absolute()
            tracker.set_path(folder / name)
            if unzip:
                unpacked = folder / PurePosixPath(name).stem if path is None else folder
                selection = ArchiveSelection(
                    unpacked, strip_prefix=partial(_redundant_top_dir, unpacked.name)
                )
                with contextlib.suppress(NotAZipFileError):
                    return extract_remote_archive(link, selection, progress, limiter)
            target = download_file(link, folder / name, progress, limiter)
            if unzip:
                message = f"{target.name!r} is not a zip archive, so it was not extracted."
                progress.outcome = DownloadSummary(messages=(*progress.outcome.messages, message))
            return target
        finally:
            link.close()

    download = Download(work)
    with show_progress(download):
        return str(download.run())


def _redundant_top_dir(folder: str, names: Iterable[str]) -> str:
    """Return the single top folder of an archive if it is named like the target."""
    return f"{folder}/" if common_root(names) == folder else ""


def _file_name(link: SignedUrl) -> str:
    """Request the file name; uses a range of one byte, as signed URLs often reject HEAD."""
    try:
        with link.open({"Range": "bytes=0-0"}, {200, 203, 206, 416}) as response:
            disposition = header(response, "Content-Disposition")
    except UnexpectedStatusError:
        # Maybe only ranges are refused. The statuses that are due to be retried have been.
        with link.open({}, {200, 203, 206}, attempts=1) as response:
            disposition = header(response, "Content-Disposition")
    name = _name_in_header(disposition) if disposition else None
    return safe_file_name(name or unquote(urlsplit(link.url).path))


def _name_in_header(disposition: str) -> str | None:
    with contextlib.suppress(UnicodeError):
        # HTTP libraries decode headers as Latin-1, but many servers send UTF-8.
        disposition = disposition.encode("latin-1").decode("utf-8")
    message = Message()
    message["Content-Disposition"] = disposition
    return message.get_filename()
