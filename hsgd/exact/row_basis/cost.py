"""What the row-basis method will take, said before it is taken."""

from __future__ import annotations

from hsgd.exact.row_basis.rows import Rows

USUAL_BASIS = 100
"""Row vectors that suffice for six digits on all data that we know; hard ones take half more."""
HALF_APPLICATIONS = 160
_SNAPSHOTS = 20


def memory(rows: Rows, num_statistics: int, num_regimes: int) -> int:
    """Bytes, from above: matrices of basis and snapshots, kernels, and copies of the rows."""
    triangles = (1.5 * USUAL_BASIS + _SNAPSHOTS + num_statistics + 5 * num_regimes) * rows.size
    kernels = num_regimes * 3 * 400 * USUAL_BASIS**2
    return int(8 * (triangles + kernels + 6 * rows.number * rows.rank))


def seconds(rows: Rows, num_regimes: int) -> float:
    """About how long it takes on one core; the number of iterations does not enter."""
    solves = num_regimes * (2.0 + 1e-4 * rows.size)
    return solves + HALF_APPLICATIONS * rows.number * rows.rank**2 / 3e10
