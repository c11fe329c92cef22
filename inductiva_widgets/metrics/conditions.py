"""Conditions on series, such as ``residual > 1e3 for 20 samples``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.metrics.decimate import MetricRow
from inductiva_widgets.metrics.parse import parse_number

Predicate = Callable[[dict[str, float]], Any]

GRAMMAR = (
    "A condition must be '<series> <comparison> <number>' or '<series> is nan|inf|finite', "
    "optionally followed by 'for <n> samples', such as 'residual > 1e3 for 20 samples' or "
    "'residual is nan'; comparisons: > >= < <= == !=. It may also be a function that gets the "
    "latest values and returns True to stop."
)
_CONDITION = re.compile(
    r"\s*(?P<series>\S+)\s*(?:(?P<sign>[<>]=?|[!=]=)\s*(?P<number>\S+)|\s+is\s+(?P<kind>\w+))"
    r"(?:\s+for\s+(?P<count>\d+)\s+samples?)?\s*"
)
_COMPARISONS = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_KINDS = {"nan": math.isnan, "inf": math.isinf, "finite": math.isfinite}


class Condition:
    """Condition on one series, checked row by row.

    Parameters
    ----------
    text
        Text of the form described by `GRAMMAR`.

    Raises
    ------
    InputError
        The text does not have this form.

    Examples
    --------
    >>> condition = Condition("residual > 1e3 for 2 samples")
    >>> [condition.update({"residual": value}) for value in (2e3, 1, 2e3, 3e3)]
    [False, False, False, True]
    """

    def __init__(self, text: str) -> None:
        match = _CONDITION.fullmatch(text)
        count = int(match["count"] or 1) if match else 0
        if match is None or not count:
            raise _invalid(text)
        self.text = " ".join(text.split())
        self.series: str = match["series"]
        self._is_met_by = _parse_test(match)
        self._count = count
        self._n_met = 0

    def update(self, values: Mapping[str, float]) -> bool:
        """Check the next row, and return whether the condition is met.

        Parameters
        ----------
        values
            Values of the row by series. A row without the series is ignored.
        """
        value = values.get(self.series)
        if value is None:
            return False
        self._n_met = self._n_met + 1 if self._is_met_by(value) else 0
        return self._n_met >= self._count

    def state(self, last: Mapping[str, float]) -> str:
        """Describe the present value, such as ``"residual is 2000, 1 of 20 samples"``.

        Parameters
        ----------
        last
            Latest values of all series.
        """
        value = last.get(self.series)
        if value is None:
            return f"no value of {self.series} yet"
        is_short = value.is_integer() and abs(value) < 1e9
        now = f"{self.series} is {f'{int(value):,}' if is_short else f'{value:.4g}'}"
        return now if self._count == 1 else f"{now}, {self._n_met} of {self._count} samples"


class Conditions:
    """Set of conditions, met if any of them is met.

    Parameters
    ----------
    conditions
        A condition, a function of the latest values, an iterable of both, or None.
    names
        Series of the pattern, or None if they are not known before the log is read.

    Raises
    ------
    InputError
        A condition is invalid or names an unknown series.
    """

    def __init__(
        self,
        conditions: str | Predicate | Iterable[str | Predicate] | None,
        names: tuple[str, ...] | None,
    ) -> None:
        if conditions is None:
            items: Iterable[str | Predicate] = ()
        elif isinstance(conditions, str) or not isinstance(conditions, Iterable):
            items = [conditions]
        else:
            items = conditions
        self._conditions: list[Condition] = []
        self._predicates: list[Predicate] = []
        # Number of the first row that met a condition, by the text of the condition.
        self._first_rows: dict[str, int] = {}
        for item in items:
            if isinstance(item, str):
                self._conditions.append(Condition(item))
            elif callable(item):
                self._predicates.append(item)
            else:
                raise _invalid(item)
        unknown = self.unknown_series(names) if names is not None else []
        if unknown:
            raise InputError(
                f"Unknown series {unknown[0]!r} in a condition, expected one of: "
                f"{', '.join(names or ())}."
            )

    def unknown_series(self, names: Iterable[str]) -> list[str]:
        """Return the series that conditions use and that are not among ``names``."""
        known = set(names)
        return [condition.series for condition in self._conditions if condition.series not in known]

    def first_met(self, row: MetricRow, last: dict[str, float]) -> str:
        """Return the text of the first condition that a row meets, or "" if it meets none.

        Parameters
        ----------
        row
            The next row.
        last
            Latest values of all series, passed to functions.
        """
        # Every condition gets every row, since each counts its samples.
        met = [condition.text for condition in self._conditions if condition.update(row.values)]
        if not met:
            met = [_name(predicate) for predicate in self._predicates if predicate(dict(last))]
        for text in met:
            self._first_rows.setdefault(text, row.sample)
        return f"{met[0]} (row {row.sample})" if met else ""

    def states(self, last: Mapping[str, float]) -> list[tuple[str, str]]:
        """Return the text of each condition and a description of its state.

        Parameters
        ----------
        last
            Latest values of all series.
        """
        states = [(condition.text, condition.state(last)) for condition in self._conditions]
        met = {text: f"met at row {number}" for text, number in self._first_rows.items()}
        names = [_name(predicate) for predicate in self._predicates]
        return [
            *((text, met.get(text, state)) for text, state in states),
            *((f"{name} is true", met.get(name, "")) for name in names),
        ]


def _invalid(condition: object) -> InputError:
    return InputError(f"Invalid condition {condition!r}. {GRAMMAR}")


def _parse_test(match: re.Match[str]) -> Callable[[float], bool]:
    if match["kind"]:
        if match["kind"] not in _KINDS:
            raise _invalid(match[0])
        return _KINDS[match["kind"]]
    bound = parse_number(match["number"])
    if bound is None or math.isnan(bound):
        raise _invalid(match[0])
    compare = _COMPARISONS[match["sign"]]
    return lambda value: bool(compare(value, bound))


def _name(predicate: Predicate) -> str:
    name = getattr(predicate, "__name__", "")
    return f"{name}()" if name.isidentifier() else "your function"
