"""Conditions on series of numbers, such as ``residual > 1e3 for 20 samples``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.metrics.decimate import MetricRow
from inductiva_widgets.metrics.parse import parse_number

Test = Callable[[dict[str, float]], Any]

GRAMMAR = (
    "A condition is '<series> <comparison> <number>' or '<series> is nan|inf|finite', with "
    "'for <n> samples' behind it if wished, such as 'residual > 1e3 for 20 samples' or "
    "'residual is nan'. Comparisons: > >= < <= == !=. Instead of a text it may be a function of "
    "the last values that returns whether to stop."
)
_FORM = re.compile(
    r"\s*(?P<series>\S+)\s*(?:(?P<sign>[<>]=?|[!=]=)\s*(?P<number>\S+)|\s+is\s+(?P<kind>\w+))"
    r"(?:\s+for\s+(?P<count>\d+)\s+samples?)?\s*"
)
_SIGNS = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_KINDS = {"nan": math.isnan, "inf": math.isinf, "finite": math.isfinite}


class Condition:
    """A condition that is looked at row by row.

    Parameters
    ----------
    text
        The condition, in the grammar that an error shows.

    Raises
    ------
    InputError
        It is none.

    Examples
    --------
    >>> condition = Condition("residual > 1e3 for 2 samples")
    >>> [condition.update({"residual": value}) for value in (2e3, 1, 2e3, 3e3)]
    [False, False, False, True]
    """

    def __init__(self, text: str) -> None:
        form = _FORM.fullmatch(text)
        if form is None:
            raise InputError(f"{text!r} is no condition. {GRAMMAR}")
        self.text = " ".join(text.split())
        self.series: str = form["series"]
        self._test = _test(form)
        self._count = int(form["count"] or 1)
        if not self._count:
            raise InputError(f"{text!r} asks for no sample at all. {GRAMMAR}")
        self._met = 0

    def update(self, values: Mapping[str, float]) -> bool:
        """Take the next row, and return whether the condition is met with it.

        Parameters
        ----------
        values
            The row; one without the series changes nothing.
        """
        value = values.get(self.series)
        if value is None:
            return False
        self._met = self._met + 1 if self._test(value) else 0
        return self._met >= self._count

    def state(self, last: Mapping[str, float]) -> str:
        """Return how far the condition is from being met, for people.

        Parameters
        ----------
        last
            The last values of all series.
        """
        value = last.get(self.series)
        if value is None:
            return f"no value of {self.series} yet"
        is_short = value.is_integer() and abs(value) < 1e9
        now = f"{self.series} is {f'{int(value):,}' if is_short else f'{value:.4g}'}"
        return now if self._count == 1 else f"{now}, {self._met} of {self._count} samples"


class Conditions:
    """Several conditions, of which one is enough.

    Parameters
    ----------
    wanted
        A condition, a function of the last values, or several of both; None for none.
    names
        The series, where they are known before anything is read.

    Raises
    ------
    InputError
        Something of it is no condition, or there is no such series.
    """

    def __init__(
        self, wanted: str | Test | Iterable[str | Test] | None, names: tuple[str, ...] | None
    ) -> None:
        if wanted is None:
            items: Iterable[str | Test] = ()
        elif isinstance(wanted, str) or not isinstance(wanted, Iterable):
            items = [wanted]
        else:
            items = wanted
        self._texts: list[Condition] = []
        self._tests: list[Test] = []
        # The row that met a condition, by the condition's text.
        self._rows: dict[str, int] = {}
        for item in items:
            if isinstance(item, str):
                self._texts.append(Condition(item))
            elif callable(item):
                self._tests.append(item)
            else:
                raise InputError(f"{item!r} is no condition. {GRAMMAR}")
        unknown_series = self.unknown_series(names) if names is not None else []
        if unknown_series:
            raise InputError(
                f"There is no series {unknown_series[0]!r}; there is {_listed(names)}."
            )

    def unknown_series(self, names: Iterable[str] | None) -> list[str]:
        """Return the series that conditions speak of and that are not among those."""
        known = set(names or ())
        return [condition.series for condition in self._texts if condition.series not in known]

    def first_met(self, row: MetricRow, last: dict[str, float]) -> str:
        """Return the condition that a row meets, in words; empty while none is met.

        Parameters
        ----------
        row
            The row.
        last
            The last values of all series, for functions.
        """
        # All of them, as each counts the samples.
        first_met = [condition.text for condition in self._texts if condition.update(row.values)]
        if not first_met:
            first_met = [_name(test) for test in self._tests if test(dict(last))]
        for text in first_met:
            self._rows.setdefault(text, row.sample)
        return f"{first_met[0]} (row {row.sample})" if first_met else ""

    def states(self, last: Mapping[str, float]) -> list[tuple[str, str]]:
        """Return each condition and how it stands, for people.

        Parameters
        ----------
        last
            The last values of all series.
        """
        states = [(condition.text, condition.state(last)) for condition in self._texts]
        states += [(f"{_name(test)} is true", "") for test in self._tests]
        rows = {text.removesuffix(" is true"): f"met at row {n}" for text, n in self._rows.items()}
        return [(text, rows.get(text.removesuffix(" is true"), state)) for text, state in states]


def _test(form: re.Match[str]) -> Callable[[float], bool]:
    if form["kind"]:
        if form["kind"] not in _KINDS:
            raise InputError(f"A number is not {form['kind']!r}. {GRAMMAR}")
        return _KINDS[form["kind"]]
    bound = parse_number(form["number"])
    if bound is None or math.isnan(bound):
        raise InputError(f"{form['number']!r} is no number to compare with. {GRAMMAR}")
    compare = _SIGNS[form["sign"]]
    return lambda value: bool(compare(value, bound))


def _name(test: Test) -> str:
    name = getattr(test, "__name__", "")
    return f"{name}()" if name.isidentifier() else "your function"


def _listed(names: Iterable[str] | None) -> str:
    return ", ".join(names or ()) or "none"
