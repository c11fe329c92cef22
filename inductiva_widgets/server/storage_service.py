"""Service for stored files: paths, signed URLs, copies and removal."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from inductiva_widgets.server import state_machine, storage_listing, transfer
from inductiva_widgets.server.errors import BadRequestError, ConflictingStateError, MissingError
from inductiva_widgets.server.schemas.storage import REGION, ByteRange, StoredFile, ZipContents
from inductiva_widgets.server.signed_urls import UrlSigner
from inductiva_widgets.server.store.records import TaskRecord
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.server.work_dir import FileContent
from inductiva_widgets.status import Status

INPUT = "input.zip"
OUTPUT = "output.zip"

# Temporary names are up to 40 bytes longer, and file systems allow 255.
_LONGEST_NAME = 200
_LONGEST_PATH = 1000


class StorageService:
    """Implements the storage API.

    Parameters
    ----------
    root
        Folder that holds the stored files.
    store
        Finds the task that a file belongs to.
    signer
        Creates and checks signed URLs.
    """

    def __init__(self, root: Path, store: TaskStore, signer: UrlSigner) -> None:
        self._root = root
        self._store = store
        self._signer = signer

    def resolve_path(self, path: str) -> tuple[str, Path]:
        """Return the normalized form of a storage path, and its path on the disk.

        A leading slash is ignored.

        Raises
        ------
        BadRequestError
            The path leads out of the storage, or is not a valid file name.
        """
        plain = PurePosixPath(path.lstrip("/"))
        parts = plain.parts
        # Hidden files are in transfer.
        if not parts or not _is_plain_text(path) or any(part.startswith(".") for part in parts):
            raise BadRequestError(f"This is no path of the storage: {path!r}.")
        sizes = [len(part.encode()) for part in parts]
        if max(sizes) > _LONGEST_NAME or sum(sizes) + len(sizes) > _LONGEST_PATH:
            raise BadRequestError(
                f"The path is too long: names have up to {_LONGEST_NAME} bytes, "
                f"paths up to {_LONGEST_PATH}."
            )
        place = self._root.joinpath(*parts)
        if not place.resolve().is_relative_to(self._root.resolve()):
            raise BadRequestError(f"This is no path of the storage: {path!r}.")
        return plain.as_posix(), place

    def check_region(self, region: str | None) -> None:
        """Raise if a request names another region."""
        if region not in (None, "", "all", REGION):
            raise MissingError(f"There is no storage region {region!r} here, only {REGION!r}.")

    # Links ---------------------------------------------------------------------------------------

    def download_links(self, paths: Iterable[str]) -> list[str | None]:
        """Return a signed URL for each file, and for each file below a folder.

        The URL of a missing path is None.

        Raises
        ------
        MissingError
            None of the paths exists.
        """
        links: list[str | None] = []
        names = list(paths)
        for path in names:
            plain, place = self.resolve_path(path)
            if place.is_dir():
                below = sorted(Path(entry.path) for entry in storage_listing.files_below(place))
                names = [file.relative_to(self._root).as_posix() for file in below]
                links += [self._signer.sign("GET", name) for name in names]
            else:
                links.append(self._signer.sign("GET", plain) if place.is_file() else None)
        if not any(links):
            raise MissingError(f"There is no such file in the storage: {', '.join(names)}.")
        return links

    def upload_links(self, paths: Iterable[str]) -> list[str | None]:
        """Return a signed URL for each path, in the same order."""
        return [self._signer.sign("PUT", self.upload_target(path)[0]) for path in paths]

    def upload_target(self, path: str) -> tuple[str, Path]:
        """Return the target of an upload after a check.

        A task's folder accepts only the input archive that the task waits for. Folders of the user
        accept any file.

        Raises
        ------
        BadRequestError
            The upload is not allowed.
        """
        plain, place = self.resolve_path(path)
        record = self._task_of(plain)
        if record is None:
            self._check_new(plain, place, may_replace=True)
        elif plain != record.info.storage_input_path:
            raise BadRequestError(
                f"{plain} is in the folder of task {record.info.task_id}, where only "
                f"{record.info.storage_input_path} can be uploaded: use another folder."
            )
        elif record.info.status != Status.PENDING_INPUT:
            raise ConflictingStateError(
                f"Task {record.info.task_id} does not wait for input: it is {record.info.status}."
            )
        return plain, place

    def check_free_space(self, size: int) -> None:
        """Raise if there is no space for a file of a given size."""
        transfer.check_room(self._root, size)

    def check_upload_size(self, received: int) -> None:
        """Raise if a partly received file is too large or fills the disk."""
        transfer.check_growth(self._root, received)

    # Files ---------------------------------------------------------------------------------------

    def file(self, path: str) -> Path:
        """Return a file of the storage.

        Raises
        ------
        MissingError
            It does not exist.
        """
        plain, place = self.resolve_path(path)
        if not place.is_file():
            raise MissingError(f"There is no such file in the storage: {plain}.")
        return place

    def require_path(self, path: str) -> Path:
        """Return a file or folder of the storage.

        Raises
        ------
        MissingError
            It does not exist.
        """
        plain, place = self.resolve_path(path)
        if not place.exists():
            raise MissingError(f"There is nothing at {plain} in the storage.")
        return place

    def list_path(self, path: str, part: str | None = None) -> list[StoredFile]:
        """List the file at a path, or the files and folders of a folder.

        Parameters
        ----------
        path
            The path; ``/`` or "" is the root of the storage.
        part
            Text that the names must contain.
        """
        place = self.require_path(path) if path.strip("/") else self._root
        found = (
            storage_listing.list_dir(place) if place.is_dir() else [storage_listing.one_file(place)]
        )
        return [entry for entry in found if not part or part in entry.name]

    def size(self) -> int:
        """Return the number of stored bytes."""
        return storage_listing.size_below(self._root)

    def remove(self, path: str) -> None:
        """Remove a file or folder permanently.

        Raises
        ------
        MissingError
            It does not exist.
        ConflictingStateError
            A task that has not ended needs it.
        """
        place = self.require_path(path)
        plain, _ = self.resolve_path(path)
        for record in self._store.tasks_by_status(list(state_machine.TRANSITIONS)):
            needed = PurePosixPath(record.info.storage_path or "")
            if needed.is_relative_to(plain) or PurePosixPath(plain).is_relative_to(needed):
                raise ConflictingStateError(
                    f"Task {record.info.task_id} has not ended and needs its files: kill it first."
                )
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()

    def copy(self, source: str, target: str) -> None:
        """Copy a file or folder; a target that ends in a slash is the folder to copy into."""
        origin = self.require_path(source)
        if target.endswith("/"):
            target += origin.name
        plain, place = self._new(target)
        if place.is_relative_to(origin):
            raise BadRequestError(f"{source} cannot be copied into itself, to {plain}.")
        size = storage_listing.size_below(origin) if origin.is_dir() else origin.stat().st_size
        transfer.check_room(self._root, size)
        transfer.copy(origin, place)

    def fetch(self, url: str, path: str) -> None:
        """Download a URL into the storage."""
        _, place = self._new(path, may_replace=True)
        transfer.fetch(url, place)

    # Archives ------------------------------------------------------------------------------------

    def zip_contents(self, path: str, folder: str, *, recursive: bool) -> ZipContents:
        """List the entries in a folder of an archive."""
        return storage_listing.list_contents(self.file(path), folder, recursive=recursive)

    def zip_file_range(self, path: str, folder: str, filename: str) -> ByteRange:
        """Return the byte range of the compressed data of an archive entry."""
        return storage_listing.entry_range(self.file(path), folder, filename)

    def read_zip_entry(
        self, path: str, filename: str, after: int | None, max_bytes: int
    ) -> FileContent:
        """Read a part of a file in an output archive; see ``storage_listing.read_entry``."""
        return storage_listing.read_entry(
            self.file(path), f"artifacts/{filename}", after, max_bytes
        )

    def accept_input(self, path: str, sim_dir: str, assets: Iterable[str]) -> Path:
        """Check a task's input archive, add the requested stored files, and return its path."""
        archive = self.file(path)
        transfer.check_archive(archive, self._root, storage_listing.MAX_ENTRIES)
        found = [
            transfer.Asset(self.resolve_path(asset)[0], self.require_path(asset))
            for asset in assets
        ]
        if found:
            transfer.merge_assets(archive, sim_dir, found, storage_listing.MAX_ENTRIES)
        return archive

    # Inside --------------------------------------------------------------------------------------

    def _task_of(self, plain: str) -> TaskRecord | None:
        """Return the task in whose folder a path is."""
        for part in PurePosixPath(plain).parts:
            record = self._store.task(part)
            if record and PurePosixPath(plain).is_relative_to(record.info.storage_path or "/"):
                return record
        return None

    def _new(self, path: str, *, may_replace: bool = False) -> tuple[str, Path]:
        plain, place = self.resolve_path(path)
        if record := self._task_of(plain):
            raise BadRequestError(
                f"{plain} is in the folder of task {record.info.task_id}: use another folder."
            )
        self._check_new(plain, place, may_replace=may_replace)
        return plain, place

    def _check_new(self, plain: str, place: Path, *, may_replace: bool) -> None:
        if "/" not in plain:
            raise BadRequestError(
                f"Files are stored in folders: name one before the file, as in my_data/{plain}."
            )
        for above in place.parents:
            if above == self._root:
                break
            if above.is_file():
                raise ConflictingStateError(f"{above.name} in {plain} is a file, not a folder.")
        if place.is_dir() or (place.exists() and not may_replace):
            raise ConflictingStateError(f"There is something at {plain} already: remove it first.")


def _is_plain_text(path: str) -> bool:
    """Return whether a path has only characters that are valid in file systems and headers."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return path.isprintable() and "\\" not in path
