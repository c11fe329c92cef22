"""The input folder of a run and the files that a simulator needs in it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePath

from inductiva_widgets.errors import InputError
from inductiva_widgets.simulators._packing import TOP_FOLDER, validate_input_dir
from inductiva_widgets.simulators.options import InputDir


class Inputs:
    """What a task starts from, checked before any request is made.

    Parameters
    ----------
    input_dir
        Folder with the input files.
    remote_assets
        Paths in the remote storage that become inputs too.

    Raises
    ------
    InputError
        There is neither, or the folder cannot be used.
    """

    def __init__(
        self, input_dir: InputDir, remote_assets: str | Iterable[str] | None = None
    ) -> None:
        self.assets = (
            [remote_assets] if isinstance(remote_assets, str) else list(remote_assets or ())
        )
        if input_dir is None and not self.assets:
            raise InputError("Nothing to run on: give input_dir, or remote_assets.")
        self.folder = None if input_dir is None else validate_input_dir(input_dir)

    def input_file(self, name: str | os.PathLike[str], argument: str | None = None) -> str:
        """Return the path of an input file as commands write it.

        Parameters
        ----------
        name
            Its path in the input folder.
        argument
            The argument that named it, for messages; None for a name that the simulator asks for.

        Raises
        ------
        InputError
            It is not among the inputs, lies outside of them, or has blanks or quotes.
        """
        path = self._path(name, argument)
        self._expect(path, argument, "file")
        return path

    def input_dir(self, name: str | os.PathLike[str], argument: str) -> str:
        """Return the path of a folder of the inputs, ``"."`` for their top; as ``file``."""
        path = self._path(name or ".", argument)
        if path != ".":
            self._expect(path, argument, "folder")
        return path

    @staticmethod
    def _path(name: str | os.PathLike[str], argument: str | None) -> str:
        if not isinstance(name, (str, os.PathLike)) or not str(name).strip():
            raise InputError(f"{argument} must be a path in the input folder, not {name!r}.")
        path = PurePath(name)
        if path.is_absolute() or ".." in path.parts:
            raise InputError(
                f"{argument} must lie in the input folder; {str(name)!r} leads out of it."
            )
        text = path.as_posix()
        if len(text.split()) > 1 or set(text) & set("\"'\\"):
            raise InputError(
                f"The name {text!r} has blanks or quotes, which commands cannot carry."
            )
        return text

    def _expect(self, path: str, argument: str | None, kind: str) -> None:
        # Only the task will see what the remote storage brings.
        if self.folder is None or self.assets:
            return
        packed = f"{TOP_FOLDER}/{path}"
        names = [name for _, name in self.folder.files]
        if kind == "file":
            found = packed in names
        else:
            found = packed in self.folder.folders or any(
                name.startswith(f"{packed}/") for name in (*names, *self.folder.folders)
            )
        if not found:
            why = f" ({argument})" if argument else ", which this simulator needs"
            raise InputError(
                f"The input folder {str(self.folder.path)!r} has no {kind} {path!r}{why}."
            )
