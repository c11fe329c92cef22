"""Simulators: choose one, call ``run()``, get a task."""

from inductiva_widgets.simulators.base import Simulator
from inductiva_widgets.simulators.catalogue.coasts import (
    FVCOM,
    MOHID,
    SCHISM,
    SFINCS,
    SWMM,
    Delft3D,
    Delft3DFM,
    HecRas,
    OpenTelemac,
)
from inductiva_widgets.simulators.catalogue.compiled import (
    CM1,
    COAWST,
    FUNWAVE,
    WaveWatch3,
)
from inductiva_widgets.simulators.catalogue.fluids import (
    FDS,
    AmrWind,
    CaNS,
    DualSPHysics,
    OpenFOAM,
    SplishSplash,
)
from inductiva_widgets.simulators.catalogue.matter import (
    CP2K,
    GROMACS,
    GX,
    NWChem,
    Octopus,
    QuantumEspresso,
)
from inductiva_widgets.simulators.catalogue.structures import (
    CalculiX,
    CustomImage,
    Elmer,
    FreeFEM,
    GprMax,
    OpenFAST,
    OpenSees,
)
from inductiva_widgets.simulators.catalogue.waves import (
    REEF3D,
    SNLSWAN,
    SWAN,
    SWASH,
    XBeach,
)
from inductiva_widgets.simulators.catalogue.weather import WRF
from inductiva_widgets.simulators.options import HybridOptions, MeshOptions, MpiOptions, RunOptions

__all__ = [
    "CM1",
    "COAWST",
    "CP2K",
    "FDS",
    "FUNWAVE",
    "FVCOM",
    "GROMACS",
    "GX",
    "MOHID",
    "REEF3D",
    "SCHISM",
    "SFINCS",
    "SNLSWAN",
    "SWAN",
    "SWASH",
    "SWMM",
    "WRF",
    "AmrWind",
    "CaNS",
    "CalculiX",
    "CustomImage",
    "Delft3D",
    "Delft3DFM",
    "DualSPHysics",
    "Elmer",
    "FreeFEM",
    "GprMax",
    "HecRas",
    "HybridOptions",
    "MeshOptions",
    "MpiOptions",
    "NWChem",
    "Octopus",
    "OpenFAST",
    "OpenFOAM",
    "OpenSees",
    "OpenTelemac",
    "QuantumEspresso",
    "RunOptions",
    "Simulator",
    "SplishSplash",
    "WaveWatch3",
    "XBeach",
]
