"""Activations by number, written once for both compiled engines."""

from __future__ import annotations

import math
from typing import Any

from hsgd.activations import BY_NAME

RELU, ERF, TANH, IDENTITY = range(4)
CODES = {"relu": RELU, "erf": ERF, "tanh": TANH, "identity": IDENTITY}
"""What the activations that have a name are called inside kernels."""
assert CODES.keys() == BY_NAME.keys()


def activated(code: int, value: Any) -> Any:
    """An activation of one number."""
    if code == RELU:
        return max(value, 0.0)
    if code == ERF:
        return math.erf(value)
    if code == TANH:
        return math.tanh(value)
    return value
