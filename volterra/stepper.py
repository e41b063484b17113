"""One collocation step of the equation in modes, at a cost linear in their number.

The modes U_j(t) = integral_0^t exp(-r_j (c(t) - c(s))) w(s) y(s) ds obey
U_j' = -c'(t) r_j U_j + w(t) y, and y = f + sum_j k_j U_j. Collocation turns a step of length h into
(I + r_j B) U_j = U_j(start) + h A (w y), B = h A diag(c'), the same 5 x 5 matrix for every mode up
to the factor r_j: diagonalised once, it makes every mode a few divisions, and what couples the
modes is one 5 x 5 system for y.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from volterra.kernels import Function
from volterra.radau import Radau, radau
from volterra.solution import Forcing, evaluate_checked, evaluate_forcing

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

# Callables are evaluated this far, relatively, inside the right end of a step, so that a function
# that jumps there gives its value from the left, even if the jump is a few roundings off.
_INWARD = 1e-15

# Above this condition number of the eigenvectors a step falls back to one solve per mode.
_ILL_CONDITIONED = 1e5


@dataclass(frozen=True, eq=False)
class Equation:
    """The equation in modes: rates (per clock unit), kernel weights, and functions of time."""

    forcing: Forcing | None
    rates: Array
    weights: Array
    clock: Function | None = None
    clock_rate: Function | None = None
    weight: Function | None = None

    def sample(self, start: float, stop: float) -> Sample:
        """Everything that one step needs to know about the functions of time."""
        rule = radau()
        length = stop - start
        t = start + length * rule.nodes
        t[-1] = max(stop - _INWARD * abs(stop), 0.5 * (t[-2] + stop))
        ones = np.ones(t.size)
        weight = ones if self.weight is None else evaluate_checked(self.weight, t, "weight")
        forcing = evaluate_forcing(self.forcing, t)
        return Sample(length, forcing, weight, self._clock_rate(start, t, length, rule))

    def _clock_rate(self, start: float, t: Array, length: float, rule: Radau) -> Array:
        if self.clock is None:
            return np.ones(t.size)
        if self.clock_rate is not None:
            return evaluate_checked(self.clock_rate, t, "clock_rate")
        clock = evaluate_checked(self.clock, np.concatenate([[start], t]), "clock")
        rate: Array = rule.derivative @ (clock - clock[0]) / length
        return rate


@dataclass(frozen=True, eq=False)
class Sample:
    """One step's length, and forcing, weight and clock rate at its nodes."""

    length: float
    forcing: Array
    weight: Array
    clock_rate: Array


@dataclass(frozen=True, eq=False)
class Propagator:
    """(I + r_j B)^-1 for all modes, as left @ diag(1 / (1 + r_j eigenvalue)) @ right.

    Only one of each pair of conjugate eigenvalues is kept, so the real part has to be taken;
    the factor two of a pair is in `left`. `response` holds 1 / (1 + r_j eigenvalue).
    """

    left: Complex
    right: Complex
    response: Complex

    def matrix_sum(self, weights: Array) -> Array:
        """Sum over j of weights_j (I + r_j B)^-1, a stages x stages matrix."""
        matrix: Array = ((self.left * (weights @ self.response)) @ self.right).real
        return matrix

    def constant_sum(self, weights: Array) -> Array:
        """The same applied to the vector of ones."""
        return self.matrix_sum(weights) @ np.ones(self.right.shape[1])

    def end(self, modes: Array, source: Array) -> Array:
        """Modes at the end of the step from those at its start and the common source."""
        last = self.left[-1]
        start, driven = last * self.right.sum(axis=1), last * (self.right @ source)
        out: Array = modes * (self.response @ start).real + (self.response @ driven).real
        return out


