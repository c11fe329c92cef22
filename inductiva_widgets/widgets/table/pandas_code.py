"""Generate pandas code that selects and sorts like a query.

All texts are inserted with ``repr``, so that none is run as code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone

from inductiva_widgets.columns import COLUMNS, HEADERS
from inductiva_widgets.status import KNOWN_STATUSES
from inductiva_widgets.widgets.table.columns import SEARCHED, value_kind, value_name
from inductiva_widgets.widgets.table.query import TableQuery, ValueRange
from inductiva_widgets.widgets.table.row_order import statuses_matching, statuses_of_groups

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def pandas_code(query: TableQuery, statuses: Sequence[str] = KNOWN_STATUSES) -> str:
    """Return the code of a query; it uses ``tasks``, the list that is shown.

    Parameters
    ----------
    query
        The query.
    statuses
        Status codes of the tasks, for the search in the labels of statuses.
    """
    return "\n".join(["df = tasks.to_frame()", *_lines(query, statuses)])


def _lines(query: TableQuery, statuses: Sequence[str]) -> Iterator[str]:
    sort = query.sort
    for name in dict.fromkeys([*query.filters, *([sort.key] if sort else [])]):
        if HEADERS[name].fallback:
            # The table shows the fallback, too, for example for a task that waits for its input.
            yield f'df["{name}"] = df["{name}"].fillna(df["{HEADERS[name].fallback}"])'
    if query.text:
        yield from _search(query.text, statuses)
    if query.status_group:
        inside, codes = statuses_of_groups(query.status_group)
        yield f'df = df[{"" if inside else "~"}df["status"].isin({codes!r})]'
    for key, chosen in query.filters.items():
        test = _range(key, chosen) if isinstance(chosen, ValueRange) else _values(key, chosen)
        if test:
            yield f"df = df[{test}]"
    if sort is not None:
        order = f'ascending={not sort.descending}, kind="stable"'
        yield f'df = df.sort_values("{value_name(sort.key)}", {order})'
    if query.group is not None:
        yield f'df = df.sort_values("{query.group}", kind="stable")'


def _search(text: str, statuses: Sequence[str]) -> Iterator[str]:
    listed = ", ".join(f'"{name}"' for name in SEARCHED if COLUMNS[name].in_frame)
    codes = statuses_matching(statuses, text)
    yield f"text = {text!r}"
    yield "found = df.index.str.contains(text, case=False, regex=False)"
    yield f"for name in [{listed}]:"
    yield "    found |= df[name].str.contains(text, case=False, regex=False, na=False)"
    yield f'df = df[found | df["status"].isin({codes!r})]' if codes else "df = df[found]"


def _values(key: str, values: Sequence[str | None]) -> str:
    known = [value for value in values if value is not None]
    where = f'df["{key}"]' if COLUMNS[key].in_frame else "df.index"
    test = f"{where}.isin({known!r})"
    if len(known) == len(values):
        return test
    return f"{test} | {where}.isna()" if known else f"{where}.isna()"


def _range(key: str, chosen: ValueRange) -> str:
    kind, name = value_kind(key), value_name(key)
    where = f'df["{name}"]' + (".dt.total_seconds()" if kind == "duration" else "")
    low, high = (None if end is None else _end(kind, end) for end in chosen)
    if low is not None and high is not None:
        return f"{where}.between({low}, {high})"
    return f"{where} >= {low}" if low is not None else f"{where} <= {high}" if high else ""


def _end(kind: str, end: float) -> str:
    if kind == "time":
        moment = _EPOCH + timedelta(milliseconds=end)
        return repr(moment.isoformat(sep=" ", timespec="milliseconds"))
    return repr(end)
