"""Volterra equations of the second kind, y = f + K y, with an error that can be trusted.

>>> import numpy as np
>>> import volterra
>>> kernel = volterra.SumOfExponentials([1.0, 3.0], [0.3, 0.6])
>>> forcing = volterra.SumOfExponentials([2.0], [1.0], constant=0.5)
>>> solution = volterra.solve(forcing, kernel, np.linspace(0.0, 10.0, 101))
>>> solution.status.value
'The tolerance is met at every requested time.'

The verb and its table of methods:

    solve          check the question, pick a method, hand back a solution
    methods        the table of methods, in the order of preference
    sampled        forcings given as arrays
    question       what is asked, and what a method is: how to write the next one
    refusals       why a method cannot answer: reasons that several share
    solution       the answer, its error, and how it went

The ways to solve, each a folder whose `method` says how; and what they are made of:

    kernels/       what an equation is made of
    exact/         roots and residues: positive sums
    companion/     the same in the complex plane: any sums
    recursion/     difference equations, iterated
    collocation/   step by step: clocks, weights, any forcing
    compression/   long sums made short, then one of the above
    panels/        any kernel
    analysis/      what can be said without solving

And the ground on which they stand:

    checks         sentences for bad input
    stepping       the length of the next step, for all that steps
    radau          the collocation rule
    compiling      how loops are compiled
    arrays         the arrays by what is in them, and epsilon
"""

from importlib import metadata

from volterra.analysis.analyse import Analysis, analyse
from volterra.analysis.resolvent import Resolvent, resolvent
from volterra.compression.compress import Compression, compress
from volterra.kernels.exponentials import SumOfExponentials, TimeChanged
from volterra.kernels.functions import Convolution, Hammerstein, Kernel
from volterra.kernels.piecewise import OnClock, PiecewiseClock
from volterra.kernels.powers import SumOfPowers
from volterra.solution import Solution, Status
from volterra.solve import solve

__all__ = [
    "Analysis",
    "Compression",
    "Convolution",
    "Hammerstein",
    "Kernel",
    "OnClock",
    "PiecewiseClock",
    "Resolvent",
    "Solution",
    "Status",
    "SumOfExponentials",
    "SumOfPowers",
    "TimeChanged",
    "analyse",
    "compress",
    "resolvent",
    "solve",
]


def __getattr__(name: str) -> str:
    if name == "__version__":  # that of the distribution, looked up when it is asked for
        return metadata.version("hsgd")
    raise AttributeError(f"module 'volterra' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
