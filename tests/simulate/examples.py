"""Algorithms that have a rule, each with what it must be told: a new one is tried with no more."""

import inspect

import hsgd
from simulate.rules.registry import rules


def example(kind, value=0.05, **more):
    """An algorithm of that kind, its required arguments all the same."""
    parameters = inspect.signature(kind).parameters.values()
    required = [p.name for p in parameters if p.default is p.empty]
    return kind(**dict.fromkeys(required, value), **more)


def _kinds():
    matrices = {"mixing": [[1.6, -0.6], [1.0, 0.0]], "gains": [1, 0], "query": [1.3, -0.3]}
    linear = hsgd.LinearMethod(**matrices, readout=[0.5, 0.5], learning_rate=0.05)
    for kind in (kind for rule in rules() for kind in rule.algorithms):
        yield kind.__name__, linear if kind is hsgd.LinearMethod else example(kind)
    average = {"averaging": hsgd.EMA(0.3)}
    yield "averaged", hsgd.GeneralMomentum(lambda t: 0.05 / (1 + t), 0.05, 0.4, **average)


EXAMPLES = dict(_kinds())
ON_DATA = {name: algorithm for name, algorithm in EXAMPLES.items() if algorithm.on_data}
