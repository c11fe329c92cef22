"""Inputs of a run: the input folder and remote files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePath

from inductiva_widgets.errors import InputError
from inductiva_widgets.simulators._packing import TOP_FOLDER, validate_input_dir
from inductiva_widgets.simulators.options import InputDir


class Inputs:
    """Validated inputs of a task.

    Parameters
    ----------
    input_dir
        Folder with the input files.
    remote_assets
        Paths of further inputs in the remote storage.

    Raises
    ------
    InputError
        There are no inputs, or the folder is invalid.
    """

    def __init__(
        self, input_dir: InputDir, remote_assets: str | Iterable[str] | None = None
    ) -> None:
        self.assets = (
            [remote_assets] if isinstance(remote_assets, str) else list(remote_assets or ())
        )
        for asset in self.assets:
            if not isinstance(asset, str) or not asset.strip("/"):
                raise InputError(
                    f"`remote_assets` must be paths in the remote storage, got {asset!r}. Pass the "
                    "outputs of a task as task.info.storage_output_path."
                )
        if input_dir is None and not self.assets:
            raise InputError("There are no inputs. Pass `input_dir` or `remote_assets`.")
        self.folder = None if input_dir is None else validate_input_dir(input_dir)

    def input_file(self, name: str | os.PathLike[str], argument: str | None = None) -> str:
        """Validate the path of an input file, and return it as a part of a command.

        Parameters
        ----------
        name
            Path in the input folder.
        argument
            Name of the argument with the path, or None if the simulator requires the file.

        Raises
        ------
        InputError
            The file does not exist, is outside the input folder, or has spaces or quotes.
        """
        path = self._path(name, argument)
        self._require(path, argument, "file")
        return path

    def input_dir(self, name: str | os.PathLike[str], argument: str) -> str:
        """Validate the path of an input folder as ``input_file`` does; "" is the top folder."""
        path = self._path(name or ".", argument)
        if path != ".":
            self._require(path, argument, "folder")
        return path

    @staticmethod
    def _path(name: str | os.PathLike[str], argument: str | None) -> str:
        if not isinstance(name, (str, os.PathLike)) or not str(name).strip():
            raise InputError(f"`{argument}` must be a path in the input folder, got {name!r}.")
        path = PurePath(name)
        if path.is_absolute() or ".." in path.parts:
            raise InputError(
                f"`{argument}` must be a path inside the input folder, got {str(name)!r}."
            )
        text = path.as_posix()
        if len(text.split()) > 1 or set(text) & set("\"'\\"):
            raise InputError(
                f"The name of an input file must not have spaces or quotes, got {text!r}. Rename "
                "the file."
            )
        return text

    def _require(self, path: str, argument: str | None, kind: str) -> None:
        # The files in the remote storage are not known here.
        if self.folder is None or self.assets:
            return
        packed = f"{TOP_FOLDER}/{path}"
        names = [file.name for file in self.folder.files]
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
