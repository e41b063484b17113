"""The table of methods, and which one `auto` takes."""

from __future__ import annotations

from typing import Any

from hsgd.algorithms.base import Algorithm
from hsgd.checks import one_of
from hsgd.theory.dynamics import discrete, homogenized
from hsgd.theory.question import Method, Question

METHODS = (homogenized.METHOD, discrete.METHOD)
"""From the plainest to the finest."""

NAMES = ("auto", *(method.name for method in METHODS))


def able(name: Any, algorithm: Algorithm) -> list[Method]:
    """The methods meant by a name that can follow the algorithm, the plainest first.

    Raises
    ------
    TypeError, ValueError
        For another name, or if none can.
    """
    one_of("method", name, NAMES)
    asked = [method for method in METHODS if name in ("auto", method.name)]
    found = [method for method in asked if not method.refusal(algorithm)]
    if not found:
        raise ValueError(asked[-1].refusal(algorithm))
    return found


def finest(question: Question, methods: list[Method], last: float) -> Question:
    """The question with the finest method that suits it up to iteration `last`, or the plainest."""
    asked = [question.but(method=method) for method in methods]
    return next((q for q in reversed(asked[1:]) if q.method.suits(q, last)), asked[0])
