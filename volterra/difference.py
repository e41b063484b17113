"""The verb for difference equations y_k = f_k + sum_(s<k) K_(k-1-s) y_s."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from volterra.exact import solve_exact
from volterra.powers import SumOfPowers, check_iterations
from volterra.recursion import solve_recursion
from volterra.solution import Forcing, Trajectory

Array = NDArray[np.float64]

METHODS = ("auto", "exact", "recursion")

# Below so many products of a mode and an iteration per pair of modes, iterating is cheaper.
_MANY_MODES = 8_000


def solve_difference(
    forcing: Forcing, kernel: SumOfPowers, k: Array, method: str
) -> tuple[Trajectory, str]:
    """Pick a method where none is given, and run it; also hand back its name."""
    check_iterations(k)
    if method not in METHODS:
        raise ValueError(
            f"for a SumOfPowers the method must be one of {', '.join(map(repr, METHODS))}; "
            f"got {method!r}."
        )
    if method == "auto":
        method = _choose(forcing, kernel, float(k[-1]))
    if method == "recursion":
        return solve_recursion(forcing, kernel, int(k[-1])), method
    if not isinstance(forcing, SumOfPowers):
        raise TypeError(
            f"the exact method for a SumOfPowers needs a SumOfPowers as forcing, got "
            f"{type(forcing).__name__}: pass method='recursion' for other kinds."
        )
    return solve_exact(forcing, kernel), method


def _choose(forcing: Forcing, kernel: SumOfPowers, last: float) -> str:
    """Exact where both are sums of powers and the kernel is positive, unless iterating is cheap."""
    positive = bool(np.all(kernel.weights >= 0)) and kernel.constant >= 0
    if not isinstance(forcing, SumOfPowers) or not positive:
        return "recursion"
    modes = kernel.rates.size
    return "exact" if modes <= _MANY_MODES or last > modes else "recursion"
