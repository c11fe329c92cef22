"""Machine groups: the computers that tasks run on, what they cost, and their start and end."""

from inductiva_widgets.resources.costs import CostEstimate
from inductiva_widgets.resources.kinds import ElasticMachineGroup, MachineGroup, MPICluster
from inductiva_widgets.resources.listing import get, get_by_name
from inductiva_widgets.resources.machines import Machines

__all__ = [
    "CostEstimate",
    "ElasticMachineGroup",
    "MPICluster",
    "MachineGroup",
    "Machines",
    "get",
    "get_by_name",
]
