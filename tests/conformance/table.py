"""Prints, as Markdown, what either client asks for: `python -m tests.conformance.table`.

Runs the operations anew, so the numbers are those of now.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.conformance.comparison import differences
from tests.conformance.measure import Measured, measure
from tests.conformance.server import recorded_server
from tests.conformance.test_same_requests import DECLARED
from tests.conformance.vendor import VERSION, vendor_programs


def markdown(measured: Measured) -> str:
    """Return the number of requests of each operation, and each difference with its reason."""
    lines = [
        f"| operation | requests, vendor {VERSION} | ours |",
        "| --- | ---: | ---: |",
        *(
            f"| {operation} | {len(vendor)} | {len(ours)} |"
            for operation, (vendor, ours) in measured.items()
        ),
        "",
        "A request that is repeated while waiting counts once.",
        "",
        "| operation | request | what | vendor | ours | reason |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for operation, (vendor, ours) in measured.items():
        for found in differences(operation, vendor, ours):
            row = (found.operation, found.request, found.what, found.vendor, found.ours)
            reason = DECLARED.get(row, "**not declared**")
            lines.append(
                f"| {operation} | `{found.request}` | {found.what} | `{found.vendor}` "
                f"| `{found.ours}` | {reason} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    programs = vendor_programs()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "work").mkdir()
        with recorded_server(folder / "server") as served:
            print(markdown(measure(served, programs, folder / "work")))


if __name__ == "__main__":
    main()
