"""Find the steady temperature of a square plate by successive over-relaxation.

Usage: ``python solve.py OMEGA [CELLS]``. One edge is kept at 100 degrees, the others at 0. Below an
OMEGA of 2 the sweeps converge, fastest a little below it; above 2 they diverge.
"""

import sys

TOLERANCE = 1e-6
MOST_SWEEPS = 4000


def main(omega, cells):
    """Sweep over the plate until nothing changes any more."""
    plate = [[0.0] * (cells + 2) for _ in range(cells + 2)]
    plate[0] = [100.0] * (cells + 2)
    print(f"plate of {cells} x {cells} cells, omega {omega}", flush=True)
    for sweep in range(1, MOST_SWEEPS + 1):
        residual = relax(plate, omega, cells)
        if sweep % 5 == 0:
            print(f"sweep {sweep:5d}   residual {residual:.4e}", flush=True)
        if residual < TOLERANCE:
            print(f"converged after {sweep} sweeps")
            print(f"temperature in the middle: {plate[cells // 2][cells // 2]:.3f}")
            return 0
    print(f"not converged after {MOST_SWEEPS} sweeps", file=sys.stderr)
    return 1


def relax(plate, omega, cells):
    """Sweep once over the plate; return the largest change."""
    largest = 0.0
    for row in range(1, cells + 1):
        above, here, below = plate[row - 1], plate[row], plate[row + 1]
        for column in range(1, cells + 1):
            mean = (above[column] + below[column] + here[column - 1] + here[column + 1]) / 4
            change = omega * (mean - here[column])
            here[column] += change
            largest = max(largest, abs(change))
    return largest


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 120))
