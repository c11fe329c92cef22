"""Matching of lines against regular expressions whose groups are series."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from inductiva_widgets.errors import InputError
from inductiva_widgets.metrics.parse import parse_number

LINE_TIMEOUT = 0.05
"""Maximum seconds of one search."""

END = "end_"
"""Prefix of a group with the final value of a series: ``end_step`` for the series ``step``."""

_SERIES, _VALUE = "series", "value"
_MAX_NAME_LENGTH = 40
# Seconds of the second search in a line: the machine may have been busy during the first one.
_RETRY_TIMEOUT = 1.0
# CPU time of all lines of a chunk.
_CHUNK_BUDGET_NS = 3_000_000_000
_HELP = (
    r"Name each number with a group, such as r'residual\s+(?P<residual>\S+)'; "
    "each name becomes a series."
)


class Rule(NamedTuple):
    """An expression that finds numbers in a line.

    Parameters
    ----------
    expression
        Regular expression with named groups.
    required_text
        Text without which a line is skipped, for speed.
    transform
        Converts the matched numbers to values by series, or None to use the names of the groups.
    is_trusted
        If True, the search has no timeout. The measurement would take longer than most searches.
    """

    expression: str
    required_text: str = ""
    transform: Callable[[Mapping[str, float]], dict[str, float]] | None = None
    is_trusted: bool = False


class LineMatcher:
    """Find numbers in lines, within a time limit.

    Parameters
    ----------
    rules
        Rules to apply to each line.

    Raises
    ------
    InputError
        An expression is invalid or has no groups.
    """

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = [(rule, _compile(rule.expression)) for rule in rules]
        self.skipped = 0
        self._deadline_ns = 0

    @property
    def names(self) -> tuple[str, ...] | None:
        """The series, or None if their names are read from the text."""
        names: dict[str, None] = {}
        for rule, compiled in self._rules:
            if rule.transform is not None or _SERIES in compiled.groupindex:
                return None
            groups = compiled.groupindex or (_VALUE,)
            names |= {name: None for name in groups if not name.startswith(END)}
        return tuple(names)

    def reset_budget(self) -> None:
        """Restart the time budget, for the lines of another chunk."""
        # CPU time, since the machine may be busy with other processes.
        self._deadline_ns = time.thread_time_ns() + _CHUNK_BUDGET_NS

    def find(self, line: str) -> dict[str, float]:
        """Return the numbers in a line by series.

        Raises
        ------
        InputError
            The search takes too long.
        """
        values: dict[str, float] = {}
        for rule, compiled in self._rules:
            if rule.required_text in line:
                found = compiled.search(line) if rule.is_trusted else self._search(compiled, line)
                if found is not None:
                    values |= self._numbers(rule, found.groupdict() or {_VALUE: found[1]})
        return values

    def _search(self, compiled: Any, line: str) -> Any:
        for seconds in (LINE_TIMEOUT, _RETRY_TIMEOUT):
            try:
                found = compiled.search(line, timeout=seconds)
            except TimeoutError:
                continue
            if found is None or time.thread_time_ns() < self._deadline_ns:
                return found
            break
        start = line if len(line) <= 60 else f"{line[:60]}…"
        raise InputError(
            f"The expression {compiled.pattern!r} takes too long, for example on a line of "
            f"{len(line)} characters that begins with {start!r}. Avoid nested repetitions such as "
            "(a+)+, the usual reason."
        )

    def _numbers(self, rule: Rule, texts: dict[str, str | None]) -> dict[str, float]:
        if texts.get(_SERIES):
            texts = {str(texts[_SERIES])[:_MAX_NAME_LENGTH]: texts.get(_VALUE)}
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
        raise InputError(f"Invalid regular expression {expression!r}: {error}. {_HELP}") from None
    if not compiled.groupindex and compiled.groups != 1:
        has = f"{compiled.groups} unnamed groups" if compiled.groups else "no group"
        raise InputError(f"The expression {expression!r} has {has}. {_HELP}")
    if _SERIES in compiled.groupindex and _VALUE not in compiled.groupindex:
        raise InputError(
            f"The expression {expression!r} has a group 'series', but no group 'value'. Add one "
            "that matches the number."
        )
    return compiled
