"""Selection of the version and the GPU variant of a container image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

from inductiva_widgets.errors import InputError

Device = Literal["auto", "cpu", "gpu"]
DEVICES: tuple[str, ...] = get_args(Device)
_GPU = "_gpu"


class ImageVariant(NamedTuple):
    """Version of an image, for CPUs or for GPUs."""

    version: str
    gpu: bool

    @property
    def tag(self) -> str:
        """Part of the name of the image, such as ``"v12_gpu"``."""
        return f"v{self.version}{_GPU if self.gpu else ''}"


def select_image_variant(
    name: str, offered: Iterable[str], version: str | None, device: Device, has_gpu: bool
) -> ImageVariant:
    """Select the version and the variant to run.

    Parameters
    ----------
    name
        Name of the simulator, for messages.
    offered
        Versions offered by the service. Those for GPUs end in ``_gpu``.
    version
        Version given by the user, or None for the newest.
    device
        ``"cpu"``, ``"gpu"``, or ``"auto"`` for the GPU if both the machine and the version support
        it.
    has_gpu
        If True, the machine has a GPU.

    Raises
    ------
    InputError
        There is no such version.

    Examples
    --------
    >>> select_image_variant("GROMACS", ["8", "12", "12_gpu"], None, "auto", has_gpu=True).tag
    'v12_gpu'
    """
    listed = set(offered)
    for_gpu = {item.removesuffix(_GPU) for item in listed if item.endswith(_GPU)}
    for_cpu = {item for item in listed if not item.endswith(_GPU)}
    if device == "gpu":
        # If the service lists no GPU variants, the suffix is still accepted.
        choices = for_gpu or for_cpu
    elif device == "auto" and has_gpu:
        choices = for_cpu | for_gpu
    else:
        choices = for_cpu
    ordered = sorted(choices, key=version_key)
    if not ordered:
        raise InputError(f"{name} is offered for GPUs only. Run it on a machine with a GPU.")
    if version is None:
        version = ordered[-1]
    elif version not in choices:
        kind = f" for device {device!r}" if device != "auto" and for_gpu else ""
        raise InputError(
            f"Unknown version {version!r} of {name}{kind}, expected one of: {', '.join(ordered)}."
        )
    use_gpu = device == "gpu" or (device == "auto" and has_gpu and version in for_gpu)
    return ImageVariant(version, use_gpu)


def version_key(version: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts versions by their numbers: 8 before 12, 9.01A before 11.01."""
    parts = re.findall(r"\d+|[A-Za-z]+", version)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part.lower()) for part in parts]
