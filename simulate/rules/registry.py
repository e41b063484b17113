"""All rules, found by looking into this folder: whoever adds one adds a file, and no more."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from hsgd.algorithms.base import Algorithm
from simulate.rules.base import Rule

_OTHERS = {"base", "registry", "sharing"}


@cache
def rules() -> tuple[type[Rule], ...]:
    """Every rule, by file; those whose learning rates are known beforehand first."""
    here = Path(__file__).parent
    names = {module.name for module in pkgutil.iter_modules([str(here)])} - _OTHERS
    modules = [importlib.import_module(f"{__package__}.{name}") for name in sorted(names)]
    found = [rule for module in modules for rule in _defined_in(module)]
    return tuple(sorted(found, key=lambda rule: rule.finds_rates()))


def _defined_in(module: ModuleType) -> list[type[Rule]]:
    kinds = [value for value in vars(module).values() if isinstance(value, type)]
    return [kind for kind in kinds if issubclass(kind, Rule) and kind.__module__ == module.__name__]


def algorithms() -> tuple[type[Algorithm], ...]:
    """The nouns that have a rule."""
    return tuple(algorithm for rule in rules() for algorithm in rule.algorithms)


def kind_of(problem: Any, algorithm: Algorithm) -> type[Rule] | None:
    """The rule that an algorithm has on a problem; None for SGD, and momentum on data."""
    return next((rule for rule in rules() if rule.takes(problem, algorithm)), None)


def rule_of(problem: Any, algorithm: Algorithm, num_iterations: int) -> Rule | None:
    """The rule of an algorithm on a problem; None for SGD, and what is SGD after all."""
    rule = kind_of(problem, algorithm)
    return None if rule is None else rule.of(problem, algorithm, num_iterations)
