"""What a run of the tests has found: on which Pythons and in which front ends what works.

Tests note it with `note` when they have seen it; `python -m tests.matrix` prints the tables after
the run and compares the README's table of front ends with what was found.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "tests" / "artifacts" / "matrix"
README = ROOT / "README.md"

PYTHONS = "Python"
FRONT_ENDS = "front end"


def note(table: str, row: str, column: str, value: str) -> None:
    """Keep what a test has seen; one file a fact, as tests may run in several processes."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", f"{table} {row} {column}").strip("-").lower()
    record = {"table": table, "row": row, "column": column, "value": value}
    (RECORDS / f"{name}.json").write_text(json.dumps(record))


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


def _records() -> list[Path]:
    return sorted(RECORDS.glob("*.json"))
