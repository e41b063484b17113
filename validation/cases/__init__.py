"""The table of named cases: used by the tests, the command line, the report and the docs.

    base        what a case is, and how to write the next one
    confront    what most cases do
    arrival     when a curve has fallen far enough; `tables` figures that are no curves along time

All other files are the cases in `_TABLE`.
"""

from __future__ import annotations

import importlib

from validation.cases.base import Case

_TABLE = (
    "quickstart",
    "gaussian",
    "streaming",
    "concentration",
    "in_the_large",
    "limiting",
    "conditioning",
    "batches",
    "finite_size",
    "near_critical",
    "photographs",
    "photographs_kept_means",
    "phases",
    "formulas",
    "reshuffling",
    "without_replacement",
    "reshuffled_digits",
)
"""The files of this folder that define a `CASE`, in the order in which they are shown."""

_FOUND: tuple[Case, ...] = tuple(
    importlib.import_module(f"validation.cases.{module}").CASE for module in _TABLE
)

CASES: dict[str, Case] = {case.name: case for case in _FOUND}
"""name → case."""
