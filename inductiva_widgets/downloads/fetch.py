"""Chosen members of an archive to files: planned, fetched over parallel ranges, checked, moved."""

from __future__ import annotations

import shutil
import stat
import zlib
from collections.abc import Callable, Iterable, Sized
from pathlib import Path

from inductiva_widgets.downloads.archive import Directory, Member, read_directory
from inductiva_widgets.downloads.crew import Crew
from inductiva_widgets.downloads.inflate import PIECE
from inductiva_widgets.downloads.link import Link
from inductiva_widgets.downloads.partfile import ScratchFile, sweep
from inductiva_widgets.downloads.paths import Layout, folds_case, lay_out, make_folder
from inductiva_widgets.downloads.plan import Choice, Item, choose, merge, strip
from inductiva_widgets.downloads.progress import Outcome, Tally
from inductiva_widgets.downloads.ranges import LocalSource, RangeSource, RangesUnsupported, Source
from inductiva_widgets.downloads.single import receive
from inductiva_widgets.errors import ArchiveError, DownloadCancelled, DownloadError
from inductiva_widgets.formatting import format_bytes

# Given the names in an archive, returns the prefix to strip.
Stripper = Callable[[Iterable[str]], str]


def fetch_members(
    link: Link,
    target: Path,
    tally: Tally,
    *,
    names: Iterable[str] | str | None,
    stripper: Stripper,
    connections: int,
) -> Path:
    """Fetch members over ranges, or by way of a whole copy where the server knows no ranges.

    Parameters
    ----------
    link
        The archive.
    target
        The folder to fill.
    tally
        Counts, and gets the outcome.
    names
        Chosen members; see `plan.choose`.
    stripper
        Tells the prefix to strip.
    connections
        Ranges to fetch at the same time.
    """
    tally.on_cancel(link.cancel)
    source = RangeSource(link)
    try:
        directory = read_directory(source)
        return extract(
            source,
            directory,
            target,
            tally,
            names=names,
            stripper=stripper,
            connections=connections,
        )
    except RangesUnsupported:
        pass
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep(target.parent)
        with ScratchFile(target) as copy:
            receive(link, copy, tally)
            local = LocalSource(copy.path)
            return extract(
                local,
                read_directory(local),
                target,
                tally,
                names=names,
                stripper=stripper,
                connections=1,
                counted=False,
            )
    except OSError as exc:
        raise DownloadError(f"{target} cannot be written: {exc.strerror or exc}") from exc


def extract(
    source: Source,
    directory: Directory,
    target: Path,
    tally: Tally,
    *,
    names: Iterable[str] | str | None,
    stripper: Stripper,
    connections: int,
    counted: bool = True,
) -> Path:
    """Write chosen members below a folder; files that are there already and whole are kept.

    Parameters
    ----------
    source
        The archive.
    directory
        Its members.
    target
        The folder to fill.
    tally
        Counts, and gets the outcome.
    names
        Chosen members; see `plan.choose`.
    stripper
        Tells the prefix to strip.
    connections
        Ranges to read at the same time.
    counted
        Whether bytes count as progress; not so for a copy whose coming was counted before.

    Raises
    ------
    InputError
        When no name matches; nothing is written then.
    UnsafePathError
        When a chosen member would land outside of the folder; nothing is written then.
    DownloadError
        When not all became whole; those that did stay.
    """
    prefix = stripper(member.name for member in directory.members)
    members = strip(directory.members, prefix)
    choice = choose(members, names, prefix)
    layout = lay_out(members, fold_case=folds_case(_existing(target)))
    items = [Item(members[name], layout.path(name)) for name in choice.wanted]
    files = [item for item in items if not item.member.is_dir]
    for item in files:
        item.member.check_readable()
    tally.expect(files=len(files))
    if counted:
        tally.restart(0, sum(item.member.compressed_size for item in files))
    try:
        root = _make_folders(target, items)
        missing = [item for item in files if not _keep(root, item, tally, counted=counted)]
        _check_space(root, missing)
        tally.outcome = _outcome(layout, choice, items, kept=len(files) - len(missing))
        for item in [item for item in missing if not item.member.size]:
            # Nothing to fetch; but a checksum is stated for no bytes, too.
            if item.member.crc:
                raise ArchiveError(f"{item.member.name}: its checksum is wrong")
            with ScratchFile(root / item.path) as file:
                file.commit()
            _count(tally, item.member, counted=counted)
    except OSError as exc:
        raise DownloadError(f"{target} cannot be written: {exc.strerror or exc}") from exc
    spans = merge((item for item in missing if item.member.size), connections)
    Crew(source, spans, root, tally, counted=counted).run(connections)
    return target


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next((place for place in (path, *path.parents) if place.exists()), path)


def _make_folders(target: Path, items: list[Item]) -> Path:
    """Make all folders and clear them of what killed runs left; return the resolved target."""
    if target.exists() and not target.is_dir():
        raise DownloadError(f"{target} is a file where a folder is needed")
    target.mkdir(parents=True, exist_ok=True)
    root = target.resolve()
    folders = {item.path if item.member.is_dir else item.path.rpartition("/")[0] for item in items}
    for relative in sorted(folders):
        sweep(make_folder(root, relative))
    return root


def _keep(root: Path, item: Item, tally: Tally, *, counted: bool) -> bool:
    """Tell whether a file is there already, with the right size and checksum."""
    path, member = root / item.path, item.member
    try:
        found = path.lstat()
    except OSError:
        return False
    if not stat.S_ISREG(found.st_mode) or found.st_size != member.size:
        return False
    crc = 0
    with path.open("rb") as file:
        while data := file.read(PIECE):
            if tally.cancelled:
                raise DownloadCancelled("the download was cancelled")
            crc = zlib.crc32(data, crc)
    if crc != member.crc:
        return False
    _count(tally, member, counted=counted)
    return True


def _count(tally: Tally, member: Member, *, counted: bool) -> None:
    if counted:
        tally.keep(member.compressed_size)
    tally.finish_file()


def _check_space(root: Path, items: list[Item]) -> None:
    need = sum(item.member.size for item in items)
    free = shutil.disk_usage(root).free
    if need > free:
        raise DownloadError(
            f"the files need {format_bytes(need)}, but {root} has only {format_bytes(free)} free"
        )


def _outcome(layout: Layout, choice: Choice, items: list[Item], *, kept: int) -> Outcome:
    renamed = {name: layout.renamed[name] for name in choice.wanted if name in layout.renamed}
    links = [item.path for item in items if item.member.is_symlink]
    messages = [choice.hint] if choice.hint else []
    if renamed:
        name, place = next(iter(renamed.items()))
        messages.append(f"stored under another name: {name!r} as {place!r}{_more(renamed)}")
    if links:
        messages.append(
            f"stored as a small text file, not as a symbolic link: {links[0]!r}{_more(links)}"
        )
    return Outcome(renamed=renamed, missing=choice.missing, kept=kept, messages=tuple(messages))


def _more(things: Sized) -> str:
    return f" and {len(things) - 1} more" if len(things) > 1 else ""
