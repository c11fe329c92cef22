"""Machine groups: the computers that tasks run on, what they cost, and their start and end.

```python
with inductiva.resources.MachineGroup("c2-standard-4", num_machines=2) as group:
    task = inductiva.simulators.SWMM().run("cases/swmm_storm", on=group)
    task.wait()
```

To make a group asks nobody and costs nothing. From ``start()`` on, which says the price first, it
costs money until it ends: by ``terminate()``, by leaving the ``with`` block, after
``max_idle_time`` without a task, or at ``auto_terminate_ts``. The embedded server has a group of
its own, this machine, which is always started and free.
"""

from inductiva_widgets.resources._base import BaseMachineGroup
from inductiva_widgets.resources.costs import CostEstimate
from inductiva_widgets.resources.listing import get, get_by_name
from inductiva_widgets.resources.machine_groups import ElasticMachineGroup, MachineGroup, MPICluster
from inductiva_widgets.resources.request import GroupOptions

__all__ = [
    "BaseMachineGroup",
    "CostEstimate",
    "ElasticMachineGroup",
    "GroupOptions",
    "MPICluster",
    "MachineGroup",
    "get",
    "get_by_name",
]
