"""Match lines against regular expressions whose groups are series."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from inductiva_widgets.errors import InputError
from inductiva_widgets.metrics.parse import parse_number

LONGEST_LOOK = 0.05
"""Seconds that an expression may take for one line."""

END = "end_"
"""A group ``end_step`` tells the value that the series ``step`` has at the end."""

_SERIES, _VALUE = "series", "value"
_LONGEST_NAME = 40
# Seconds for a line that took too long: it may have been the machine that was busy.
_SECOND_TRY = 1.0
# Nanoseconds for all lines of a piece.
_LONGEST_PIECE = 3_000_000_000
_HOW = (
    r"Name what is a number with groups, such as r'residual\s+(?P<residual>\S+)'; "
    "each name is a series."
)


class Rule(NamedTuple):
    """An expression, and what is made of the numbers that it finds.

    Parameters
    ----------
    expression
        A regular expression with named groups.
    mark
        Text that a line must have to be looked at, for speed.
    make
        What turns the numbers found into those of the series.
    is_trusted
        Whether it is known to take little time for any line: so it is not measured, which takes
        longer than most searches.
    """

    expression: str
    required_text: str = ""
    transform: Callable[[Mapping[str, float]], dict[str, float]] | None = None
    is_trusted: bool = False


class LineMatcher:
    """Finds numbers in lines; bounded in time, whatever the expression.

    Parameters
    ----------
    rules
        What to look for in each line.

    Raises
    ------
    InputError
        An expression is none, or names no series.
    """

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = [(rule, _compile(rule.expression)) for rule in rules]
        self.skipped = 0
        self._until = 0

    @property
    def names(self) -> tuple[str, ...] | None:
        """The series, None where the text itself names them."""
        names: dict[str, None] = {}
        for rule, compiled in self._rules:
            if rule.transform is not None or _SERIES in compiled.groupindex:
                return None
            groups = compiled.groupindex or (_VALUE,)
            names |= {name: None for name in groups if not name.startswith(END)}
        return tuple(names)

    def reset_budget(self) -> None:
        """Begin with the lines of another piece."""
        # CPU time: a busy machine is no fault of the expression.
        self._until = time.thread_time_ns() + _LONGEST_PIECE

    def find(self, line: str) -> dict[str, float]:
        """Return the numbers of a line, by the names of their series; empty where it has none.

        Raises
        ------
        InputError
            It takes too long.
        """
        values: dict[str, float] = {}
        for rule, compiled in self._rules:
            if rule.required_text in line:
                found = compiled.search(line) if rule.is_trusted else self._search(compiled, line)
                if found is not None:
                    values |= self._numbers(rule, found.groupdict() or {_VALUE: found[1]})
        return values

    def _search(self, compiled: Any, line: str) -> Any:
        for seconds in (LONGEST_LOOK, _SECOND_TRY):
            try:
                found = compiled.search(line, timeout=seconds)
            except TimeoutError:
                continue
            if found is None or time.thread_time_ns() < self._until:
                return found
            break
        start = line if len(line) <= 60 else f"{line[:60]}…"
        raise InputError(
            f"The expression {compiled.pattern!r} takes too long, such as on the line of "
            f"{len(line)} characters that begins with {start!r}. Repeats within repeats, as in "
            "(a+)+, are the usual reason."
        )

    def _numbers(self, rule: Rule, texts: dict[str, str | None]) -> dict[str, float]:
        if texts.get(_SERIES):
            texts = {str(texts[_SERIES])[:_LONGEST_NAME]: texts.get(_VALUE)}
        values: dict[str, float] = {}
        for name, text in texts.items():
            value = parse_number(text) if text is not None else None
            if value is not None:
                values[name] = value
            elif text is not None:
                self.skipped += 1
        return rule.transform(values) if rule.transform is not None and values else values


def _compile(expression: str) -> Any:
    import regex  # type: ignore[import-untyped]

    try:
        compiled = regex.compile(expression)
    except (regex.error, TypeError) as error:
        raise InputError(f"{expression!r} is no regular expression: {error}. {_HOW}") from None
    if not compiled.groupindex and compiled.groups != 1:
        has = f"{compiled.groups} groups without names" if compiled.groups else "no group"
        raise InputError(f"The expression {expression!r} has {has}. {_HOW}")
    if _SERIES in compiled.groupindex and _VALUE not in compiled.groupindex:
        raise InputError(
            f"The expression {expression!r} takes the name of the series from the text, but has no "
            "group 'value' for its number."
        )
    return compiled
