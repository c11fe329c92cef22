"""Simulators, whose ``run()`` submits a task.

```python
swmm = inductiva.simulators.SWMM()
task = swmm.run("cases/swmm_storm", time_to_live="30m")
```

There is a class for each simulator of the service. ``run`` takes one of the following:

- a list of command lines, for example for ``SWMM``, ``GROMACS`` and ``OpenFOAM``;
- the name of a configuration file, for example for ``CP2K``, ``SWASH`` and ``SplishSplash``;
- only the folder, if its files have fixed names, for example for ``REEF3D`` and ``XBeach``.

All simulators are subclasses of ``Simulator``. ``RunOptions`` are the options of every ``run``,
such as the machine group, the project and the time limit; ``MpiOptions``, ``HybridOptions`` and
``MeshOptions`` are those of some simulators. ``CustomImage`` runs any container image.

The embedded server includes SWMM. It runs other simulators if their programs are on the ``PATH``;
otherwise the task fails with a message that names the missing program.
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
