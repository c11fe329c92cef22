"""What a table of 100,000 rows does in a peer's widget: `peer_tables.py NAME`, prints JSON.

Runs in the peers' environment. No browser: what the kernel sends when the widget is made, its code
and style apart from its data, and what its Python half knows.
"""

import json
import sys
import warnings

warnings.simplefilter("ignore")

import anywidget  # noqa: E402
import comm  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from comm.base_comm import BaseComm  # noqa: E402

ROWS = 100_000
CODE = ("_esm", "_css")
sent = []


class Recording(BaseComm):
    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        sent.append((data or {}, sum(memoryview(buffer).nbytes for buffer in buffers or ())))


comm.create_comm = Recording


def frame():
    rng = np.random.default_rng(1)
    numbers = {f"number{n}": rng.random(ROWS) for n in range(6)}
    texts = {f"text{n}": pd.Series(rng.integers(0, 1000, ROWS)).astype(str) for n in range(4)}
    return pd.DataFrame(numbers | texts)


def weigh():
    """Return the bytes that have been sent, of data and of code."""
    data = code = 0
    for message, buffers in sent:
        state = dict(message.get("state", {}))
        own = [state.pop(name, "") for name in CODE]
        code += sum(len(text) for text in own)
        data += len(json.dumps({**message, "state": state}, default=str)) + buffers
    return {"data": data, "code": code}


def quak(rows):
    import quak

    widget = quak.Widget(rows)
    weight = weigh()
    del sent[:]
    order = 'SELECT max("number0") AS most FROM df'
    widget._handle_custom_msg({"type": "json", "uuid": "1", "sql": order}, [])
    (answer, _) = sent[-1]
    most = answer["content"]["result"][0]["most"]
    return (
        widget,
        weight,
        {"in_kernel": most == float(rows["number0"].max()), "has_sql": "sql" in dir(widget)},
    )


def ipydatagrid(rows):
    import ipydatagrid

    widget = ipydatagrid.DataGrid(rows, editable=True)
    weight = weigh()
    widget.set_cell_value_by_index("number0", 5, 42.0)
    changed = float(widget.data["number0"].iloc[5])
    return widget, weight, {"edited": changed == 42.0, "selection": widget.has_trait("selections")}


def perspective(rows):
    from perspective.widget import PerspectiveWidget

    widget = PerspectiveWidget(rows)
    weight = weigh()
    view = widget.table.view(sort=[["number0", "desc"]])
    first = view.to_columns(start_row=0, end_row=1)["number0"][0]
    groups = widget.table.view(group_by=["text0"], aggregates={"number0": "mean"}).num_rows()
    facts = {"in_kernel": first == float(rows["number0"].max()), "pivots": groups == 1001}
    return widget, weight, {**facts, "plugin": widget.has_trait("plugin")}


def itables(rows):
    from itables import to_html_datatable
    from itables.widget import ITable

    widget = ITable(rows)
    weight = weigh()
    given = widget._dt_args["data_json"]
    page = to_html_datatable(rows, connected=False)
    return (
        widget,
        weight,
        {
            "rows": len(json.loads(given)),
            "selection": widget.has_trait("selected_rows"),
            "html": "<table" in page,
        },
    )


def main():
    rows = frame()
    widget, weight, facts = globals()[sys.argv[1]](rows)
    bundle = widget._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    print(
        json.dumps(
            {
                **weight,
                **facts,
                "anywidget": isinstance(widget, anywidget.AnyWidget),
                "kinds": sorted(bundle),
            },
            default=str,
        )
    )


main()
