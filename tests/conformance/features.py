"""The README's tables of features, each cell with the test that proves it.

`python -m tests.conformance.features` prints them as Markdown, and with `--write` puts them into
the README between its marks. `test_features.py` checks that both are the same and that the tests
are there.
"""

from __future__ import annotations

import sys

from tests.conformance.feature_tables import CLIENTS, DOWNLOADS, WIDGETS
from tests.conformance.venvs import ROOT

README = ROOT / "README.md"
BEGIN, END = "<!-- features -->\n", "<!-- end of features -->\n"

TABLES = (CLIENTS, WIDGETS, DOWNLOADS)


def proofs() -> list[str]:
    """Return the id of each test that a cell rests on."""
    cells = (cell for table in TABLES for row in table.rows for cell in row.cells)
    return list(dict.fromkeys(proof for cell in cells for proof in cell.proofs))


def markdown() -> str:
    """Return what stands between the README's marks."""
    clients, widgets, downloads = (table.markdown() for table in TABLES)
    return (
        f"{clients}\nWidgets for tables, shown 100,000 rows of ten columns:\n\n{widgets}\n"
        f"Ways to get files out of an archive behind a link:\n\n{downloads}"
    )


def written() -> str:
    """Return what the README has between its marks."""
    return README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    """Print the tables, or write them into the README."""
    if "--write" not in sys.argv:
        print(markdown())
        return
    before, begin, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    if not begin:
        raise SystemExit(f"{README} has no line {BEGIN.strip()}")
    README.write_text(f"{before}{BEGIN}{markdown()}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
