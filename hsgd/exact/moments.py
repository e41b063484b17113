"""The exact mean in the second moments, for n ≫ r²: a few numbers, whose map does not grow with n.

With e = x − x* an iteration takes (E eeᵀ, E e, 1) to a linear function of itself, and the rows
enter it by sums over them that are formed once: those of products of four, three and two entries.
At a constant rate the map of many iterations is a power of that of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.sgd import SGD
from hsgd.checks import Array
from hsgd.exact.recursion import coefficients
from hsgd.exact.row_basis.regime import Regime
from hsgd.interfaces import Statistic
from hsgd.problems.least_squares import LeastSquares

_BLOCK = 2**14
"""Rows whose products are held at once."""
_DOUBLINGS = 40


def size(problem: LeastSquares) -> int:
    """How many numbers are followed."""
    rank = len(problem.svd.singular_values)
    return rank * (rank + 1) // 2 + rank + 1


def memory(problem: LeastSquares) -> int:
    """Bytes: the maps of 1, 2, 4, … iterations, and products of entries of a block of rows."""
    count = size(problem)
    return 8 * ((_DOUBLINGS + 6) * count**2 + 2 * _BLOCK * count)


def seconds(problem: LeastSquares, iterations: int, num_regimes: int | None) -> float:
    """About how long it takes on two cores; `num_regimes` is None where all iterations differ."""
    count = size(problem)
    tables = 2.0 * problem.num_rows * count**2 / 2e10
    if num_regimes is None:
        return tables + iterations * (3e-5 + 6.0 * count**2 / 2e9)
    return tables + num_regimes * _DOUBLINGS * (1e-4 + 2.0 * count**3 / 2e10)


def solve(
    problem: LeastSquares,
    algorithm: SGD,
    regimes: list[Regime] | None,
    statistics: tuple[Statistic, ...],
    iterations: NDArray[np.int64],
    report: Callable[[int], None],
) -> tuple[Array, Array, Array]:
    """q(E x_k), ½⟨M, V_k⟩ and the size that rounding is relative to, of each statistic.

    Parameters
    ----------
    regimes
        The stretches of constant learning rate and batch size; None to step one by one.
    iterations
        Ascending, shape (T,); each result has shape (T, number of statistics).
    """
    means, noise, scale = (np.empty((len(iterations), len(statistics))) for _ in range(3))
    with np.errstate(over="ignore", invalid="ignore"):
        steps = _Steps.of(problem)
        state = _State.start(problem)
        readout = _Readout(problem, statistics)
        for position, iteration in enumerate(iterations):
            report(int(iteration) - state.iteration)
            if regimes is None:
                _step_to(state, steps, algorithm, int(iteration))
            else:
                _leap_to(state, steps, regimes, int(iteration))
            means[position], noise[position], scale[position] = readout(state)
    return means, noise, scale


@dataclass
class _State:
    """E eeᵀ (upper triangle), E e and 1, in the eigenbasis; advanced in place."""

    moments: Array
    outside: Array
    """The part of the mean that no row sees."""
    ridge_per_row: float
    iteration: int = 0

    @classmethod
    def start(cls, problem: LeastSquares) -> _State:
        right = problem.svd.right
        inside = right.T @ problem.x0
        error = inside - right.T @ problem.solution
        upper = np.triu_indices(len(error))
        moments = np.concatenate((error[upper[0]] * error[upper[1]], error, [1.0]))
        return cls(moments, problem.x0 - right @ inside, problem.ridge / problem.num_rows)

    def fade(self, rate: float, count: int) -> None:
        """Let the ridge act where no row does."""
        self.outside = self.outside * (1.0 - rate * self.ridge_per_row) ** count
        self.iteration += count


@dataclass
class _Steps:
    """One iteration subtracts (γ·drift + γ²·curving + φγ²·noise) times the moments.

    What it subtracts is kept, not what it leaves: of slow modes the latter is 1 but for digits.
    """

    num_rows: int
    drift: Array
    curving: Array
    noise: Array
    setting: tuple[float, float] = (0.0, 0.0)
    """The rate and the noise factor that the powers belong to."""
    powers: list[Array] = field(default_factory=list)
    """What 1, 2, 4, … iterations subtract."""

    @classmethod
    def of(cls, problem: LeastSquares) -> _Steps:
        # notation: C = E eeᵀ, m = E e, s = Ax*−b, l = λ + ridge, h = γl/n, q = φγ²/n, g = −ridge·x*
        # C_kl loses (h_k + h_l − h_k h_l) C_kl, and (q/n) of (λ_k m_k + g_k)(λ_l m_l + g_l) with
        # C_kl for m_k m_l, and gains q Σ_i a_ik a_il ρ_i; m_k loses h_k m_k.
        n, svd = problem.num_rows, problem.svd
        lam = svd.singular_values**2
        l, g = lam + problem.ridge, -problem.ridge * (svd.right.T @ problem.solution)
        rank = len(lam)
        k, j = np.triu_indices(rank)
        packed = len(k)
        shape = (packed + rank + 1,) * 2
        drift, curving, noise = (np.zeros(shape) for _ in range(3))
        pairs, ones = np.arange(packed), packed + np.arange(rank)
        drift[pairs, pairs], drift[ones, ones] = (l[k] + l[j]) / n, l / n
        curving[pairs, pairs] = -l[k] * l[j] / n**2
        noise[pairs, pairs] = lam[k] * lam[j] / n**2
        np.add.at(noise, (pairs, packed + k), lam[k] * g[j] / n**2)
        np.add.at(noise, (pairs, packed + j), lam[j] * g[k] / n**2)
        noise[pairs, -1] = g[k] * g[j] / n**2
        noise[:packed] -= _sums_over_rows(problem, k, j) / n
        return cls(n, drift, curving, noise)

    def lost(self, rate: float, factor: float) -> Array:
        """What one iteration subtracts."""
        return np.asarray(rate * self.drift + rate**2 * (self.curving + factor * self.noise))

    def leap(self, moments: Array, rate: float, factor: float, count: int) -> Array:
        """The moments `count` iterations later, in log₂(count) products."""
        if not self.powers or self.setting != (rate, factor):
            self.setting, self.powers = (rate, factor), [self.lost(rate, factor)]
        position = 0
        while count >> position:
            if position == len(self.powers):
                half = self.powers[-1]
                self.powers.append(2.0 * half - half @ half)
            if count >> position & 1:
                moments = moments - self.powers[position] @ moments
            position += 1
        return moments


def _sums_over_rows(problem: LeastSquares, k: NDArray[np.int64], j: NDArray[np.int64]) -> Array:
    """Σ_i a_ik a_il ρ_i as a map of the moments, shape (packed, packed + rank + 1)."""
    rows = problem.svd.left * problem.svd.singular_values
    misfit = problem.A @ problem.solution - problem.b
    weights = np.where(k == j, 1.0, 2.0)
    total = np.zeros((len(k), len(k) + rows.shape[1] + 1))
    for start in range(0, len(rows), _BLOCK):
        a, s = rows[start : start + _BLOCK], misfit[start : start + _BLOCK, None]
        products = a[:, k] * a[:, j]
        # ρ = Σ weights·products·C + 2 s a·m + s²
        total += products.T @ np.hstack((products * weights, 2.0 * s * a, s**2))
    return total


def _leap_to(state: _State, steps: _Steps, regimes: list[Regime], last: int) -> None:
    """Go on to iteration `last`, through stretches of constant rates."""
    for regime in regimes:
        count = min(last, regime.last) - state.iteration
        if count > 0:
            state.moments = steps.leap(state.moments, regime.rate, regime.noise_factor, count)
            state.fade(regime.rate, count)


def _step_to(state: _State, steps: _Steps, algorithm: SGD, last: int) -> None:
    """Go on to iteration `last`, one by one."""
    for rate, factor in coefficients(algorithm, steps.num_rows, state.iteration, last):
        state.moments = state.moments - steps.lost(rate, factor) @ state.moments
        state.fade(rate, 1)


class _Readout:
    """Expected statistics from the moments."""

    def __init__(self, problem: LeastSquares, statistics: tuple[Statistic, ...]) -> None:
        """Take the statistics to the eigenbasis."""
        self.statistics, self.right = statistics, problem.svd.right
        self.solution = self.right.T @ problem.solution
        self.pairs = k, j = np.triu_indices(len(self.solution))
        curvatures = [self.right.T @ s.matrix() @ self.right for s in statistics]
        # ½⟨M, S⟩ of a symmetric S: off the diagonal each entry of the triangle counts twice.
        weights = np.where(k == j, 0.5, 1.0)
        self.halves = np.array([weights * curvature[k, j] for curvature in curvatures])

    def __call__(self, state: _State) -> tuple[Array, Array, Array]:
        """q(E x), ½⟨M, V⟩ and the sizes of what they are made of."""
        k, j = self.pairs
        second, mean = state.moments[: len(k)], state.moments[len(k) : -1]
        point = (self.right @ (self.solution + mean) + state.outside)[None, :]
        values = np.array([float(statistic.values(point)[0]) for statistic in self.statistics])
        # V = E eeᵀ − E e E eᵀ, which cancels while there is little noise: the size says so.
        noise = self.halves @ (second - mean[k] * mean[j])
        scale = np.abs(values) + np.abs(self.halves) @ (np.abs(second) + np.abs(mean[k] * mean[j]))
        return values, noise, scale
