"""Theory against simulation: do they agree, as well as they should.

`validation.compare` is the verb; `python -m validation CASE --out DIR` runs a named case, and
`validation.diff` compares two result folders.

    comparison      the verb: two datasets in, a verdict out
    alignment       are they about the same thing
    points          the numbers at each time, and the rules that judge them
    simultaneous    one test for all of them at once, `tails` whether a few runs are enough
    verdict         the sentence
    slopes          how fast an error falls with the size
    cases/          named cases, from `data` and `features`
    stacking        several results in one file, `folders` a finished case on disk
    differences     what changed between two of them
    figures         what the figures of all cases share, `report` the page that shows them
    attached        what `import validation` adds to `ds.hsgd`

The facade loads its parts on first use: `import validation` is light.
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
