"""One whole file in one stream, taken up where it broke off: by `Range` where the server can."""

from __future__ import annotations

import shutil
from pathlib import Path

from inductiva_widgets.downloads.link import Link, header
from inductiva_widgets.downloads.opener import Response
from inductiva_widgets.downloads.partfile import PartFile, ScratchFile
from inductiva_widgets.downloads.progress import Tally
from inductiva_widgets.downloads.ranges import Identity, content_range, unsatisfied_size
from inductiva_widgets.errors import APIConnectionError, DownloadError, InputError
from inductiva_widgets.formatting import format_bytes


def fetch_whole(link: Link, target: Path, tally: Tally) -> Path:
    """Fetch a file beside its target and move it there when it is whole.

    A download that breaks off leaves ``name.part``, from which a later call goes on.

    Parameters
    ----------
    link
        Where it comes from.
    target
        Where it goes; its folder is made.
    tally
        Counts.
    """
    if target.is_dir():
        raise InputError(f"{target} is a folder; name the file to write")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with PartFile(target) as part:
            tally.expect(files=1)
            receive(link, part, tally)
            part.commit()
    except OSError as exc:
        raise DownloadError(f"{target} cannot be written: {exc.strerror or exc}") from exc
    tally.finish_file()
    return target


def receive(link: Link, part: PartFile | ScratchFile, tally: Tally) -> None:
    """Fetch a file into a part, from where the part ends.

    Parameters
    ----------
    link
        Where it comes from.
    part
        Gets the bytes.
    tally
        Counts.

    Raises
    ------
    DownloadError
        When it did not become whole in spite of all tries.
    """
    failures, furthest = 0, part.length
    if part.identity is not None:
        tally.restart(part.length, part.identity.size)
    while True:
        error: APIConnectionError | None = None
        with link.open(_headers(part), {200, 206, 416}) as response:
            going, expected = _begin(response, part, tally)
            if not going and expected is not None:
                return
            try:
                for chunk in response.chunks() if going else ():
                    link.check()
                    part.write(chunk)
                    tally.receive(len(chunk))
            except APIConnectionError as exc:
                error = exc
        link.check()
        if going and error is None and expected in {None, part.length}:
            return
        if expected is not None and part.length > expected:
            part.restart(None)
        # Only bytes never seen before count as progress: a server without ranges that always breaks
        # off at the same place would keep us busy for ever.
        failures = 0 if part.length > furthest else failures + 1
        furthest = max(furthest, part.length)
        if failures >= link.backoff.attempts:
            so_far = f"{format_bytes(part.length)} of {format_bytes(expected)}"
            reason = error or f"{link.shown} ends too early"
            raise DownloadError(f"{reason}, after {so_far}; calling again goes on") from error
        link.pause(failures or 1)


def _headers(part: PartFile | ScratchFile) -> dict[str, str]:
    validator = _validator(part.identity)
    if not part.length or validator is None:
        return {}
    return {"Range": f"bytes={part.length}-", "If-Range": validator}


def _begin(
    response: Response, part: PartFile | ScratchFile, tally: Tally
) -> tuple[bool, int | None]:
    """Fit the part to the answer; return whether a body follows, and the size of the whole file.

    No body but a size means that all is there already.
    """
    if response.status == 200:
        # The whole file, be it that nothing else was asked, that ranges are not known here, or that
        # the file is another one by now: begin anew in each case.
        length = header(response, "Content-Length")
        size = int(length) if length and length.isdecimal() else None
        identity = Identity.of(response, size)
        part.restart(identity if _validator(identity) else None)
        tally.restart(0, size)
        _check_space(part.path, size)
        return True, size
    if response.status == 206 and part.identity is not None:
        found = content_range(response)
        if found and found[0] == part.length and found[2] is not None:
            now = Identity.of(response, found[2])
            if part.identity.matches(now):
                tally.restart(part.length, now.size)
                return True, now.size
    elif (
        part.identity is not None
        and part.identity.size == part.length
        and unsatisfied_size(response) in {None, part.length}
    ):
        return False, part.length  # 416: nothing lies beyond what we have
    part.restart(None)
    tally.restart(0, None)
    return False, None


def _validator(identity: Identity | None) -> str | None:
    """Return what may stand in `If-Range`: a strong ETag, else the date."""
    if identity is None:
        return None
    if identity.etag and not identity.etag.startswith("W/"):
        return identity.etag
    return identity.modified


def _check_space(path: Path, size: int | None) -> None:
    free = shutil.disk_usage(path.parent).free
    if size is not None and size > free:
        raise DownloadError(
            f"the file needs {format_bytes(size)}, "
            f"but {path.parent} has only {format_bytes(free)} free"
        )
