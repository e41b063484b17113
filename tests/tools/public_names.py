"""What the four packages promise by name: every public name, with its signature."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import hsgd
import simulate
import validation
import volterra

PACKAGES = (hsgd, simulate, validation, volterra)

WITHOUT_ALL = {
    "hsgd.activations": ("BY_NAME", "Activation", "erf", "identity", "polynomial", "relu", "tanh"),
    "hsgd.hermite": ("coefficients", "constants", "polynomials"),
}
"""What is public of modules that do not say so themselves."""


def public_names() -> dict[str, str]:
    """Name → its signature if it can be called, its value if it is a constant, else its kind."""
    found = {}
    for package in PACKAGES:
        found |= dict(_of_module(package))
    return found


def _of_module(module: ModuleType) -> Iterator[tuple[str, str]]:
    named = WITHOUT_ALL.get(module.__name__) or module.__all__
    for name in sorted(named):
        thing, whole = getattr(module, name), f"{module.__name__}.{name}"
        if isinstance(thing, ModuleType):
            yield whole, "module"
            yield from _of_module(importlib.import_module(whole))
            continue
        yield whole, _signature(thing)
        if inspect.isclass(thing):
            yield from _of_class(thing, whole)


def _of_class(kind: type, whole: str) -> Iterator[tuple[str, str]]:
    """What the instances have: methods with their signatures, properties and fields by name."""
    special = [name for name in ("__call__",) if name in vars(kind)]
    public = [name for name in dir(kind) if not name.startswith("_")]
    for name in [*special, *public]:
        yield f"{whole}.{name}", _signature(inspect.getattr_static(kind, name), kind, name)


def _signature(thing: Any, owner: type | None = None, name: str = "") -> str:
    if isinstance(thing, classmethod | staticmethod):
        return f"{type(thing).__name__} {inspect.signature(getattr(owner, name))}"
    if isinstance(thing, bool | int | float | str | tuple):
        return f"{type(thing).__name__} {thing!r}"
    if not callable(thing) or not (inspect.isroutine(thing) or inspect.isclass(thing)):
        return type(thing).__name__
    try:
        return str(inspect.signature(thing))
    except ValueError:  # of Python's own classes
        return type(thing).__name__
