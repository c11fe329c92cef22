"""Small helpers that users call: fetching an example from the web."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterable
from email.message import Message
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from inductiva_widgets.downloads.archive import Directory, NotAnArchive, read_directory
from inductiva_widgets.downloads.calls import CONNECTIONS
from inductiva_widgets.downloads.download import Download
from inductiva_widgets.downloads.fetch import extract
from inductiva_widgets.downloads.link import Link, header
from inductiva_widgets.downloads.paths import safe_file_name
from inductiva_widgets.downloads.plan import single_top_folder
from inductiva_widgets.downloads.progress import Tally
from inductiva_widgets.downloads.ranges import (
    LocalSource,
    RangeSource,
    RangesUnsupported,
    Source,
)
from inductiva_widgets.downloads.single import fetch_whole
from inductiva_widgets.downloads.terminal import show_progress

__all__ = ["download_from_url"]


def download_from_url(url: str, unzip: bool = False, path: str | Path | None = None) -> str:
    """Download a file, and unpack it if it is a zip archive and you wish so.

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
    ::

        input_dir = download_from_url("https://host/reef3d-input-example.zip", unzip=True)
    """
    link = Link(url)

    def work(tally: Tally) -> Path:
        tally.on_cancel(link.cancel)
        try:
            name = _file_name(link)
            folder = Path.cwd() if path is None else Path(path).expanduser().absolute()
            tally.expect(path=str(folder / name))
            if not unzip:
                return fetch_whole(link, folder / name, tally)
            unpacked = folder / PurePosixPath(name).stem if path is None else folder
            return _fetch_unpacked(link, folder / name, unpacked, tally)
        finally:
            link.close()

    download = Download(work)
    with show_progress(download):
        return str(download.run())


def _fetch_unpacked(link: Link, file: Path, folder: Path, tally: Tally) -> Path:
    source = RangeSource(link)
    try:
        return _unpack(source, read_directory(source), folder, tally)
    except NotAnArchive:
        return fetch_whole(link, file, tally)
    except RangesUnsupported:
        pass
    # The whole file in one stream. It stands beside the folder, where no member can overwrite it.
    copy = folder.with_name(f"{folder.name}.zip")
    fetch_whole(link, copy, tally)
    if not zipfile.is_zipfile(copy):
        file.parent.mkdir(parents=True, exist_ok=True)
        return copy.replace(file)
    local = LocalSource(copy)
    _unpack(local, read_directory(local), folder, tally, counted=False)
    copy.unlink()
    return folder


def _unpack(
    source: Source, directory: Directory, folder: Path, tally: Tally, *, counted: bool = True
) -> Path:
    def prefix(names: Iterable[str]) -> str:
        return f"{folder.name}/" if single_top_folder(names) == folder.name else ""

    return extract(
        source,
        directory,
        folder,
        tally,
        names=None,
        stripper=prefix,
        connections=CONNECTIONS,
        counted=counted,
    )


def _file_name(link: Link) -> str:
    """Ask what the file is called; one byte is asked, as signed links often refuse HEAD."""
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
