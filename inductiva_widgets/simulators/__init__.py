"""Simulators: choose one, call ``run()``, get a task."""

from inductiva_widgets.simulators.base import RunOptions, Simulator
from inductiva_widgets.simulators.catalogue import (
    GROMACS,
    REEF3D,
    SWMM,
    CalculiX,
    CustomImage,
    OpenFOAM,
    SplishSplash,
)

__all__ = [
    "GROMACS",
    "REEF3D",
    "SWMM",
    "CalculiX",
    "CustomImage",
    "OpenFOAM",
    "RunOptions",
    "Simulator",
    "SplishSplash",
]
