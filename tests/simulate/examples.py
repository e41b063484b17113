"""Algorithms that have a rule, each with what it must be told: a new one is tried with no more."""

import inspect

from simulate.rules.registry import rules


def example(kind, value=0.05, **more):
    """An algorithm of that kind, its required arguments all the same."""
    parameters = inspect.signature(kind).parameters.values()
    required = [p.name for p in parameters if p.default is p.empty]
    return kind(**dict.fromkeys(required, value), **more)


EXAMPLES = {kind.__name__: example(kind) for rule in rules() for kind in rule.algorithms}
ON_DATA = {name: algorithm for name, algorithm in EXAMPLES.items() if algorithm.on_data}
