"""Stream an input folder as a zip archive, without a temporary file."""

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


@dataclass(frozen=True)
class InputFolder:
    """A checked input folder.

    Parameters
    ----------
    path
        The folder.
    files
        Its files with their names in the archive, in a fixed order.
    folders
        Its empty folders, likewise: some simulators expect them.
    size
        Sum of the files' sizes, bytes.
    """

    path: Path
    files: tuple[tuple[Path, str], ...]
    folders: tuple[str, ...]
    size: int

    def stream(self, on_progress: Callable[[int], None] | None = None) -> Iterator[bytes]:
        """Yield the archive piece by piece; the files go in as they are, no line ending touched.

        Parameters
        ----------
        on_progress
            Called with the number of bytes read so far.
        """
        sink = _Sink()
        done = 0
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
            # Explicitly, as unpackers expect it.
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
    """Look through an input folder before anything is submitted.

    Parameters
    ----------
    input_dir
        The folder with the simulation's input files.

    Returns
    -------
    InputFolder
        What will be packed. No request is made.

    Raises
    ------
    InputError
        The folder is missing, is no folder, holds no file, or holds one that cannot be read.
    """
    try:
        path = Path(input_dir).expanduser()
    except TypeError:
        raise InputError(
            f"input_dir must be the path of a folder, not {type(input_dir).__name__}."
        ) from None
    if not path.exists():
        raise InputError(
            f"The input folder {str(input_dir)!r} does not exist (looked in {Path.cwd()})."
        )
    if not path.is_dir():
        raise InputError(
            f"{str(input_dir)!r} is a file; input_dir is the folder that holds the input files."
        )
    files, folders = _walk(path)
    if not files:
        raise InputError(f"The input folder {str(input_dir)!r} is empty: there is nothing to run.")
    if (path / "output.zip").exists():
        raise InputError(
            f"The input folder {str(input_dir)!r} holds an output.zip, a name that the service "
            "uses for results: rename or remove it."
        )
    unreadable = next((file for file, _ in files if not os.access(file, os.R_OK)), None)
    if unreadable is not None:
        raise InputError(f"The input file {str(unreadable)!r} cannot be read: permission denied.")
    size = sum(file.stat().st_size for file, _ in files)
    return InputFolder(path, tuple(files), tuple(folders), size)


def _walk(top: Path) -> tuple[list[tuple[Path, str]], list[str]]:
    """List files and empty folders; linked folders are followed, each real folder once a branch."""
    files: list[tuple[Path, str]] = []
    empty: list[str] = []

    def visit(folder: Path, name: str, above: frozenset[Path]) -> None:
        real = folder.resolve()
        if real in above:
            raise InputError(f"The input folder has a link that leads back to itself: {folder}.")
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
                    f"{str(entry)!r} in the input folder is neither a file nor a folder "
                    "(a broken link, a pipe or a device): remove it."
                )

    visit(top, TOP_FOLDER, frozenset())
    return files, empty


class _Sink(io.RawIOBase):
    """Collect what the zip writer writes until it is drained; unseekable, so nothing is held."""

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
