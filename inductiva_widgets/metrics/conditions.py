"""Conditions on series, such as ``any residual > 1e3 for 20 samples``."""

from __future__ import annotations

import math
import operator
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from inductiva_widgets.errors import InputError
from inductiva_widgets.metrics.decimate import MetricRow
from inductiva_widgets.metrics.matcher import parse_number

Predicate = Callable[[dict[str, float]], Any]

GRAMMAR = (
    "A condition must be '<series> <comparison> <number>', '<series> is nan|inf|finite' or "
    "'<series> grows <factor>x in <n> samples', optionally followed by 'for <n> samples', such as "
    "'residual > 1e3 for 20 samples'; comparisons: > >= < <= == !=. 'any residual' and 'all "
    "residuals' stand for all series of a kind, 'any series' for every series. Join conditions "
    "with 'and' and 'or', and end with 'after <n> samples' to judge later; instead of samples, "
    "give s, min or h. A condition may also be a function that gets the latest values and returns "
    "True to stop."
)
_TOKEN = re.compile(r"\s*([<>]=?|[!=]=|[^\s<>=!]+)")
_NAME = re.compile(r"[^\s<>=!()]*[^\W\d][^\s<>=!()]*")
_GROWTH = re.compile(r"(?P<factor>[\d.eE+-]+)x")
_COMPARISONS = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_KINDS = {"nan": math.isnan, "inf": math.isinf, "finite": math.isfinite}
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
_EVERY = "series"
# Maximum number of samples of a growth, which are all kept.
_MAX_WINDOW = 1000


class _Span(NamedTuple):
    """Number of samples, or of seconds."""

    amount: float
    unit: str = "samples"

    @property
    def is_time(self) -> bool:
        return self.unit in _SECONDS

    def has_passed(self, samples: int, seconds: float) -> bool:
        return seconds >= self.amount if self.is_time else samples >= self.amount


class _Test(NamedTuple):
    """Test of one value, or its growth over a number of samples."""

    is_met_by: Callable[[float], bool]
    factor: float = 0.0
    window: int = 0


class _SeriesState:
    """The samples of one series that a clause has seen."""

    def __init__(self, test: _Test) -> None:
        self.n_samples = 0
        self.n_met = 0
        self.since = 0.0
        self._test = test
        self._values: deque[float] = deque(maxlen=test.window + 1)

    def update(self, value: float, now: float) -> None:
        self.n_samples += 1
        if not self._is_met_by(value):
            self.n_met = 0
            return
        if not self.n_met:
            self.since = now
        self.n_met += 1

    def _is_met_by(self, value: float) -> bool:
        if not self._test.window:
            return self._test.is_met_by(value)
        self._values.append(value)
        positive = [one for one in self._values if 0 < one < math.inf]
        return bool(positive) and value >= self._test.factor * min(positive)


class _Clause:
    """Test of one series, or of all series of a kind."""

    def __init__(self, quantifier: str, word: str, test: _Test, lasting: _Span) -> None:
        self.word = word
        self._quantifier = quantifier
        self._test = test
        self._lasting = lasting
        self._states: dict[str, _SeriesState] = {}
        self._now = 0.0

    def find(self, kinds: Mapping[str, str]) -> list[str]:
        """Return the series that the clause is about.

        Parameters
        ----------
        kinds
            Kind of each series.
        """
        if not self._quantifier:
            if self.word in kinds:
                return [self.word]
            return [name for name, kind in kinds.items() if kind == self.word]
        return [name for name, kind in kinds.items() if self._includes(name, kind)]

    def update(self, values: Mapping[str, float], kinds: Mapping[str, str], now: float) -> bool:
        """Check the next row, and return whether it has a series of the clause."""
        known = self.find(kinds)
        # Series that are not kept any more count no longer.
        self._states = {name: one for name, one in self._states.items() if name in known}
        names = [name for name in known if name in values]
        self._now = now
        for name in names:
            if name not in self._states:
                self._states[name] = _SeriesState(self._test)
            self._states[name].update(values[name], now)
        return bool(names)

    def is_met(self) -> bool:
        """Return whether the clause holds at the latest row."""
        met = [self._has_lasted(state) for state in self._states.values()]
        if self._quantifier != "all":
            return any(met)
        # Once one series has come again, all have come.
        is_complete = any(state.n_samples > 1 for state in self._states.values())
        return is_complete and all(met)

    def state(self, last: Mapping[str, float], kinds: Mapping[str, str]) -> str:
        """Describe the present value, such as ``"residual is 2000, 1 of 20 samples"``."""
        names = [name for name in self.find(kinds) if name in last]
        if not names:
            return f"no value of {self.word} yet"
        if len(names) > 1:
            met = sum(state.n_met > 0 for state in self._states.values())
            return f"true for {met} of {len(names)} series"
        (name,) = names
        value = last[name]
        is_short = value.is_integer() and abs(value) < 1e9
        now = f"{name} is {f'{int(value):,}' if is_short else f'{value:.4g}'}"
        if self._lasting.amount == 1 or self._lasting.is_time:
            return now
        n_met = self._states[name].n_met if name in self._states else 0
        return f"{now}, {n_met} of {self._lasting.amount:.0f} samples"

    def _has_lasted(self, state: _SeriesState) -> bool:
        return state.n_met > 0 and self._lasting.has_passed(state.n_met, self._now - state.since)

    def _includes(self, name: str, kind: str) -> bool:
        words = {self.word, self.word.removesuffix("s")}
        # A field of any region; names of the user's own series may contain the kind.
        parts = re.split(r":" if kind else r"[:_.]", name)
        return self.word == _EVERY or name in words or kind in words or bool(words & {*parts})


