"""When a curve has fallen far enough."""

from __future__ import annotations

import numpy as np

from hsgd.checks import Array


def arrival(curve: Array, position: Array, tolerance: float) -> float:
    """Where a curve first is at `tolerance` times its start; NaN if it never is.

    Parameters
    ----------
    curve
        Positive, shape (m,).
    position
        Time or iteration of each, shape (m,); between two, the curve's logarithm is interpolated.
    tolerance
        Between 0 and 1.
    """
    logs, wanted = np.log(curve / curve[0]), np.log(tolerance)
    first = int(np.argmax(logs <= wanted))
    if first == 0:
        return float("nan")
    pair = slice(first - 1, first + 1)
    return float(np.interp(-wanted, -logs[pair], position[pair]))
