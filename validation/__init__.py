"""Theory against simulation: do they agree, as well as they should.

`validation.compare` is the verb; `python -m validation CASE --out DIR` runs a named case, and
`validation.diff` compares two result folders. The facade loads its parts on first use:
`import validation` is light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hsgd import accessor
from validation import attached

_HOMES = {
    "compare": "comparison",
    "convergence": "slopes",
    "diff": "differences",
    "load": "folders",
    "CASES": "cases",
}

__all__ = ["CASES", "compare", "convergence", "diff", "load"]

if TYPE_CHECKING:
    from validation.cases import CASES as CASES
    from validation.comparison import compare as compare
    from validation.differences import diff as diff
    from validation.folders import load as load
    from validation.slopes import convergence as convergence

accessor.attach("compare", attached.compare)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'validation' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"validation.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