@dataclass(frozen=True, eq=False)
class DirectPropagator:
    """The same from one small solve per mode, for a clock that makes B hard to diagonalise."""

    inverses: Array

    def matrix_sum(self, weights: Array) -> Array:
        """Sum over j of weights_j (I + r_j B)^-1."""
        matrix: Array = np.tensordot(weights, self.inverses, axes=1)
        return matrix

    def constant_sum(self, weights: Array) -> Array:
        """The same applied to the vector of ones."""
        return self.matrix_sum(weights) @ np.ones(self.inverses.shape[1])

    def end(self, modes: Array, source: Array) -> Array:
        """Modes at the end of the step from those at its start and the common source."""
        last = self.inverses[:, -1, :]
        out: Array = modes * last.sum(axis=1) + last @ source
        return out


@dataclass(frozen=True, eq=False)
class Step:
    """Outcome of a step: y at the nodes, sum_j k_j U_j at the points, the modes at the end."""

    y: Array
    memory: Array
    modes: Array


def propagator(rates: Array, sample: Sample) -> Propagator | DirectPropagator:
    """Diagonalise h A diag(c') once for all modes; where that is unsafe, solve mode by mode."""
    speed = sample.clock_rate
    if np.ptp(speed) <= 1e-14 * abs(speed[0]):
        eigenvalues, left, right = _constant_clock()
        eigenvalues = eigenvalues * (sample.length * speed[0])
    else:
        matrix = sample.length * radau().coefficients * speed
        eigenvalues, vectors = np.linalg.eig(matrix)
        if not np.linalg.cond(vectors) < _ILL_CONDITIONED or np.any(eigenvalues.real <= 0):
            identity = np.eye(speed.size)
            return DirectPropagator(np.linalg.inv(identity + rates[:, None, None] * matrix))
        left, right, keep = _halve(eigenvalues, vectors)
        eigenvalues = eigenvalues[keep]
    return Propagator(left, right, 1.0 / (1.0 + np.multiply.outer(rates, eigenvalues)))


@cache
def _constant_clock() -> tuple[Complex, Complex, Complex]:
    """Eigenvalues and vectors of the coefficients themselves, for a clock of constant rate."""
    eigenvalues, vectors = np.linalg.eig(radau().coefficients)
    left, right, keep = _halve(eigenvalues, vectors)
    return eigenvalues[keep], left, right


def _halve(eigenvalues: Complex, vectors: Complex) -> tuple[Complex, Complex, NDArray[np.intp]]:
    """Left and right factors with one of each conjugate pair, doubled."""
    inverse = np.linalg.inv(vectors)
    keep = np.flatnonzero(eigenvalues.imag >= 0)
    factor = np.where(eigenvalues.imag[keep] > 0, 2.0, 1.0)
    return (
        (vectors[:, keep] * factor).astype(np.complex128),
        inverse[keep].astype(np.complex128),
        keep,
    )


def advance(equation: Equation, sample: Sample, modes: Array) -> Step:
    """Solve for y at the nodes of one step and carry the modes to its end."""
    matrices = propagator(equation.rates, sample)
    drive = sample.length * radau().coefficients * sample.weight
    at_rest = matrices.constant_sum(equation.weights * modes)
    coupling = matrices.matrix_sum(equation.weights) @ drive
    y = np.linalg.solve(np.eye(at_rest.size) - coupling, sample.forcing + at_rest)
    memory = np.concatenate([[equation.weights @ modes], at_rest + coupling @ y])
    return Step(y, memory, matrices.end(modes, drive @ y))


def follow(equation: Equation, sample: Sample, modes: Array, y: Array, weights: Array) -> Step:
    """Carry other modes through a step in which y is already known; memory sums `weights`."""
    matrices = propagator(equation.rates, sample)
    source = sample.length * radau().coefficients @ (sample.weight * y)
    inside = matrices.constant_sum(weights * modes) + matrices.matrix_sum(weights) @ source
    memory = np.concatenate([[weights @ modes], inside])
    return Step(y, memory, matrices.end(modes, source))
