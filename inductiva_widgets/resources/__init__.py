"""Machine groups: the machines that tasks run on.

```python
with inductiva.resources.MachineGroup("c2-standard-4", num_machines=2) as group:
    task = inductiva.simulators.SWMM().run("cases/swmm_storm", on=group)
    task.wait()
```

A new object makes no request. ``start()`` prints the price, and from then on the group costs money
until it is terminated: by ``terminate()``, at the end of the ``with`` block, after
``max_idle_time`` without a task, or at ``auto_terminate_ts``. The embedded server has one group,
this machine, which is always started and free.
"""

from inductiva_widgets.resources._base import BaseMachineGroup
from inductiva_widgets.resources.costs import CostEstimate
from inductiva_widgets.resources.machine_groups import (
    ElasticMachineGroup,
    MachineGroup,
    MPICluster,
    get,
    get_by_name,
)
from inductiva_widgets.resources.machine_types import (
    estimate_machine_cost,
    get_available_machine_types,
)
from inductiva_widgets.resources.request import GroupOptions

__all__ = [
    "BaseMachineGroup",
    "CostEstimate",
    "ElasticMachineGroup",
    "GroupOptions",
    "MPICluster",
    "MachineGroup",
    "estimate_machine_cost",
    "get",
    "get_available_machine_types",
    "get_by_name",
]
