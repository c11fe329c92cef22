"""Chosen members of an archive to files: planned, fetched over parallel ranges, checked, moved."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass, field
from pathlib import Path

from inductiva_widgets.downloads._atomic import AtomicFile
from inductiva_widgets.downloads._codecs import check_supported, crc32
from inductiva_widgets.downloads._connection_limit import ConnectionLimiter
from inductiva_widgets.downloads._decompress import PIECE
from inductiva_widgets.downloads._extraction_context import ExtractionContext
from inductiva_widgets.downloads._extraction_queue import LARGE, SPOOLS, ExtractionQueue
from inductiva_widgets.downloads._plan import (
    ExtractItem,
    coalesce_ranges,
    select_entries,
    strip_prefix,
)
from inductiva_widgets.downloads._progress_tracker import SubProgress
from inductiva_widgets.downloads._safe_paths import assign_paths, is_case_insensitive, make_safe_dir
from inductiva_widgets.downloads._signed_url import SignedUrl
from inductiva_widgets.downloads._staging import StagingDir
from inductiva_widgets.downloads._whole_file import RESTARTS, stream_to_file
from inductiva_widgets.downloads._workers import WorkerPool
from inductiva_widgets.downloads.limits import Limits, check_free_space, free_space
from inductiva_widgets.downloads.progress import DownloadSummary
from inductiva_widgets.downloads.remote_file import (
    FileChanged,
    FileVersion,
    LocalFile,
    RandomAccess,
    RangesUnsupported,
    RemoteFile,
)
from inductiva_widgets.downloads.zip_directory import CentralDirectory, read_central_directory
from inductiva_widgets.errors import ArchiveError, DownloadCancelled, DownloadError

Names = Iterable[str] | str | None


@dataclass(frozen=True)
class ArchiveSelection:
    """What is wanted of an archive, and where.

    Parameters
    ----------
    target
        The folder to fill.
    names
        Members to fetch, as for ``fetch_archive``; None for all.
    strip_prefix
        Gives the prefix to strip from the names of all members.
    limits
        How much content there may be.
    """

    target: Path
    names: Names = None
    strip_prefix: Callable[[Iterable[str]], str] = field(default=lambda _: "")
    limits: Limits = field(default_factory=Limits)


class ArchiveExtraction:
    """The fetch of one archive, in two steps.

    Parameters
    ----------
    link
        The archive.
    wish
        What is wanted.
    share
        Counts, and gets the outcome.
    lanes
        The limit on connections.
    """

    def __init__(
        self, link: SignedUrl, wish: ArchiveSelection, share: SubProgress, lanes: ConnectionLimiter
    ) -> None:
        self._link = link
        self._wish = wish
        self._share = share
        self._lanes = lanes
        self._source = RemoteFile(link)
        self._plan: _ExtractionPlan | None = None
        link.bind(share.control, lanes.reduce)

    def prepare(self) -> None:
        """Read the directory and choose; then the totals are known. Writes nothing.

        Raises
        ------
        InputError
            When no name matches.
        UnsafePathError
            When a chosen member would land outside of the folder.
        ArchiveError
            When it is no archive, holds too much, or a chosen member cannot be read.
        """
        with contextlib.suppress(RangesUnsupported):
            self._plan = _ExtractionPlan(read_central_directory(self._source), self._wish)
            self._plan.announce(self._share)

    def run(self) -> Path:
        """Fetch; files that are there already and whole are kept.

        Raises
        ------
        DownloadError
            When not all became whole; those that did stay.
        """
        target = self._wish.target
        made = not target.exists()
        try:
            if not made and not target.is_dir():
                raise DownloadError(f"{target} is a file where a folder is needed")
            target.mkdir(parents=True, exist_ok=True)
            root = target.resolve()
            with StagingDir(root, self._share) as work:
                self._fill_again(root, work)
        except OSError as exc:
            raise DownloadError(f"{target} cannot be written: {exc.strerror or exc}") from exc
        finally:
            if made:
                with contextlib.suppress(OSError):
                    target.rmdir()  # where nothing came, nothing is left
        return target

    def _fill_again(self, root: Path, work: StagingDir, restarts: int = RESTARTS) -> None:
        """Fill the folder, from the start when the archive becomes another one meanwhile."""
        try:
            self._fill(root, work)
        except FileChanged:
            if not restarts:
                raise
            self._source = RemoteFile(self._link)
            self.prepare()
            self._fill_again(root, work, restarts - 1)

    def _fill(self, root: Path, work: StagingDir) -> None:
        if self._plan is not None:
            try:
                self._extract(self._source, self._source.version, self._plan, root, work)
                return
            except RangesUnsupported:
                pass  # a server may change its mind
        with AtomicFile(work.temp_path()) as copy:
            stream_to_file(self._link, copy, root, self._share)
            local = LocalFile(copy.path)
            plan = _ExtractionPlan(read_central_directory(local), self._wish)
            self._share.set_file_count(len(plan.files))
            self._extract(local, FileVersion(local.size), plan, root, work)

    def _extract(
        self,
        source: RandomAccess,
        identity: FileVersion,
        plan: _ExtractionPlan,
        root: Path,
        work: StagingDir,
    ) -> None:
        # A whole copy was counted as it came.
        remote = isinstance(source, RemoteFile)
        same = work.begin(identity)
        for folder in plan.folders:
            make_safe_dir(root, folder)
        missing = [item for item in plan.files if not self._keep(root, item, work, counted=remote)]
        for item in missing:
            if (root / item.path).is_dir():
                raise DownloadError(f"{root / item.path} is a folder where a file is to be written")
        need = sum(item.member.size for item in missing)
        check_free_space(root, need)
        self._share.outcome = plan.summary(kept=len(plan.files) - len(missing), same=same)
        crew = WorkerPool(self._lanes, self._share.control)
        site = ExtractionContext(source, root, work, self._share, self._lanes, crew, counted=remote)
        jobs = ExtractionQueue(site)
        for item in [item for item in missing if not item.member.size]:
            # Nothing to fetch; but a checksum is stated for no bytes, too.
            if item.member.crc:
                site.record_damaged(ArchiveError(f"{item.member.name}: its checksum is wrong"))
                continue
            with AtomicFile(work.temp_path()) as file:
                site.finish(item, file)
            if remote:
                self._share.count_existing(item.member.compressed_size)
        full = [item for item in missing if item.member.size]
        large = _large(full, free_space(root) - need) if remote else []
        spooled = {item.path for item in large}
        small = (item for item in full if item.path not in spooled)
        threads = jobs.plan(coalesce_ranges(small, self._lanes.most if remote else 1), large)
        try:
            crew.run(jobs.next_job, threads)
        finally:
            jobs.close()
        work.finish(plan.files)
        if site.damaged:
            first, others = site.damaged[0], len(site.damaged) - 1
            more = f" (and {others} more damaged members)" if others else ""
            raise ArchiveError(f"{first}{more}") from first

    def _keep(self, root: Path, item: ExtractItem, work: StagingDir, *, counted: bool) -> bool:
        """Tell whether a file is there already, with the right size and checksum."""
        path, member = root / item.path, item.member
        try:
            found = path.lstat()
        except OSError:
            return False
        if not stat.S_ISREG(found.st_mode) or found.st_size != member.size:
            return False
        if not work.is_complete(item.path, path, member):
            if self._checksum(path) != member.crc:
                return False
            work.mark_complete(item.path, path, member)
        if counted:
            self._share.count_existing(member.compressed_size)
        self._share.finish_file(path)
        return True

    def _checksum(self, path: Path) -> int:
        crc = 0
        with path.open("rb", buffering=0) as file:
            while data := file.read(PIECE):
                if self._share.control.cancelled:
                    raise DownloadCancelled("the download was cancelled")
                crc = crc32(data, crc)
        return crc


class _ExtractionPlan:
    """Which members go where."""

    def __init__(self, directory: CentralDirectory, wish: ArchiveSelection) -> None:
        prefix = wish.strip_prefix(member.name for member in directory.members)
        members = strip_prefix(directory.members, prefix)
        self._choice = select_entries(members, wish.names, prefix)
        self._layout = assign_paths(members, fold_case=is_case_insensitive(_existing(wish.target)))
        items = [
            ExtractItem(members[name], self._layout.path(name)) for name in self._choice.wanted
        ]
        self.files = [item for item in items if not item.member.is_dir]
        for item in self.files:
            check_supported(item.member)
        wish.limits.check([item.member for item in self.files])
        self.folders = sorted(
            {item.path if item.member.is_dir else item.path.rpartition("/")[0] for item in items}
        )

    def announce(self, share: SubProgress) -> None:
        """Tell how much there is to do."""
        share.set_file_count(len(self.files))
        share.reset(0, sum(item.member.compressed_size for item in self.files))

    def summary(self, *, kept: int, same: bool) -> DownloadSummary:
        """Return what is to be told at the end."""
        choice, layout = self._choice, self._layout
        renamed = {name: layout.renamed[name] for name in choice.wanted if name in layout.renamed}
        links = [item.path for item in self.files if item.member.is_symlink]
        messages = [choice.hint] if choice.hint else []
        if not same:
            messages.append("the archive changed since the last download, which began anew")
        if renamed:
            name, place = next(iter(renamed.items()))
            messages.append(
                f"stored under another name: {name!r} as {place!r}{_and_n_more(renamed)}"
            )
        if links:
            messages.append(
                "stored as a small text file, not as a symbolic link: "
                f"{links[0]!r}{_and_n_more(links)}"
            )
        return DownloadSummary(renamed, choice.missing, kept, tuple(messages))


def extract_remote_archive(
    link: SignedUrl, wish: ArchiveSelection, share: SubProgress, lanes: ConnectionLimiter
) -> Path:
    """Fetch members over ranges, or by way of a whole copy where the server knows no ranges.

    Parameters
    ----------
    link, wish, share, lanes
        As for ``ArchiveFetch``.
    """
    fetch = ArchiveExtraction(link, wish, share, lanes)
    fetch.prepare()
    return fetch.run()


def _large(items: list[ExtractItem], room: int) -> list[ExtractItem]:
    """Return the members to be fetched in blocks: those whose spools the disk can hold, too."""
    large = [item for item in items if item.member.compressed_size > LARGE]
    largest = sorted((item.member.compressed_size for item in large), reverse=True)[:SPOOLS]
    return large if sum(largest) <= room else []


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next((place for place in (path, *path.parents) if place.exists()), path)


def _and_n_more(things: Sized) -> str:
    return f" and {len(things) - 1} more" if len(things) > 1 else ""
