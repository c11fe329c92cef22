"""Choose the version and GPU variant of a container image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

from inductiva_widgets.errors import InputError

Device = Literal["auto", "cpu", "gpu"]
DEVICES: tuple[str, ...] = get_args(Device)
_GPU = "_gpu"


class ImageVariant(NamedTuple):
    """A version, and whether it is the one for GPUs."""

    version: str
    gpu: bool

    @property
    def tag(self) -> str:
        """How images spell it."""
        return f"v{self.version}{_GPU if self.gpu else ''}"


def select_image_variant(
    name: str, offered: Iterable[str], version: str | None, device: Device, has_gpu: bool
) -> ImageVariant:
    """Return the version to run.

    Parameters
    ----------
    name
        Name of the simulator, for messages.
    offered
        Versions as the service lists them; those for GPUs end in ``_gpu``.
    version
        The user's choice; None for the newest.
    device
        ``"auto"`` takes the variant for GPUs where the machine has one and the version too.
    has_gpu
        Whether the machine has a GPU.

    Raises
    ------
    InputError
        There is no such version; the text lists those that there are.

    Examples
    --------
    >>> select_image_variant("GROMACS", ["8", "12", "12_gpu"], None, "auto", has_gpu=True).tag
    'v12_gpu'
    """
    listed = set(offered)
    for_gpu = {item.removesuffix(_GPU) for item in listed if item.endswith(_GPU)}
    for_cpu = {item for item in listed if not item.endswith(_GPU)}
    if device == "gpu":
        # Where the list tells no variants apart, the suffix alone asks for the one for GPUs.
        choices = for_gpu or for_cpu
    elif device == "auto" and has_gpu:
        choices = for_cpu | for_gpu
    else:
        choices = for_cpu
    ordered = sorted(choices, key=version_key)
    if not ordered:
        raise InputError(f"{name} is offered for GPUs only: run it on a machine with a GPU.")
    if version is None:
        version = ordered[-1]
    elif version not in choices:
        kind = f" for device {device!r}" if device != "auto" and for_gpu else ""
        raise InputError(
            f"{name} has no version {version!r}{kind}. Versions: {', '.join(ordered)}."
        )
    wanted = device == "gpu" or (device == "auto" and has_gpu and version in for_gpu)
    return ImageVariant(version, wanted)


def version_key(version: str) -> list[tuple[int, int, str]]:
    """Order versions by their numbers: 8 before 12, 9.01A before 11.01."""
    parts = re.findall(r"\d+|[A-Za-z]+", version)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part.lower()) for part in parts]
