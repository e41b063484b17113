"""Theory against simulation: do they agree, as well as they should.

`validation.compare` is the verb; `hsgd validate CASE --out DIR` runs a named case, and
`validation.diff` compares two result folders.

    comparison      the verb: two datasets in, a verdict out
    sweeps          the settings of a sweep, side by side
    alignment       are they about the same thing
    points          the numbers at each time, and the rules that judge them
    simultaneous    one test for all of them at once, `tails` whether a few runs are enough
    verdict         the sentence
    slopes          how fast an error falls with the size
    commands        `hsgd compare`, `diff` and `validate`, `confronting` what the last one does
    cases/          named cases, from `data` and `features`
    stacking        several results in one file, `folders` a finished case on disk
    differences     what changed between two of them
    figures         what the figures of all cases share, `report` the page that shows them
    attached        what `import validation` adds to `ds.hsgd`

The facade loads its parts on first use: `import validation` is light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsgd import accessor, lazy
from validation import attached

if TYPE_CHECKING:
    from validation.cases import CASES as CASES
    from validation.comparison import compare as compare
    from validation.differences import diff as diff
    from validation.folders import load as load
    from validation.slopes import convergence as convergence

    __version__: str
else:
    __all__, __getattr__, __dir__ = lazy.facade(
        globals(),
        {
            "CASES": "cases",
            "compare": "comparison",
            "convergence": "slopes",
            "diff": "differences",
            "load": "folders",
            "__version__": "comparison",
        },
    )

accessor.attach("compare", attached.compare)
