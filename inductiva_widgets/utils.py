"""Utility functions of the public API: download an example file."""

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
from inductiva_widgets.downloads._signed_url import SignedUrl, header
from inductiva_widgets.downloads._terminal import show_progress
from inductiva_widgets.downloads._whole_file import download_file
from inductiva_widgets.downloads.download import Download
from inductiva_widgets.downloads.extract import ArchiveSelection, extract_remote_archive
from inductiva_widgets.downloads.zip_directory import NotAZipFileError

__all__ = ["download_from_url"]


def download_from_url(url: str, unzip: bool = False, path: str | Path | None = None) -> str:
    """Download a file, and optionally extract it if it is a zip archive.

    Calling again after an interruption goes on from there. Progress is shown in a terminal.

    Parameters
    ----------
    url
        Address of the file.
    unzip
        Whether to unpack a zip archive into a folder. Any other file is left as it is. An archive
        whose one top folder is called like the target folder does not make that folder twice.
    path
        The folder to fill. By default files go to the current folder, and archives to a folder in
        it that is called like the archive without its suffix.

    Returns
    -------
    str
        Absolute path of what is there now: the folder when unpacked, else the file.

    Raises
    ------
    InputError
        When the URL is malformed.
    APIConnectionError
        When the host does not answer.
    DownloadError
        When the file does not exist or did not become whole.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.utils.download_from_url(task.get_output_url(), unzip=True, path="inputs")
    '.../inputs'
    """
    link, limiter = SignedUrl(url), ConnectionLimiter(CONNECTIONS)

    def work(tracker: ProgressTracker) -> Path:
        share = tracker.share()
        link.bind(share.control, limiter.reduce)
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
                    return extract_remote_archive(link, selection, share, limiter)
            return download_file(link, folder / name, share, limiter)
        finally:
            link.close()

    download = Download(work)
    with show_progress(download):
        return str(download.run())


def _redundant_top_dir(folder: str, names: Iterable[str]) -> str:
    """Return the single top folder of an archive if it is named like the target."""
    return f"{folder}/" if common_root(names) == folder else ""


def _file_name(link: SignedUrl) -> str:
    """Return the file name; requests one byte, as signed URLs often reject HEAD."""
    with link.open({"Range": "bytes=0-0"}, {200, 206, 416}) as response:
        disposition = header(response, "Content-Disposition")
    stated = _stated_name(disposition) if disposition else None
    return safe_file_name(stated or unquote(urlsplit(link.url).path))


def _stated_name(disposition: str) -> str | None:
    with contextlib.suppress(UnicodeError):
        # HTTP libraries read headers as Latin-1, while servers that send raw names send UTF-8.
        disposition = disposition.encode("latin-1").decode("utf-8")
    message = Message()
    message["Content-Disposition"] = disposition
    return message.get_filename()
