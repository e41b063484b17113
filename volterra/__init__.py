"""Volterra equations of the second kind, y = f + K y, with an error that can be trusted.

>>> import numpy as np
>>> import volterra
>>> kernel = volterra.SumOfExponentials([1.0, 3.0], [0.3, 0.6])
>>> forcing = volterra.SumOfExponentials([2.0], [1.0], constant=0.5)
>>> solution = volterra.solve(forcing, kernel, np.linspace(0.0, 10.0, 101))
>>> solution.status.value
'The tolerance is met at every requested time.'
"""

from volterra.analyse import Analysis, analyse
from volterra.compression import Compression, compress
from volterra.general_kernels import Convolution, Hammerstein, Kernel
from volterra.kernels import SumOfExponentials, TimeChanged
from volterra.powers import SumOfPowers
from volterra.resolvent_kernel import Resolvent, resolvent
from volterra.solution import Solution, Status
from volterra.solve import solve

__all__ = [
    "Analysis",
    "Compression",
    "Convolution",
    "Hammerstein",
    "Kernel",
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
