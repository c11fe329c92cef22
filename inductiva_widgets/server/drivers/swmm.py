"""Driver for SWMM: ``runswmm MODEL.inp MODEL.rpt [MODEL.out]``.

The run function of the library redraws one line with backspaces, which is unreadable in a log. The
driver steps through the simulation instead and prints lines with a percentage.
"""

from __future__ import annotations

import contextlib
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from swmm.toolkit import shared_enum, solver

_STRIDE_SECONDS = 600
_N_PROGRESS_LINES = 50


def main(arguments: list[str]) -> int:
    """Run one model and return the exit code.

    Parameters
    ----------
    arguments
        Input, report and optional binary output file.
    """
    if len(arguments) not in (2, 3):
        _print_error("usage: runswmm MODEL.inp MODEL.rpt [MODEL.out]")
        return 2
    model, report, output = (*arguments, "")[:3]
    # An earlier report must not be mistaken for that of this run.
    Path(report).unlink(missing_ok=True)
    clock = time.perf_counter()
    _print(f"EPA SWMM {solver.swmm_version_info()}")
    try:
        solver.swmm_open(model, report, output)
        _simulate(clock)
        if not output:
            # As the runswmm command: without a binary file, the result tables go to the report.
            solver.swmm_report()
    except Exception as error:
        # The library raises plain exceptions. Most reasons are in the report, which is complete
        # once it is closed. Closing a model that did not open raises, too.
        with contextlib.suppress(Exception):
            solver.swmm_close()
        _print_error(f"runswmm: {' '.join(str(error).split())}")
        _print_report_messages(Path(report))
        return 1
    solver.swmm_close()
    _print(f"Done in {time.perf_counter() - clock:.1f} s")
    return 0


def _simulate(clock: float) -> None:
    first = datetime(*solver.simulation_get_datetime(shared_enum.TimeProperty.START_DATE))
    last = datetime(*solver.simulation_get_datetime(shared_enum.TimeProperty.END_DATE))
    whole_days = (last - first) / timedelta(days=1)
    _print(f"Simulating {first} to {last} ({whole_days:.1f} days)")
    solver.swmm_start(True)
    due = 0.0
    # The library gives the elapsed days, and zero at the end.
    while (days := solver.swmm_stride(_STRIDE_SECONDS)) > 0:
        share = days / whole_days
        if share >= due:
            due = share + 1 / _N_PROGRESS_LINES
            _progress(first + timedelta(days=days), share, clock)
    _progress(last, 1.0, clock)
    solver.swmm_end()
    runoff, flow, _quality = solver.swmm_get_mass_balance()
    _print(f"Continuity error: runoff {runoff:.3f}%, flow routing {flow:.3f}%")


def _progress(moment: datetime, share: float, clock: float) -> None:
    wall = time.perf_counter() - clock
    _print(f"{moment:%Y-%m-%d %H:%M}  {min(100.0, 100 * share):5.1f}%  wall {wall:6.1f} s")


def _print_report_messages(report: Path) -> None:
    if not report.is_file():
        return
    lines = report.read_text(encoding="utf-8", errors="replace").splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.lstrip().startswith(("ERROR", "WARNING")):
            # After a colon, the next line quotes the input.
            quoted = following if line.rstrip().endswith(":") else ""
            _print_error(" ".join(f"{line} {quoted}".split()))


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _print_error(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
