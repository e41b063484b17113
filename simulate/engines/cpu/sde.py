"""Paths of homogenized SGD: what the diffusion is in modes, and its replicates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.checkpoint import Store
from simulate.engines import driver
from simulate.engines.base import Course, Report
from simulate.engines.cpu.kernels.sde import Factors, Modes, diffuse
from simulate.engines.cpu.lanes import room
from simulate.engines.cpu.layout import aligned_zeros
from simulate.recording import Recorder

CHUNK_FLOPS = 5e8


@dataclass(frozen=True, eq=False, kw_only=True)
class Diffusion(Course):
    """dX_j = −γ r_j (X_j − end_j) dt + γ s_j √(noise·ℓ(X)) dB_j.

    Here ℓ(X) = ½ Σ_j (s_j X_j − target_j)² + ½ floor is the loss that drives the noise, and an
    "iteration" of this course is a step of the discretisation.
    """

    basis: Array
    """Modes as columns, shape (d, modes)."""
    start: Array
    relaxation: Array
    """r, per unit of learning rate and of time."""
    end: Array
    slope: Array
    """s."""
    target: Array
    floor: float
    rates: Array
    """γ of each step."""
    lengths: Array
    """Length of each step."""
    noises: Array
    """The factor "noise" of each step."""

    @property
    def width(self) -> int:
        return len(self.start)

    def parameters(self, points: Array) -> Array:
        return np.asarray(points @ self.basis.T)

    def schedules(self) -> tuple[Any, ...]:
        return self.iterations, self.rates, self.lengths, self.noises


class Path:
    """One path."""

    def __init__(self, course: Diffusion, index: int) -> None:
        self._course = course
        key = course.keys[index]
        self._key = (np.uint64(key[0]), np.uint64(key[1]))
        self._modes = Modes(
            course.relaxation, course.end, course.slope, course.target, course.floor
        )
        self._x = aligned_zeros(course.width)
        self._x[:] = course.start
        self._normals = np.empty(course.width)
        self._words = room()
        self._factors = Factors(np.full(2, np.nan), *np.empty((4, course.width)))

    def arrays(self) -> dict[str, Array]:
        return {"x": self._x}

    def advance(self, first: int, last: int, records: Any, points: Array) -> tuple[int, bool]:
        course = self._course
        steps = slice(first, last)
        recorded, finite = diffuse(
            self._modes,
            self._key,
            course.rates[steps],
            course.lengths[steps],
            course.noises[steps],
            first,
            last,
            records,
            points,
            self._x,
            self._normals,
            self._words,
            self._factors,
        )
        return int(recorded), bool(finite)


def run(
    course: Diffusion, recorder: Recorder, num_threads: int, report: Report, store: Store
) -> None:
    """Run every path of `course`; see `engines.base`."""
    chunk = max(1, int(CHUNK_FLOPS / (50.0 * course.width + 100.0)))
    driver.run(
        course, lambda index: Path(course, index), chunk, recorder, num_threads, report, store
    )
