"""The table of named cases: used by the tests, the command line, the report and the docs."""

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
)
"""The files of this folder that define a `CASE`, in the order in which they are shown."""

_FOUND: tuple[Case, ...] = tuple(
    importlib.import_module(f"validation.cases.{module}").CASE for module in _TABLE
)

CASES: dict[str, Case] = {case.name: case for case in _FOUND}
"""name → case."""
