"""The standard error of what was computed without each of some groups in turn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import Array


def jackknife(values: Sequence[ArrayLike]) -> Array:
    """Standard error from the values that each leave out one of g groups, shape (g, ...) → (...).

    References
    ----------
    B. Efron, "The jackknife, the bootstrap and other resampling plans", 1982, section 3.
    """
    count, table = len(values), np.array(values, dtype=np.float64)
    apart = table - table.mean(axis=0)
    return np.asarray(np.sqrt((count - 1) / count * np.sum(apart**2, axis=0)))
