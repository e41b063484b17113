"""One collocation step of the equation in modes, at a cost linear in their number.

The modes U_j(t) = ∫₀ᵗ exp(−r_j (c(t) − c(s))) w(s) y(s) ds obey
U_j' = −c'(t) r_j U_j + w(t) y, and y = f + Σ_j k_j U_j. Collocation turns a step of length h into
(I + r_j B) U_j = U_j(start) + h A (w y), B = h A diag(c'), the same 5 x 5 matrix for every mode up
to the factor r_j: diagonalised once, it makes every mode a few divisions, and what couples the
modes is one 5 x 5 system for y.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from volterra.arrays import EPS, Array, Complex
from volterra.kernels.exponentials import Function
from volterra.radau import Radau, radau
from volterra.solution import Forcing, evaluate_checked, evaluate_forcing
from volterra.stepping import just_before

_STEP_NOISE = 64.0 * EPS  # about the condition number of the eigenvectors

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
    grid: Array = field(default_factory=lambda: np.zeros(0), repr=False)
    """Times at which the functions are looked at besides those of the steps."""

    def sample(self, start: float, stop: float) -> Sample:
        """Everything that one step needs to know about the functions of time."""
        rule = radau()
        length = stop - start
        t = start + length * rule.nodes
        t[-1] = just_before(stop, t[-2])
        ones = np.ones(t.size)
        weight = ones if self.weight is None else evaluate_checked(self.weight, t, "weight")
        forcing = evaluate_forcing(self.forcing, t)
        clock_rate, noise = self._clock_rate(start, t, length, rule)
        return Sample(start, length, forcing, weight, clock_rate, noise)

    def _clock_rate(
        self, start: float, t: Array, length: float, rule: Radau
    ) -> tuple[Array, float]:
        """Clock rate at the nodes, and its relative error if the clock had to be differentiated."""
        if self.clock is None:
            return np.ones(t.size), 0.0
        if self.clock_rate is not None:
            return evaluate_checked(self.clock_rate, t, "clock_rate"), 0.0
        clock = evaluate_checked(self.clock, np.concatenate([[start], t]), "clock")
        moved = clock - clock[0]
        rate: Array = rule.derivative @ moved / length
        fastest = float(np.max(np.abs(rate)))
        if fastest == 0.0:
            return rate, 0.0
        rounding = EPS * float(np.max(np.abs(clock))) * float(np.max(np.abs(rule.derivative)))
        return rate, min(1.0, rounding / (length * fastest))


@dataclass(frozen=True, eq=False)
class Sample:
    """What a step knows of the functions: forcing, weight and clock rate at its nodes.

    `clock_noise` is the rate's relative error, `missed` a constant source besides w y.
    """

    start: float
    length: float
    forcing: Array
    weight: Array
    clock_rate: Array
    clock_noise: float = 0.0
    missed: float = 0.0


@dataclass(frozen=True, eq=False)
class Propagator:
    """(I + r_j B)⁻¹ for all modes, as left @ diag(1 / (1 + r_j eigenvalue)) @ right.

    Only one of each pair of conjugate eigenvalues is kept, so the real part has to be taken;
    the factor two of a pair is in `left`. For slow modes the identity is taken out, because
    left @ right is the identity up to rounding only, and slow modes would add that up over many
    steps. `response` holds 1 / (1 + r_j eigenvalue), less one for slow modes; real parts in the
    first rows, imaginary parts in the others. Sums over modes go by einsum: waking the BLAS
    threads for three rows costs more than the sum.
    """

    left: Complex
    right: Complex
    response: Array
    is_slow: Array

    def matrix_sum(self, weights: Array) -> Array:
        """Sum over j of weights_j (I + r_j B)⁻¹, a stages x stages matrix."""
        real, imaginary = np.einsum("ij,j->i", self.response, weights).reshape(2, -1)
        matrix: Array = ((self.left * (real + 1j * imaginary)) @ self.right).real
        slow = float(np.einsum("j,j", self.is_slow, weights))
        return matrix + slow * np.eye(matrix.shape[0])

    def constant_sum(self, weights: Array) -> Array:
        """The same applied to the vector of ones."""
        return self.matrix_sum(weights) @ np.ones(self.right.shape[1])

    def end(self, modes: Array, source: Array) -> Array:
        """Modes at the end of the step from those at its start and the common source."""
        start = self.is_slow + self._combine(self.left[-1] * self.right.sum(axis=1))
        driven = self._combine(self.left[-1] * (self.right @ source))
        out: Array = modes * start + (self.is_slow * source[-1] + driven)
        return out

    def _combine(self, coefficients: Complex) -> Array:
        """Real part of the sum over eigenvalues of coefficient times response, per mode."""
        row = np.concatenate([coefficients.real, -coefficients.imag])
        combined: Array = np.einsum("i,ij->j", row, self.response)
        return combined


def _diagonal_propagator(
    rates: Array, eigenvalues: Complex, left: Complex, right: Complex
) -> Propagator:
    # notation: z = rate · eigenvalue; 1/(1+z), or for slow modes 1/(1+z) − 1 = −z/(1+z)
    x = np.multiply.outer(eigenvalues.real, rates)
    y = np.multiply.outer(eigenvalues.imag, rates)
    size = (1.0 + x) ** 2 + y * y
    slow = rates * float(np.max(np.abs(eigenvalues))) < 0.5
    real = np.where(slow, -(x + x * x + y * y), 1.0 + x) / size
    return Propagator(left, right, np.concatenate([real, -y / size]), slow.astype(np.float64))


@dataclass(frozen=True, eq=False)
class DirectPropagator:
    """The same from one small solve per mode, for a clock that makes B hard to diagonalise."""

    inverses: Array

    def matrix_sum(self, weights: Array) -> Array:
        """Sum over j of weights_j (I + r_j B)⁻¹."""
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
    """Outcome of a step.

    y at the nodes, the memory Σ_j k_j U_j at the points, the modes at the end, and what rounding
    may have done to the memory, relative to it. `response` is what a constant source of 1 adds to
    the memory, `speed` how fast the memory forgets, per unit of the clock.
    """

    y: Array
    memory: Array
    modes: Array
    noise: float
    response: float
    speed: float

    def effect(self, source: float, delay: float) -> float:
        """What a source and a delay of the clock that are missed may do to the memory."""
        return self.response * source + self.speed * delay

    @property
    def per_delay(self) -> float:
        """The source that does as much as a delay of 1."""
        return self.speed / self.response if self.response > 0 else 0.0


def propagator(rates: Array, sample: Sample) -> Propagator | DirectPropagator:
    """Diagonalise h A diag(c') once for all modes; where that is unsafe, solve mode by mode."""
    speed = sample.clock_rate
    # A clock of constant rate only scales the coefficients, whose eigenvectors are known.
    if np.ptp(speed) <= 1e-14 * abs(speed[0]):
        eigenvalues, left, right = _constant_clock()
        length = sample.length * float(speed[0])
        return _diagonal_propagator(rates, eigenvalues * length, left, right)
    matrix = sample.length * radau().coefficients * speed
    factors = _diagonalise(matrix)
    if factors is None:
        systems = np.eye(speed.size) + np.multiply.outer(rates, matrix)
        return DirectPropagator(np.asarray(np.linalg.inv(systems), dtype=np.float64))
    eigenvalues, left, right = factors
    return _diagonal_propagator(rates, eigenvalues, left, right)


@cache
def _constant_clock() -> tuple[Complex, Complex, Complex]:
    """Eigenvalues and vectors of the coefficients themselves, for a clock of constant rate."""
    factors = _diagonalise(radau().coefficients)
    assert factors is not None
    return factors


def _diagonalise(matrix: Array) -> tuple[Complex, Complex, Complex] | None:
    """Eigenvalues, left and right factors, one of each conjugate pair, doubled; None if unsafe."""
    found = np.linalg.eig(matrix)
    eigenvalues = np.asarray(found.eigenvalues, dtype=np.complex128)
    vectors = np.asarray(found.eigenvectors, dtype=np.complex128)
    if not np.linalg.cond(vectors) < _ILL_CONDITIONED or np.any(eigenvalues.real <= 0):
        return None
    keep = eigenvalues.imag >= 0
    factor = np.where(eigenvalues.imag[keep] > 0, 2.0, 1.0)
    inverse: Complex = np.asarray(np.linalg.inv(vectors), dtype=np.complex128)
    return eigenvalues[keep], vectors[:, keep] * factor, inverse[keep]


def advance(equation: Equation, sample: Sample, modes: Array) -> Step:
    """Solve for y at the nodes of one step and carry the modes to its end."""
    # Overflow and singular systems show as values that are not finite; the caller looks.
    with np.errstate(all="ignore"):
        return _advance(equation, sample, modes)


def _advance(equation: Equation, sample: Sample, modes: Array) -> Step:
    matrices = propagator(equation.rates, sample)
    # y = f + Σ_j k_j (I + r_j B)⁻¹ (U_j(start) + drive y): one system of stages x stages for y.
    drive = sample.length * radau().coefficients * sample.weight
    constant = sample.length * radau().nodes  # what a source of 1 adds to a mode without a rate
    summed = matrices.matrix_sum(equation.weights)
    coupling, response = summed @ drive, summed @ constant
    at_rest = matrices.constant_sum(equation.weights * modes) + sample.missed * response
    try:
        inverse = np.asarray(np.linalg.inv(np.eye(at_rest.size) - coupling), dtype=np.float64)
    except np.linalg.LinAlgError:
        inverse = np.full_like(coupling, np.nan)
    y = inverse @ (sample.forcing + at_rest)
    amplification = float(np.max(np.sum(np.abs(inverse), axis=1)))
    memory = np.concatenate([[equation.weights @ modes], at_rest + coupling @ y])
    noise = _STEP_NOISE * amplification + sample.clock_noise
    end = matrices.end(modes, drive @ y + sample.missed * constant)
    speed = _speed(equation, equation.weights, modes, end)
    return Step(y, memory, end, noise, float(np.max(np.abs(response))), speed)


def follow(equation: Equation, sample: Sample, modes: Array, y: Array, weights: Array) -> Step:
    """Carry other modes through a step in which y is already known; memory sums `weights`."""
    matrices = propagator(equation.rates, sample)
    constant = sample.length * radau().nodes
    source = sample.length * radau().coefficients @ (sample.weight * y) + sample.missed * constant
    summed = matrices.matrix_sum(weights)
    inside = matrices.constant_sum(weights * modes) + summed @ source
    memory = np.concatenate([[weights @ modes], inside])
    end = matrices.end(modes, source)
    response = float(np.max(np.abs(summed @ constant)))
    noise = _STEP_NOISE + sample.clock_noise
    return Step(y, memory, end, noise, response, _speed(equation, weights, modes, end))


def _speed(equation: Equation, weights: Array, start: Array, end: Array) -> float:
    """How fast the memory forgets; without a clock nobody asks."""
    if equation.clock is None:
        return 0.0
    forgotten = np.abs(weights) * equation.rates
    return float(max(forgotten @ np.abs(start), forgotten @ np.abs(end)))
