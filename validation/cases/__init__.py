"""The table of named cases: used by the tests, the command line and the docs."""

from __future__ import annotations

from validation.cases import quickstart
from validation.cases.base import Case

CASES: dict[str, Case] = {case.name: case for case in (quickstart.CASE,)}
"""name → case, in the order in which they are shown."""
