"""Altair charts of task frames; needs ``pip install "inductiva-widgets[plots]"``.

```python
df = inductiva.tasks.history()
inductiva.plots.costs(df, by="simulator")  # or df.inductiva.costs(by="simulator")
inductiva.plots.durations(df).properties(title="How long is the queue?").save("queue.svg")
```

Each function takes a DataFrame with any rows of tasks and returns an Altair chart, which can be
changed, saved, and joined with further charts by ``|``, ``&`` and ``+``. JupyterLab and Notebook
draw it without a network, and a saved notebook has a PNG as well. Data are aggregated here, so
that a chart holds at most some thousand values for any number of tasks. Times are in UTC, as in
the frame.

A task in several rows, as after ``pd.concat``, counts once, by its newest row. Times that still
grow are left out of distributions, bins that are not over are faint, and a few values that are ten
times higher than the rest end at the edge of the axis, with their value; the subtitle says so. The
title marks data of the demo.

`Chart` is ``altair.Chart`` with the same display, for charts of your own.
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
    # Imported on first use, since it needs Altair.
    if name == "Chart":
        from inductiva_widgets.plots._altair import chart_class

        return chart_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
