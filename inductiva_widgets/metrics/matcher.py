"""Matching of lines against regular expressions whose groups are series, and their numbers."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from inductiva_widgets.errors import InputError

# "1.2D-03" for double precision; without a letter if the exponent has three digits.
_FORTRAN = re.compile(
    r"(?P<digits>[-+]?(?:\d+\.?\d*|\.\d+))(?:[dD](?=[-+\d])|(?=[-+]\d{3}$))(?P<power>[-+]?\d+)"
)
# C libraries print -nan(ind), nan(0x8000), nan(snan); old ones on Windows 1.#IND, 1.#INF.
_NON_FINITE = re.compile(
    r"(?P<sign>[-+]?)(?:(?P<nan>nan[qs]|nan\(\w*\)?|1\.#(?:ind|[qs]nan)0*)|1\.#inf0*)",
    re.IGNORECASE,
)

LINE_TIMEOUT = 0.05
"""Maximum seconds of one search."""
END = "end_"
"""Prefix of a group with the final value of a series: ``end_step`` for the series ``step``."""
_SERIES, _VALUE, _SCOPE = "series", "value", "scope"
# The series that begins a step in a table.
_STEP = "step"
# Components of a vector; longer ones are numbered.
_AXES = "xyz"
_MAX_NAME_LENGTH = 40
# Seconds of the second search in a line: the machine may have been busy during the first one.
_RETRY_TIMEOUT = 1.0
# CPU time of all lines of a chunk.
_CHUNK_BUDGET_NS = 3_000_000_000
_HELP = (
    r"Name each number with a group, such as r'residual\s+(?P<residual>\S+)'; "
    "each name becomes a series."
)


def parse_number(text: str) -> float | None:
    """Convert a text to a number, or return None if it is not a number.

    A percent sign and punctuation at the end are ignored. A comma inside is ambiguous, decimal
    point or thousands separator, so such a text is not a number.

    Parameters
    ----------
    text
        Text matched by an expression.

    Examples
    --------
    >>> [parse_number(text) for text in ("1e-5,", "1.2D-03", "1.5-103", "12.5%", "-NaN", "1,5")]
    [1e-05, 0.0012, 1.5e-103, 12.5, nan, None]
    >>> [parse_number(text) for text in ("-nan(ind)", "1.#QNAN", "-1.#INF", "Infinity")]
    [nan, nan, -inf, inf]
    """
    text = text.strip().rstrip("%,;:)] ")
    if not text.isascii() or "_" in text:
        return None
    with contextlib.suppress(ValueError):
        return float(text)
    non_finite = _NON_FINITE.fullmatch(text)
    if non_finite is not None:
        return float("nan") if non_finite["nan"] else float(f"{non_finite['sign']}inf")
    fortran = _FORTRAN.fullmatch(text)
    return None if fortran is None else float(f"{fortran['digits']}e{fortran['power']}")


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
    suffix
        End of the names of the series.
    kind
        What the series are, such as ``"residual"``, for conditions on all series of a kind.
    is_scoped
        If True, the series belong to the scope, such as a region of the mesh, that a group
        ``scope`` of this rule or of an earlier line names: ``heater:h``.
    is_last
        If True, the last value of a step counts, otherwise the first.
    ends_step
        If True, a match ends the step.
    column_width
        If above 0, the rule reads tables instead: a line of names in right-aligned columns of this
        width, and a line of their numbers. The expression matches the title of a summary, whose
        tables are left out.
    """

    expression: str
    required_text: str = ""
    transform: Callable[[Mapping[str, float]], dict[str, float]] | None = None
    is_trusted: bool = False
    suffix: str = ""
    kind: str = ""
    is_scoped: bool = False
    is_last: bool = False
    ends_step: bool = False
    column_width: int = 0


