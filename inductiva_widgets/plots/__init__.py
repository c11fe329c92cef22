"""Pictures of task frames, as Altair charts; needs ``pip install "inductiva-widgets[plots]"``.

```python
df = inductiva.tasks.history()
inductiva.plots.costs(df, by="simulator")  # or df.inductiva.costs(by="simulator")
inductiva.plots.durations(df).properties(title="How long is the queue?").save("queue.svg")
```

Each function takes a DataFrame of tasks, any rows of it, and returns a chart that can be changed,
joined with others by ``|``, ``&`` and ``+``, and saved as any chart of Altair. In JupyterLab and
Notebook it is drawn by what they bring along, without a network; a saved notebook has a PNG as
well. What a picture shows is worked out here, so that it holds at most some thousand values,
however many the tasks. Times are in UTC, as in the frame. Nothing here costs a request.

`Chart` is ``altair.Chart`` for pictures of your own, shown in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inductiva_widgets.plots._costs import costs
from inductiva_widgets.plots._durations import durations
from inductiva_widgets.plots._machines import machines
from inductiva_widgets.plots._statuses import statuses
from inductiva_widgets.plots._timeline import timeline

if TYPE_CHECKING:
    from typing import Any

    from inductiva_widgets.plots._mime import Chart

__all__ = ["Chart", "costs", "durations", "machines", "statuses", "timeline"]


def __getattr__(name: str) -> Any:
    # Late, since it takes Altair.
    if name == "Chart":
        from inductiva_widgets.plots._altair import chart_class

        return chart_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
