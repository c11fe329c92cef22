"""Simulators: choose one, call ``run()``, get a task.

```python
swmm = inductiva.simulators.SWMM()
task = swmm.run("cases/swmm_storm", time_to_live="30m")
```

Every simulator of the service is here under its own name. They differ in what ``run`` takes:

- a list of command lines, as ``SWMM``, ``GROMACS`` and ``OpenFOAM`` do;
- the name of a configuration file, as ``CP2K``, ``SWASH`` and ``SplishSplash`` do;
- just the folder, whose files have fixed names, as ``REEF3D`` and ``XBeach`` do.

``Simulator`` says what they have in common, ``RunOptions`` the arguments that every ``run`` takes
(the machine group, project, time limit ...), and ``MpiOptions``, ``HybridOptions`` and
``MeshOptions`` those of some. ``CustomImage`` runs any container image.

On the embedded server SWMM is built in; the other simulators run where their program is on the
``PATH``, and a task says what is missing where it is not.
"""

from inductiva_widgets.simulators.base import Simulator
from inductiva_widgets.simulators.catalogue.coastal import (
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
from inductiva_widgets.simulators.catalogue.materials import (
    CP2K,
    GROMACS,
    GX,
    NWChem,
    Octopus,
    QuantumEspresso,
)
from inductiva_widgets.simulators.catalogue.structural import (
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
