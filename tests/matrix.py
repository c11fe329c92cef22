"""What a run of the tests has found: on which Pythons and in which front ends what works.

Tests note it with `note` or `seen` when they have seen it. Run as a module after them::

    python -m tests.matrix           print both tables
    python -m tests.matrix --check   compare the README's table of front ends with what was found
    python -m tests.matrix --write   write that table anew
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "tests" / "artifacts" / "matrix"
README = ROOT / "README.md"
BEGIN, END = "<!-- front ends -->", "<!-- end of front ends -->"

PYTHONS = "Python"
FRONT_ENDS = "front end"

YES = "yes"
NOT_RUN = "not run"
UNTESTED = "\N{EN DASH}"

VERSION = "version"
LIVE = "live card and list"
BUSY = "kill while a cell runs"
PICTURES = "pictures of tasks"
READABLE = "readable without a kernel"

GITHUB = "GitHub, which drops styles"

# The distributions whose versions are told.
_PACKAGES = {
    "JupyterLab": "jupyterlab",
    "Notebook": "notebook",
    "Voilà": "voila",
    "marimo": "marimo",
    "nbconvert": "nbconvert",
}


class Shape(NamedTuple):
    """The columns of a table, for each row those that tests look at, and what none can look at."""

    columns: tuple[str, ...]
    rows: dict[str, tuple[str, ...]]
    remark: str


_DEPENDENCIES = ("lowest dependencies", "newest dependencies")
SHAPES = {
    PYTHONS: Shape(
        _DEPENDENCIES, dict.fromkeys(("3.10", "3.11", "3.12", "3.13"), _DEPENDENCIES), ""
    ),
    FRONT_ENDS: Shape(
        (VERSION, LIVE, BUSY, PICTURES, READABLE),
        {
            "JupyterLab": (VERSION, LIVE, BUSY, PICTURES, READABLE),
            "Notebook": (VERSION, LIVE, BUSY, PICTURES),
            "Voilà": (VERSION, LIVE, PICTURES),
            "marimo": (VERSION, LIVE),
            "nbconvert": (VERSION, PICTURES, READABLE),
            GITHUB: (READABLE,),
        },
        "VS Code and Colab are not tested; what they need of a widget is kept, and tested with a "
        "host that offers nothing else.",
    ),
}


def note(table: str, row: str, column: str, value: str) -> None:
    """Keep what a test has seen; one file a fact, as tests may run in several processes."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", f"{table} {row} {column}").strip("-").lower()
    record = {"table": table, "row": row, "column": column, "value": value}
    (RECORDS / f"{name}.json").write_text(json.dumps(record))


def seen(front_end: str, column: str) -> None:
    """Keep that a test has seen a front end do something, and in which version."""
    note(FRONT_ENDS, front_end, column, YES)
    if front_end in _PACKAGES:
        note(FRONT_ENDS, front_end, VERSION, version(_PACKAGES[front_end]))


def forget(table: str) -> None:
    """Remove what earlier runs have found for a table."""
    for path in _records():
        if json.loads(path.read_text())["table"] == table:
            path.unlink()


def found(table: str) -> dict[str, dict[str, str]]:
    """Return the rows of a table, each with its columns."""
    rows: dict[str, dict[str, str]] = {}
    for path in _records():
        record = json.loads(path.read_text())
        if record["table"] == table:
            rows.setdefault(record["row"], {})[record["column"]] = record["value"]
    return dict(sorted(rows.items()))


def lines(table: str) -> list[list[str]]:
    """Return a table with its head; what tests look at and have not is said to be not run."""
    shape, rows = SHAPES[table], found(table)
    columns = list(shape.columns)
    columns += sorted({name for row in rows.values() for name in row} - set(columns))
    made = [[table, *columns]]
    for row in [*shape.rows, *sorted(rows.keys() - shape.rows.keys())]:
        wanted, has = shape.rows.get(row, ()), rows.get(row, {})
        missing = {name: NOT_RUN if name in wanted else UNTESTED for name in columns}
        made.append([row, *(has.get(name, missing[name]) for name in columns)])
    return made


def aligned(table: str) -> str:
    """Return a table as text to read in a terminal."""
    made = lines(table)
    widths = [max(map(len, column)) for column in zip(*made, strict=True)]
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in made
    ]
    return "\n".join([*padded, *filter(None, [SHAPES[table].remark])])


def markdown(table: str) -> str:
    """Return a table as it stands in the README."""
    head, *rows = lines(table)
    made = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join([*made, *(["", SHAPES[table].remark] if SHAPES[table].remark else [])])


def differences(readme: str) -> list[str]:
    """Return what the README's table says other than was found, a sentence each."""
    told = {row[0]: row for row in _table_in(readme)}
    real = {row[0]: row for row in lines(FRONT_ENDS)}
    columns = real[FRONT_ENDS]
    if told.get(FRONT_ENDS) != columns:
        return [f"The README's table has the columns {told.get(FRONT_ENDS)}, not {columns}."]
    made = [f"{row} is not in the README's table." for row in real.keys() - told.keys()]
    made += [f"{row} is in the README's table alone." for row in told.keys() - real.keys()]
    for row in (name for name in real if name in told):
        for column, says, is_so in zip(columns, told[row], real[row], strict=True):
            if says != is_so and not (column == VERSION and _is_newer(is_so, says)):
                made.append(f"{row}, {column}: the README says {says!r}, the tests {is_so!r}.")
    if SHAPES[FRONT_ENDS].remark not in readme:
        made.append("The README does not say which front ends are not tested.")
    return sorted(made)


def written(readme: str) -> str:
    """Return the README with its table as it was found."""
    before, _, rest = readme.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{markdown(FRONT_ENDS)}\n{END}{after}"


def _table_in(readme: str) -> list[list[str]]:
    between = readme.partition(BEGIN)[2].partition(END)[0]
    rows = [line.strip().strip("|").split("|") for line in between.splitlines() if "|" in line]
    cells = [[cell.strip() for cell in row] for row in rows]
    return [row for row in cells if not set("".join(row)) <= set("-:")]


def _is_newer(one: str, other: str) -> bool:
    parts = [re.findall(r"\d+", text) for text in (one, other)]
    if not all(parts):
        return False
    first, second = ([int(part) for part in found] for found in parts)
    return first >= second


def _records() -> list[Path]:
    return sorted(RECORDS.glob("*.json"))


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    if arguments == ["--write"]:
        README.write_text(written(README.read_text()))
        return 0
    if arguments == ["--check"]:
        found_other = differences(README.read_text())
        print("\n".join(found_other) or "The README's table of front ends is what was found.")
        return 1 if found_other else 0
    if arguments:
        print(__doc__)
        return 2
    print("\n\n".join(aligned(table) for table in SHAPES))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
