"""Iterations at one learning rate and batch size: the mean, and what of the covariance it drives.

With l = λ + ridge and q = φγ²/n the covariance obeys V ← D∘V + q Aᵀdiag(ρ)A − (q/n) g gᵀ, where
D_ij = (1−γl_i/n)(1−γl_j/n) − qλ_iλ_j/n. The last term and the covariance at the start act on
their own and are summed in closed form here; only ρ has to be solved for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.sgd import SGD
from hsgd.algorithms.timing import first_iterations
from hsgd.checks import Array
from hsgd.exact.row_basis.powers import log_magnitude, signed_powers
from hsgd.exact.row_basis.rows import SQRT2, Rows
from hsgd.schedules import Constant, Piecewise


@dataclass(frozen=True, eq=False)
class Regime:
    """Iterations first, …, last at a constant rate and batch size; k counts from `first`."""

    rows: Rows
    first: int
    last: int
    rate: float
    noise_factor: float
    start: Array
    """Mean at `first`, in the eigenbasis."""
    outside: Array
    """The part of the mean that no row sees, at `first`."""

    @property
    def length(self) -> int:
        """Iterations to do."""
        return self.last - self.first

    @property
    def noise(self) -> float:
        """Q = φγ²/n."""
        return self.noise_factor * self.rate**2 / self.rows.number

    @cached_property
    def _shrink(self) -> Array:
        """γl/n."""
        return self.rate * (self.rows.eigenvalues + self.rows.ridge) / self.rows.number

    @cached_property
    def _mean_logs(self) -> tuple[Array, NDArray[np.bool_]]:
        """log|1−γl/n| and where 1−γl/n is negative."""
        # `log_magnitude` wants 1 − |D|, D = 1 − h: h itself, or 2 − h where D is negative. From D
        # the small h would have lost their digits.
        negative = self._shrink > 1.0
        return log_magnitude(np.where(negative, 2.0 - self._shrink, self._shrink)), negative

    def _mean_powers(self, k: NDArray[np.int64]) -> Array:
        return signed_powers(*self._mean_logs, k)

    def mean(self, k: NDArray[np.int64]) -> Array:
        """E x in the eigenbasis, shape (len(k), r)."""
        solution = self.rows.solution
        return np.asarray(solution + (self.start - solution) * self._mean_powers(k))

    def points(self, k: NDArray[np.int64]) -> Array:
        """E x in the original basis, shape (len(k), d)."""
        return np.asarray(self.mean(k) @ self.rows.right.T + self.fade(k)[:, None] * self.outside)

    def fade(self, k: NDArray[np.int64]) -> Array:
        """What is left after k iterations of a direction that no row sees."""
        # There only the ridge acts (λ = 0); the logarithm is taken as in `_mean_logs`.
        factor = np.array([self.rate * self.rows.ridge / self.rows.number])
        negative = factor > 1.0
        logs = log_magnitude(np.where(negative, 2.0 - factor, factor))
        return signed_powers(logs, negative, k)[:, 0]

    def squared_residuals(self, k: NDArray[np.int64]) -> Array:
        """(a_i·E x − b_i)², shape (len(k), n)."""
        return np.square(self.mean(k) @ self.rows.values.T - self.rows.targets)

    @cached_property
    def start_size(self) -> float:
        """The size of ρ that rounding is relative to: of the targets' squares, or of the start."""
        first = self.squared_residuals(np.zeros(1, dtype=np.int64))
        return float(max(np.linalg.norm(self.rows.targets**2), np.linalg.norm(first)))

    def _distances(self, i: int) -> Array:
        """1 − D_ij for j ≥ i, without cancellation."""
        # notation: h = γl/n; 1 − (1−h_i)(1−h_j) = h_i + h_j − h_i h_j
        lam, h, n = self.rows.eigenvalues, self._shrink, self.rows.number
        return np.asarray(h[i] + h[i:] - h[i] * h[i:] + self.noise / n * lam[i] * lam[i:])

    def factors(self) -> tuple[Array, NDArray[np.bool_]]:
        """1 − |D| and the sign of D for every packed entry."""
        distance = np.empty(self.rows.size)
        for i in range(self.rows.rank):
            distance[self.rows.row(i)] = self._distances(i)
        negative = distance > 1.0
        return np.where(negative, 2.0 - distance, distance), negative

    def diagonal_powers(self, k: NDArray[np.int64]) -> Array:
        """D_ii^k, shape (len(k), r)."""
        distance = np.array([self._distances(i)[0] for i in range(self.rows.rank)])
        negative = distance > 1.0
        logs = log_magnitude(np.where(negative, 2.0 - distance, distance))
        return signed_powers(logs, negative, k)

    def source(self, k: NDArray[np.int64], start: Array | None) -> Iterator[tuple[slice, Array]]:
        """D^k∘V_0 − (q/n) Σ_{j<k} D^{k−1−j}∘g_j g_jᵀ, row by row of the packed triangle.

        `start` is V_0, packed, or None for zero. Yields the packed entries and values of shape
        (len(k), entries).
        """
        # notation: g_j = al + be·m^j with m = 1 − γl/n; every term is a sum
        # Σ D^{k−1−j} y^j = (D^k − y^k)/(D − y), y one of 1, m_i, m_j, m_i m_j
        lam, h, n = self.rows.eigenvalues, self._shrink, self.rows.number
        al = -self.rows.ridge * self.rows.solution
        be = lam * (self.start - self.rows.solution)
        m, powers = 1.0 - h, self._mean_powers(k)
        count = np.asarray(k, dtype=np.float64)[:, None]
        one = np.ones((len(k), 1))
        for i in range(self.rows.rank):
            tail = slice(i, None)
            entries = self.rows.row(i)
            D = 1.0 - self._distances(i)
            cross = self.noise / n * lam[i] * lam[tail]
            both = powers[:, tail] * powers[:, i : i + 1]
            # g_i g_j = (al_i + be_i m_i^j)(al_j + be_j m_j^j): four products, of which three hold
            # al, that is zero without a ridge. Each `_sums` is given D − y by a formula, because
            # the difference of the two floats, both near 1, would be mostly rounding.
            sums = be[i] * be[tail] * _sums(D, m[i] * m[tail], -cross, both, count)
            if self.rows.ridge > 0:
                sums += al[i] * al[tail] * _sums(D, np.ones(1), -self._distances(i), one, count)
                sums += (
                    al[i]
                    * be[tail]
                    * _sums(D, m[tail], -m[tail] * h[i] - cross, powers[:, tail], count)
                )
                sums += (
                    be[i]
                    * al[tail]
                    * _sums(D, m[i : i + 1], -m[i] * h[tail] - cross, powers[:, i : i + 1], count)
                )
            sums *= -self.noise / n
            sums[:, 1:] *= SQRT2  # packed: all but the diagonal entry, which is first
            if start is not None:
                logs = log_magnitude(np.where(D < 0, 1.0 + D, self._distances(i)))
                sums += signed_powers(logs, D < 0, k) * start[entries]
            yield entries, sums


