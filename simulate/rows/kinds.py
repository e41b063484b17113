"""All kinds of rows, each known by the noun that has them."""

from __future__ import annotations

from typing import Any

from simulate.rows.base import Rows
from simulate.rows.data import DataRows
from simulate.rows.features import FreshFeatures
from simulate.rows.gaussian import FreshGaussian

KINDS: tuple[type[Rows], ...] = (DataRows, FreshGaussian, FreshFeatures)


def kind_of(problem: Any) -> type[Rows]:
    """The kind of a problem's rows."""
    return next(kind for kind in KINDS if isinstance(problem, kind.problem))
