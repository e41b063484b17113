"""What a checkpoint belongs to: all that the bits of a run depend on, in words and digests."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hsgd import provenance
from hsgd.algorithms import Algorithm
from hsgd.checks import digest
from hsgd.problems import Problem
from simulate.engines.base import Course
from simulate.recording import Recorded


def configuration(
    problem: Problem,
    algorithm: Algorithm,
    course: Course,
    statistics: Sequence[Recorded],
    attributes: Mapping[str, Any],
) -> dict[str, Any]:
    """JSON-ready words, the same for two runs only if each could resume the other.

    Rates stand beside the algorithm's description, because a user's function has no other
    content that could be compared. Which replicates are run is left out: each is a run of its own.
    """
    return {
        "problem": problem.description(),
        "algorithm": algorithm.description(),
        "schedules_sha256": digest(*course.schedules()),
        "statistics": [_fingerprint(statistic) for statistic in statistics],
        "run": dict(attributes),
        "hsgd_version": provenance.version(),
    }


def _fingerprint(statistic: Recorded) -> dict[str, Any]:
    """A statistic's kind, name and content."""
    words: dict[str, Any] = {"kind": type(statistic).__name__, "name": statistic.name}
    values = vars(statistic)
    if dataclasses.is_dataclass(statistic):
        values = {f.name: getattr(statistic, f.name) for f in dataclasses.fields(statistic)}
    for name, value in values.items():
        numeric = isinstance(value, np.ndarray) or hasattr(value, "tocsr")
        words[name] = digest(value) if numeric else repr(value)
    return words
