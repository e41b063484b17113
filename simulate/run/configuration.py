"""What a checkpoint belongs to: all that the bits of a run depend on, in words and digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hsgd.algorithms.base import Algorithm
from hsgd.checks import digest
from hsgd.dataset import provenance
from hsgd.dataset.fingerprints import of_statistic
from hsgd.interfaces import Problem
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
        "statistics": [of_statistic(statistic) for statistic in statistics],
        "run": dict(attributes),
        "hsgd_version": provenance.version(),
    }
