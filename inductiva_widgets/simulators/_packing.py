"""Streaming of an input folder as a zip archive, without a temporary file."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from inductiva_widgets.errors import InputError

TOP_FOLDER = "sim_dir"
_CHUNK = 1 << 20
# With the top folder, as many as the embedded server takes.
_MAX_DEPTH = 199
_SHOWN = 60
_MOVE_AWAY = "or move it out of the input folder."


class InputFile(NamedTuple):
    """A file of an input folder.

    Parameters
    ----------
    path
        Path of the file.
    name
        Name in the archive.
    size
        Size in bytes when the folder was validated.
    """

    path: Path
    name: str
    size: int

    def read(self) -> Iterator[bytes]:
        """Yield the content in chunks.

        Raises
        ------
        InputError
            The file cannot be read, or changes while it is read.
        """
        with (
            _explain_os_errors(self.path),
            # Without a buffer, as the chunks are large.
            open(self.path, "rb", buffering=0, opener=_open_without_waiting) as source,
        ):
            before = os.fstat(source.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise _changed(self.path, "it is not a file any more")
            left = self.size
            while piece := source.read(_CHUNK):
                left -= len(piece)
                if left < 0:
                    # A file that grows as fast as it is read has no end.
                    raise _changed(self.path, f"it had {self.size:,} bytes and has more now")
                yield piece
            if left:
                present = self.size - left
                raise _changed(self.path, f"it had {self.size:,} bytes and has {present:,} now")
            if os.fstat(source.fileno()).st_mtime_ns != before.st_mtime_ns:
                raise _changed(self.path, "it was overwritten")


@dataclass(frozen=True)
class InputFolder:
    """Validated input folder.

    Parameters
    ----------
    path
        Path of the folder.
    files
        The files, sorted.
    folders
        Names of empty folders, which some simulators need.
    """

    path: Path
    files: tuple[InputFile, ...] = ()
    folders: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Total size of the files in bytes."""
        return sum(file.size for file in self.files)

    def stream(self, on_progress: Callable[[int], None] | None = None) -> Iterator[bytes]:
        """Yield the archive in chunks.

        Parameters
        ----------
        on_progress
            Called with the number of bytes read so far.

        Raises
        ------
        InputError
            A file cannot be read any more, or has changed since the validation.
        """
        sink = _Sink()
        done = 0
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
            # The service expects an entry of the top folder.
            archive.writestr(f"{TOP_FOLDER}/", b"")
            for folder in self.folders:
                archive.writestr(f"{folder}/", b"")
            for file in self.files:
                with _explain_os_errors(file.path):
                    info = zipfile.ZipInfo.from_file(file.path, file.name, strict_timestamps=False)
                info.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(info, "w", force_zip64=True) as member:
                    for piece in file.read():
                        member.write(piece)
                        done += len(piece)
                        if on_progress is not None:
                            on_progress(done)
                        yield from sink.drain()
        yield from sink.drain()


def validate_input_dir(input_dir: str | os.PathLike[str]) -> InputFolder:
    """Validate an input folder, and list its files.

    Parameters
    ----------
    input_dir
        Folder with the input files of the simulation.

    Returns
    -------
    InputFolder
        The files to upload.

    Raises
    ------
    InputError
        The folder does not exist, is empty, or has a file that cannot be read.
    """
    try:
        path = Path(input_dir).expanduser()
    except TypeError:
        raise InputError(
            f"`input_dir` must be the path of a folder, got {type(input_dir).__name__}."
        ) from None
    with _explain_os_errors(path):
        exists, is_dir = path.exists(), path.is_dir()
    if not exists:
        raise InputError(
            f"The input folder {str(input_dir)!r} does not exist in {str(Path.cwd())!r}."
        )
    if not is_dir:
        raise InputError(f"`input_dir` must be a folder, but {str(input_dir)!r} is a file.")
    folder = _walk(path)
    if not folder.files:
        raise InputError(f"The input folder {str(input_dir)!r} is empty.")
    if any(file.name == f"{TOP_FOLDER}/output.zip" for file in folder.files):
        raise InputError(
            f"The input folder {str(input_dir)!r} must not have a file output.zip, since the "
            "service uses this name for results. Rename or remove it."
        )
    return folder


def _walk(top: Path) -> InputFolder:
    """List files and empty folders, following links to folders unless they form a cycle."""
    files: list[InputFile] = []
    empty: list[str] = []

    def visit(folder: Path, name: str, above: frozenset[Path]) -> None:
        if len(above) > _MAX_DEPTH:
            raise InputError(
                f"The input folder must have at most {_MAX_DEPTH} nested folders, got more in "
                f"{name[:_SHOWN]!r}. Flatten the folders, or pack them into one file."
            )
        with _explain_os_errors(folder):
            real = folder.resolve()
            entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
        if real in above:
            raise InputError(f"The input folder must not have a cyclic link, got {str(folder)!r}.")
        if not entries and name != TOP_FOLDER:
            empty.append(name)
        for entry in entries:
            inner = f"{name}/{_valid_name(entry)}"
            with _explain_os_errors(entry):
                found = _stat(entry)
            if stat.S_ISDIR(found.st_mode):
                visit(entry, inner, above | {real})
            elif stat.S_ISREG(found.st_mode):
                if not os.access(entry, os.R_OK):
                    raise _unreadable(entry, "permission denied")
                files.append(InputFile(entry, inner, found.st_size))
            else:
                raise _not_a_file(entry)

    visit(top, TOP_FOLDER, frozenset())
    return InputFolder(top, tuple(files), tuple(empty))


def _stat(entry: Path) -> os.stat_result:
    try:
        return entry.stat()
    except OSError:
        if entry.is_symlink():
            raise _not_a_file(entry) from None
        raise


def _valid_name(entry: Path) -> str:
    """Return the name of a file or folder, which must be valid in a zip archive."""
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"The names of input files must be valid UTF-8, got {str(entry)!r}. Rename it."
        ) from None
    return entry.name


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe without a writer would otherwise never open."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@contextmanager
def _explain_os_errors(path: Path) -> Iterator[None]:
    """Raise errors of the file system as ``InputError`` with the path and what to do."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(
            f"The input {str(path)!r} was removed while the input folder was read. Run again when "
            "no program changes the folder."
        ) from None
    except OSError as error:
        raise _unreadable(path, (error.strerror or type(error).__name__).lower()) from None


def _unreadable(path: Path, reason: str) -> InputError:
    return InputError(
        f"The input {str(path)!r} cannot be read: {reason}. Make it readable, {_MOVE_AWAY}"
    )


def _changed(path: Path, how: str) -> InputError:
    return InputError(
        f"The input {str(path)!r} changed while it was uploaded: {how}. End the program that "
        f"writes to it, {_MOVE_AWAY}"
    )


def _not_a_file(path: Path) -> InputError:
    return InputError(
        f"The input folder must have files and folders only, got {str(path)!r}, a broken link, "
        "pipe or device. Remove it."
    )


class _Sink(io.RawIOBase):
    """Unseekable file that keeps written data until it is drained."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def drain(self) -> Iterator[bytes]:
        data = b"".join(self._pieces)
        self._pieces.clear()
        if data:
            yield data
