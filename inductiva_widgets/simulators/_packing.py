"""Streaming of an input folder as a zip archive, without a temporary file."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inductiva_widgets.errors import InputError

TOP_FOLDER = "sim_dir"
_CHUNK = 1 << 20
# With the top folder, as many as the embedded server takes.
_MAX_DEPTH = 199
_SHOWN = 60


@dataclass(frozen=True)
class InputFolder:
    """Validated input folder.

    Parameters
    ----------
    path
        Path of the folder.
    files
        Paths of the files and their names in the archive, sorted.
    folders
        Names of empty folders, which some simulators need.
    size
        Total size of the files in bytes.
    """

    path: Path
    files: tuple[tuple[Path, str], ...]
    folders: tuple[str, ...]
    size: int

    def stream(self, on_progress: Callable[[int], None] | None = None) -> Iterator[bytes]:
        """Yield the archive in chunks.

        Parameters
        ----------
        on_progress
            Called with the number of bytes read so far.
        """
        sink = _Sink()
        done = 0
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
            # The service expects an entry of the top folder.
            archive.writestr(f"{TOP_FOLDER}/", b"")
            for folder in self.folders:
                archive.writestr(f"{folder}/", b"")
            for path, name in self.files:
                info = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
                info.compress_type = zipfile.ZIP_DEFLATED
                with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as member:
                    while piece := source.read(_CHUNK):
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
    if not path.exists():
        raise InputError(
            f"The input folder {str(input_dir)!r} does not exist in {str(Path.cwd())!r}."
        )
    if not path.is_dir():
        raise InputError(f"`input_dir` must be a folder, but {str(input_dir)!r} is a file.")
    files, folders = _walk(path)
    if not files:
        raise InputError(f"The input folder {str(input_dir)!r} is empty.")
    if (path / "output.zip").exists():
        raise InputError(
            f"The input folder {str(input_dir)!r} must not have a file output.zip, since the "
            "service uses this name for results. Rename or remove it."
        )
    unreadable = next((file for file, _ in files if not os.access(file, os.R_OK)), None)
    if unreadable is not None:
        raise InputError(f"The input file {str(unreadable)!r} cannot be read: permission denied.")
    size = sum(file.stat().st_size for file, _ in files)
    return InputFolder(path, tuple(files), tuple(folders), size)


def _walk(top: Path) -> tuple[list[tuple[Path, str]], list[str]]:
    """List files and empty folders, following links to folders unless they form a cycle."""
    files: list[tuple[Path, str]] = []
    empty: list[str] = []

    def visit(folder: Path, name: str, above: frozenset[Path]) -> None:
        if len(above) > _MAX_DEPTH:
            raise InputError(
                f"The input folder must have at most {_MAX_DEPTH} nested folders, got more in "
                f"{name[:_SHOWN]!r}. Flatten the folders, or pack them into one file."
            )
        real = folder.resolve()
        if real in above:
            raise InputError(f"The input folder must not have a cyclic link, got {str(folder)!r}.")
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
        if not entries and name != TOP_FOLDER:
            empty.append(name)
        for entry in entries:
            inner = f"{name}/{entry.name}"
            if entry.is_dir():
                visit(entry, inner, above | {real})
            elif entry.is_file():
                files.append((entry, inner))
            else:
                raise InputError(
                    "The input folder must have files and folders only, got "
                    f"{str(entry)!r}, a broken link, pipe or device. Remove it."
                )

    visit(top, TOP_FOLDER, frozenset())
    return files, empty


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
