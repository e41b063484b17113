"""The table of named cases: used by the tests, the command line, the report and the docs."""

from __future__ import annotations

from validation.cases import (
    concentration,
    conditioning,
    finite_size,
    formulas,
    gaussian,
    in_the_large,
    limiting,
    near_critical,
    photographs,
    photographs_kept_means,
    quickstart,
    reshuffling,
)
from validation.cases.base import Case

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        quickstart.CASE,
        gaussian.CASE,
        concentration.CASE,
        in_the_large.CASE,
        limiting.CASE,
        conditioning.CASE,
        finite_size.CASE,
        near_critical.CASE,
        photographs.CASE,
        photographs_kept_means.CASE,
        formulas.CASE,
        reshuffling.CASE,
    )
}
"""name → case, in the order in which they are shown."""
