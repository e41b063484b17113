"""The table of methods, and which one `auto` takes."""

from __future__ import annotations

from typing import Any

from hsgd.algorithms.base import Algorithm
from hsgd.checks import one_of
from hsgd.theory.dynamics import discrete, homogenized
from hsgd.theory.question import Method

METHODS = (homogenized.METHOD, discrete.METHOD)
"""In the order in which `auto` prefers them."""

NAMES = ("auto", *(method.name for method in METHODS))


def choose(name: Any, algorithm: Algorithm) -> Method:
    """The method of that name; for `auto` the first that can follow the algorithm.

    Raises
    ------
    TypeError, ValueError
        For another name, or a method that cannot follow the algorithm.
    """
    one_of("method", name, NAMES)
    asked = [method for method in METHODS if name in ("auto", method.name)]
    for method in asked:
        if not method.refusal(algorithm):
            return method
    raise ValueError(asked[-1].refusal(algorithm))
