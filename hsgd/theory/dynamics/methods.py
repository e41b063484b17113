"""The table of methods, and which one `auto` takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.algorithms.base import Algorithm
from hsgd.checks import one_of
from hsgd.theory.dynamics import discrete, homogenized
from hsgd.theory.question import Method, Question
from hsgd.theory.reshuffling import data_fit, mean_field, modified_flow

METHODS = (
    homogenized.METHOD,
    discrete.METHOD,
    mean_field.METHOD,
    modified_flow.METHOD,
    data_fit.METHOD,
)
"""From the plainest to the finest."""

NAMES = ("auto", *(method.name for method in METHODS))


def able(
    name: Any, problem: Any, algorithm: Algorithm, *, curves: bool, ends: bool = False
) -> list[Method]:
    """The methods meant by a name that can follow the algorithm, the plainest first.

    Where it is not `curves` that are asked for, only those that know more, or where these end.

    Raises
    ------
    TypeError, ValueError
        For another name, or if none can.
    """
    one_of("method", name, NAMES)
    asked = [method for method in METHODS if name in ("auto", method.name)]
    knowing = [
        method
        for method in asked
        if curves or method.answer is None or (ends and method.ends is not None)
    ]
    if not knowing:
        raise ValueError(f"method={name!r} knows curves alone: ask hsgd.predict for them.")
    found = [method for method in knowing if not method.refusal(problem, algorithm)]
    if not found:
        speaker = next((m for m in reversed(knowing) if m.answer is None), knowing[-1])
        raise ValueError(speaker.refusal(problem, algorithm))
    return found


def finest(question: Question, methods: list[Method]) -> Question:
    """The question with the finest of the methods that suits it, or with the plainest."""
    last = np.inf if question.grid is None else float(question.grid.unique[-1])
    for method in reversed(methods[1:]):
        finer = question.but(method=method)
        if method.suits is None or method.suits(finer, last):
            return finer
    return question.but(method=methods[0])
