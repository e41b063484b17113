"""Where ridge regression ends up, from a spectrum alone: kernels, and random features of them.

A kernel is known by its eigenvalues λ_i and a target by its power v_i² along the eigenfunctions; n
samples then *learn* the share L_i = λ_i/(λ_i + κ) of mode i, and one scalar equation says what κ
is. That is what these functions solve, without data and without SGD; and `sgd_limits` is the bridge
from there to where SGD ends up. They see neither the theory nor the solver.

    ridge          kernel ridge, random features, what is learned of each mode
    interpolation  what interpolating costs: benign, tempered or catastrophic
    bridge         from ridge regression to the limits of SGD
    effective      the scalar equations
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsgd import lazy

if TYPE_CHECKING:
    from hsgd.eigenframeworks.bridge import sgd_limits as sgd_limits
    from hsgd.eigenframeworks.interpolation import overfitting as overfitting
    from hsgd.eigenframeworks.ridge import learnabilities as learnabilities
    from hsgd.eigenframeworks.ridge import ridge_regression as ridge_regression
else:
    __all__, __getattr__, __dir__ = lazy.facade(
        globals(),
        {
            "ridge_regression": "ridge",
            "learnabilities": "ridge",
            "overfitting": "interpolation",
            "sgd_limits": "bridge",
        },
    )