class Condition:
    """Condition on the series of a log, checked row by row.

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
    >>> both = Condition("all residuals < 1e-5 and step > 10")
    >>> [both.update({"residual": 1e-6, "step": step}) for step in (9.0, 10.0, 11.0)]
    [False, False, True]
    """

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())
        # Alternatives of clauses that must all be met.
        self._alternatives, self._delay = _Parser(text).parse()
        self._kinds: dict[str, str] = {}
        self._n_samples = 0
        self._start: float | None = None

    @property
    def words(self) -> list[str]:
        """The series and the kinds of series that the condition uses."""
        return [clause.word for clause in self._clauses()]

    def unknown(self, kinds: Mapping[str, str]) -> list[str]:
        """Return the words that match no series.

        Parameters
        ----------
        kinds
            Kind of each known series.
        """
        return [clause.word for clause in self._clauses() if not clause.find(kinds)]

    def update(
        self,
        values: Mapping[str, float],
        kinds: Mapping[str, str] | None = None,
        now: float | None = None,
    ) -> bool:
        """Check the next row, and return whether the condition is met.

        Parameters
        ----------
        values
            Values of the row by series. A row without the series is ignored.
        kinds
            Kind of each known series, by default none of those in the rows so far.
        now
            Seconds of a monotonic clock.
        """
        if kinds is None:
            kinds = self._kinds = {**self._kinds, **dict.fromkeys(values, "")}
        now = time.monotonic() if now is None else now
        # Every clause gets every row, since each counts its samples.
        updates = [clause.update(values, kinds, now) for clause in self._clauses()]
        if not any(updates):
            return False
        self._n_samples += 1
        if self._start is None:
            self._start = now
        # The sample after n samples is the first one that is judged.
        if self._delay is not None and not self._delay.has_passed(
            self._n_samples - 1, now - self._start
        ):
            return False
        return any(all(clause.is_met() for clause in clauses) for clauses in self._alternatives)

    def state(self, last: Mapping[str, float], kinds: Mapping[str, str] | None = None) -> str:
        """Describe the present value, such as ``"residual is 2000, 1 of 20 samples"``.

        Parameters
        ----------
        last
            Latest values of all series.
        kinds
            Kind of each known series.
        """
        kinds = dict.fromkeys(last, "") if kinds is None else kinds
        return "; ".join(dict.fromkeys(clause.state(last, kinds) for clause in self._clauses()))

    def _clauses(self) -> Iterator[_Clause]:
        for clauses in self._alternatives:
            yield from clauses


