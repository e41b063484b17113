"""The arrays that are passed around, by what is in them, and how far numbers are rounded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

EPS = float(np.finfo(np.float64).eps)
"""The distance from one to the next larger number: twice the relative rounding of an operation."""