def constant_regimes(rows: Rows, algorithm: SGD, last: int) -> list[Regime] | None:
    """The stretches of constant rate and batch size up to iteration `last`, one after the other.

    None if the learning rate varies smoothly.
    """
    schedule, n = algorithm.schedule, rows.number
    if not isinstance(schedule, Constant | Piecewise):
        return None
    changes = first_iterations((*schedule.breakpoints, *algorithm.batch_boundaries), n)
    # Rates and batch sizes may change at the same iteration: then one regime ends there, not two.
    firsts = np.unique(np.r_[0, changes[changes < last]])
    times = firsts / n
    rates = schedule(times)
    factors = np.broadcast_to(algorithm.noise_factor(n, algorithm.batch_sizes(times)), times.shape)
    regimes: list[Regime] = []
    start, outside = rows.start, rows.outside
    ends = [*firsts[1:], last]
    for first, end, rate, factor in zip(firsts, ends, rates, factors, strict=True):
        regime = Regime(rows, int(first), int(end), float(rate), float(factor), start, outside)
        regimes.append(regime)
        # Only the mean goes on from here; the covariance is handed over by who solves the regimes.
        start = regime.mean(np.array([regime.length]))[0]
        outside = outside * regime.fade(np.array([regime.length]))[0]
    return regimes


def _sums(D: Array, y: Array, difference: Array, powers: Array, k: Array) -> Array:
    """(D^k − y^k)/(D − y), given D − y exactly and y^k: y^k·expm1(k·log(D/y))/(D − y).

    Where the two have different signs nothing cancels, and the quotient is taken as it stands.
    """
    with np.errstate(all="ignore"):
        # D/y = 1 + (D−y)/y. Where D and y are close, D^k − y^k as a difference of powers would
        # cancel; as y^k (e^{k·log(D/y)} − 1) it keeps its digits, by log1p and expm1.
        same = D * y > 0
        ratio = np.where(same, difference / y, 0.0)
        safe = np.where(same & (difference != 0), difference, 1.0)
        sums = powers * (np.expm1(k * np.log1p(ratio)) / safe)
        equal = same & (difference == 0)
        if equal.any():  # the limit D → y: k·y^{k−1}
            sums = np.where(equal, powers * (k / y), sums)
        bad = ~same | ~np.isfinite(sums)
        if bad.any():  # different signs, D or y zero, or expm1 too large: nothing cancels there
            logs = log_magnitude(1.0 - np.abs(D))
            gap = np.where(difference == 0, 1.0, difference)
            sums = np.where(bad, (signed_powers(logs, D < 0, k[:, 0]) - powers) / gap, sums)
    return np.asarray(sums)
