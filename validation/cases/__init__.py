"""The table of named cases: used by the tests, the command line, the report and the docs."""

from __future__ import annotations

from validation.cases import gaussian, quickstart, reshuffling
from validation.cases.base import Case

CASES: dict[str, Case] = {
    case.name: case for case in (quickstart.CASE, gaussian.CASE, reshuffling.CASE)
}
"""name → case, in the order in which they are shown."""
