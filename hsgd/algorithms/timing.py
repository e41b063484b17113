"""From times to iterations, as schedules see them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def first_iterations(times: ArrayLike, iterations_per_unit: int) -> NDArray[np.int64]:
    """The first iteration k with k/iterations_per_unit ≥ time, for each of `times`.

    Decided by the very quotients at which schedules are evaluated, so that theory and simulation
    change at the same iteration whatever the rounding.
    """
    asked = np.asarray(times, dtype=np.float64)
    k = np.floor(asked * iterations_per_unit).astype(np.int64) - 1
    for _ in range(3):
        k = np.where(k / iterations_per_unit < asked, k + 1, k)
    return np.asarray(np.maximum(k, 0))