class Match(NamedTuple):
    """Numbers that one rule found in a line.

    Parameters
    ----------
    rule
        The rule.
    values
        Numbers by series.
    """

    rule: Rule
    values: dict[str, float]


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
        self._scope = ""
        self._table = _Table()
        self._deadline_ns = 0

    @property
    def kinds(self) -> dict[str, str] | None:
        """The kind of each series, or None if their names are read from the text."""
        kinds: dict[str, str] = {}
        for rule, compiled in self._rules:
            is_named_by_text = rule.is_scoped or rule.column_width or _SERIES in compiled.groupindex
            if rule.transform is not None or is_named_by_text:
                return None
            names = compiled.groupindex or (_VALUE,)
            kinds |= {name: rule.kind for name in names if not name.startswith(END)}
        return kinds

    def reset_budget(self) -> None:
        """Restart the time budget, for the lines of another chunk."""
        # CPU time, since the machine may be busy with other processes.
        self._deadline_ns = time.thread_time_ns() + _CHUNK_BUDGET_NS

    def end_scope(self) -> None:
        """Forget the scope that an earlier line has named."""
        self._scope = ""

    def find(self, line: str) -> dict[str, float]:
        """Return the numbers in a line by series.

        Raises
        ------
        InputError
            The search takes too long.
        """
        values: dict[str, float] = {}
        for match in self.matches(line):
            values |= match.values
        return values

    def matches(self, line: str) -> list[Match]:
        """Return the numbers that each rule finds in a line, apart from rules that find none.

        Raises
        ------
        InputError
            The search takes too long.
        """
        matches: list[Match] = []
        for rule, compiled in self._rules:
            if rule.column_width:
                if rule.required_text in line and compiled.search(line):
                    self._table.begin_summary()
                values = self._table.feed(line, rule.column_width)
                if values:
                    matches.append(Match(rule, values))
            elif rule.required_text in line:
                found = compiled.search(line) if rule.is_trusted else self._search(compiled, line)
                if found is not None:
                    values = self._numbers(rule, found.groupdict() or {_VALUE: found[1]})
                    if values:
                        matches.append(Match(rule, values))
        return matches

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
        scope = texts.pop(_SCOPE, None)
        if scope and not texts:
            self._scope = scope[:_MAX_NAME_LENGTH]
            return {}
        values: dict[str, float] = {}
        for name, text in _named(texts):
            for part, number in _components(text):
                value = parse_number(number)
                if value is None:
                    self.skipped += 1
                else:
                    values[f"{name}{part}{rule.suffix}"] = value
        if rule.transform is not None and values:
            values = rule.transform(values)
        prefix = (scope or self._scope)[:_MAX_NAME_LENGTH] if rule.is_scoped else ""
        return {f"{prefix}:{name}": one for name, one in values.items()} if prefix else values


class _Table:
    """Numbers of a table whose names are in the line above."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._is_summary = False

    def begin_summary(self) -> None:
        """Leave out all tables up to that of the next step."""
        self._is_summary = True

    def feed(self, line: str, width: int) -> dict[str, float]:
        """Return the numbers of a line by the names above them, if it is a line of numbers."""
        text = line.rstrip()
        if len(text) % width:
            # The last column is not right-aligned.
            self._names = []
            return {}
        cells = [text[start : start + width].strip() for start in range(0, len(text), width)]
        names, self._names = self._names, [_column_name(cell) for cell in cells]
        if len(names) != len(cells) or not all(names):
            return {}
        numbers = [parse_number(cell) for cell in cells]
        found = {name: one for name, one in zip(names, numbers, strict=True) if one is not None}
        if len(found) < len(cells):
            return {}
        if _STEP in found:
            self._is_summary = False
        return {} if self._is_summary else found


def _column_name(cell: str) -> str:
    """Return the name of a column as a series, such as ``Kinetic_En``, or "" if it is none."""
    name = re.sub(r"\W+", "_", cell.partition("(bar)")[0]).strip("_")
    # The series of steps and time have the names that other lines of the log give them.
    return {"Step": _STEP, "Time": "time"}.get(name, name if name[:1].isalpha() else "")


def _named(texts: dict[str, str | None]) -> list[tuple[str, str]]:
    """Return the names and the texts of the numbers."""
    if texts.get(_SERIES):
        texts = {str(texts[_SERIES])[:_MAX_NAME_LENGTH]: texts.get(_VALUE)}
    return [(name, text) for name, text in texts.items() if text is not None]


def _components(text: str) -> list[tuple[str, str]]:
    """Return the components of a vector such as ``(1 0.5 0)``, or the number itself."""
    numbers = text[1:].rstrip(")").split() if text.startswith("(") else []
    if len(numbers) < 2:
        return [("", text)]
    names = _AXES if len(numbers) <= len(_AXES) else [f"_{n}" for n in range(len(numbers))]
    return list(zip(names, numbers, strict=False))


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
