"""What did SGD really do: Monte Carlo runs, reproducible to the bit.

`simulate.sgd` is the verb; `hsgd simulate` is the same as a command. `simulate.diffusion`
draws paths of the diffusion that homogenized SGD is. Nothing in this package
knows the theory, so agreement with it is evidence.

    commands         `hsgd simulate`
    runs, paths      the verbs
    means            from runs to their mean
    run/             what every verb does around its engine
    engines/         how iterations are done: NumPy, the CPU, the GPU
    recording        from parameters to statistics
    checkpoint       a folder from which a run that was stopped goes on
    rows/            what an iteration reads or makes, a file for each kind
    rules/           what algorithms other than SGD do with a gradient, a file for each
    formulas/        what is computed in a step, written once
    randomness/      numbers that depend on nothing but their place
    numba_policy     how loops are compiled, `threads` who runs them

The facade loads its parts on first use: `import simulate` is light.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

_HOMES = {"sgd": "runs", "diffusion": "paths", "summary": "means", "Checkpoint": "checkpoint"}

__all__ = [*_HOMES]

if TYPE_CHECKING:
    from simulate.checkpoint import Checkpoint as Checkpoint
    from simulate.means import summary as summary
    from simulate.paths import diffusion as diffusion
    from simulate.runs import sgd as sgd

    __version__: str
else:
    # `hsgd.lazy` does the same for larger facades, but with it comes `import hsgd`, and xarray.

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            return version("hsgd")
        if name not in _HOMES:
            raise AttributeError(f"module 'simulate' has no attribute {name!r}")
        value = getattr(import_module(f"simulate.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        special = [name for name in globals() if name.startswith("__")]
        return sorted({*__all__, *special})
