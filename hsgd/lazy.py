"""Facades that load their parts on first use, so that importing a package stays light.

A facade is the `__init__` of a package, which names all that is public. It says the same twice: to
type checkers by imports under `if TYPE_CHECKING`, so that to them a name that does not exist is an
error; and when it runs, in the `else` of that, by where each name is at home:

    __all__, __getattr__, __dir__ = lazy.facade(globals(), {"predict": "theory.prediction"})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def facade(
    namespace: dict[str, Any],
    homes: Mapping[str, str],
    modules: Sequence[str] = (),
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """The `__all__`, `__getattr__` and `__dir__` of a package.

    Parameters
    ----------
    namespace
        The package's `globals()`; what has been loaded is kept there.
    homes
        Public name → the module in the package that defines it.
    modules
        Modules in the package that are public themselves.
    """
    package = namespace["__name__"]
    public = [name for name in (*homes, *modules) if not name.startswith("__")]

    def load(name: str) -> Any:
        if name in homes:
            value = getattr(import_module(f"{package}.{homes[name]}"), name)
        elif name in modules:
            value = import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        namespace[name] = value
        return value

    def names() -> list[str]:
        special = [name for name in namespace if name.startswith("__")]
        return sorted({*homes, *modules, *special})

    return public, load, names