class _Parser:
    """Parser of the text of a condition."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = _TOKEN.findall(text)
        if "".join(self._tokens) != "".join(text.split()):
            raise _invalid(text)

    def parse(self) -> tuple[list[list[_Clause]], _Span | None]:
        alternatives = [self._all_of()]
        while self._skip("or"):
            alternatives.append(self._all_of())
        delay = self._span() if self._skip("after") else None
        if self._tokens:
            raise _invalid(self._text)
        return alternatives, delay

    def _all_of(self) -> list[_Clause]:
        clauses = [self._clause()]
        while self._skip("and"):
            clauses.append(self._clause())
        return clauses

    def _clause(self) -> _Clause:
        word = self._next()
        quantifier = word if word in ("any", "all") and self._peek() not in _COMPARISONS else ""
        if quantifier:
            word = self._next()
        if not _NAME.fullmatch(word):
            raise _invalid(self._text)
        test = self._test()
        return _Clause(quantifier, word, test, self._span() if self._skip("for") else _Span(1))

    def _test(self) -> _Test:
        verb = self._next()
        if verb == "is":
            kind = self._next()
            if kind not in _KINDS:
                raise _invalid(self._text)
            return _Test(_KINDS[kind])
        if verb == "grows":
            return self._growth()
        bound = parse_number(self._next())
        if verb not in _COMPARISONS or bound is None or math.isnan(bound):
            raise _invalid(self._text)
        compare = _COMPARISONS[verb]
        return _Test(lambda value: bool(compare(value, bound)))

    def _growth(self) -> _Test:
        match = _GROWTH.fullmatch(self._next())
        factor = parse_number(match["factor"]) if match else None
        if factor is None or not factor > 1 or not self._skip("in"):
            raise _invalid(self._text)
        window = self._span()
        if window.is_time:
            raise _invalid(self._text)
        if window.amount > _MAX_WINDOW:
            raise InputError(
                f"A growth must be over at most {_MAX_WINDOW:,} samples, got {self._text!r}."
            )
        return _Test(math.isfinite, factor, int(window.amount))

    def _span(self) -> _Span:
        count, unit = parse_number(self._next()), self._next()
        if count is None or not 0 < count < math.inf:
            raise _invalid(self._text)
        if unit in _SECONDS:
            return _Span(count * _SECONDS[unit], "s")
        if unit not in ("sample", "samples") or not count.is_integer():
            raise _invalid(self._text)
        return _Span(count)

    def _peek(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def _next(self) -> str:
        if not self._tokens:
            raise _invalid(self._text)
        return self._tokens.pop(0)

    def _skip(self, word: str) -> bool:
        if self._peek() != word:
            return False
        self._tokens.pop(0)
        return True


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
        names: Mapping[str, str] | None,
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

    @property
    def words(self) -> list[str]:
        """The series and the kinds of series that conditions use."""
        return [word for condition in self._conditions for word in condition.words]

    def unknown_series(self, kinds: Mapping[str, str]) -> list[str]:
        """Return what conditions use and what matches no series.

        Parameters
        ----------
        kinds
            Kind of each known series.
        """
        return [word for condition in self._conditions for word in condition.unknown(kinds)]

    def first_met(
        self, row: MetricRow, last: dict[str, float], kinds: Mapping[str, str] | None = None
    ) -> str:
        """Return the text of the first condition that a row meets, or "" if it meets none.

        Parameters
        ----------
        row
            The next row.
        last
            Latest values of all series, passed to functions.
        kinds
            Kind of each known series.
        """
        # Every condition gets every row, since each counts its samples.
        kinds = dict.fromkeys(last, "") if kinds is None else kinds
        now = time.monotonic()
        met = [one.text for one in self._conditions if one.update(row.values, kinds, now)]
        if not met:
            met = [_name(predicate) for predicate in self._predicates if predicate(dict(last))]
        for text in met:
            self._first_rows.setdefault(text, row.sample)
        return f"{met[0]} (row {row.sample})" if met else ""

    def states(
        self, last: Mapping[str, float], kinds: Mapping[str, str] | None = None
    ) -> list[tuple[str, str]]:
        """Return the text of each condition and a description of its state.

        Parameters
        ----------
        last
            Latest values of all series.
        kinds
            Kind of each known series.
        """
        states = [(condition.text, condition.state(last, kinds)) for condition in self._conditions]
        met = {text: f"met at row {number}" for text, number in self._first_rows.items()}
        names = [_name(predicate) for predicate in self._predicates]
        return [
            *((text, met.get(text, state)) for text, state in states),
            *((f"{name} is true", met.get(name, "")) for name in names),
        ]


def _invalid(condition: object) -> InputError:
    return InputError(f"Invalid condition {condition!r}. {GRAMMAR}")


def _name(predicate: Predicate) -> str:
    name = getattr(predicate, "__name__", "")
    return f"{name}()" if name.isidentifier() else "your function"
