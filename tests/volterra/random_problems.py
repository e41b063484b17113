"""Seeded random equations for sweeps over any method, with a reference in extended precision.

The reference is the positive double sum over secular roots and forcing rates, in 80-bit arithmetic
(19 digits). Roots are polished there and proven by sign changes on both sides of each, one between
any two neighbouring rates: where they came from does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from volterra import SumOfExponentials
from volterra.exact.secular import secular_roots

EPS = np.finfo(float).eps
LONG_EPS = float(np.finfo(np.longdouble).eps)
SPECTRA = ("uniform", "log-uniform", "power law", "clustered")
FORCINGS = ("constant", "own rates", "other rates", "any sign")

needs_extended_precision = pytest.mark.skipif(
    LONG_EPS > 1e-18, reason="this platform has no arithmetic beyond double precision"
)


@dataclass(frozen=True, eq=False)
class RandomProblem:
    """Two sums of exponentials, times and a tolerance; `norm` is the kernel's."""

    seed: int
    spectrum: str
    forcing: SumOfExponentials
    kernel: SumOfExponentials
    norm: float
    t: np.ndarray
    rtol: float
    atol: float


def random_problem(seed: int, modes: int) -> RandomProblem:
    """Spectra, masses from 0.01 to 3, horizons from 1e-3 to 1e9, rtol from 1e-3 to 1e-12."""
    rng = np.random.default_rng(seed)
    spectrum = SPECTRA[seed % len(SPECTRA)]
    rates = 10 ** rng.uniform(-2, 2) * spectrum_rates(spectrum, modes, rng)
    kind = FORCINGS[(seed // len(SPECTRA)) % len(FORCINGS)]
    rtol = 10 ** rng.uniform(-12, -3)
    horizon = 10 ** rng.uniform(-3, 9)
    t = np.unique(np.append(horizon * 10 ** rng.uniform(-6, 0, 2), horizon))
    norm = random_norm(rng)
    weights = rates ** rng.uniform(0.5, 2.5) * rng.uniform(0.1, 1, modes)
    weights *= norm / np.sum(weights / rates)
    zero = rng.uniform() < 0.1
    if zero:
        # A rate of zero, and as much growth as the horizon can bear.
        rates, weights = np.append(rates, 0.0), np.append(weights, rng.uniform(0.01, 10) / horizon)
    forcing = random_forcing(kind, rates[rates > 0], rng)
    atol = rtol if kind == "any sign" else 0.0
    kernel = SumOfExponentials(rates, weights)
    return RandomProblem(seed, spectrum, forcing, kernel, np.inf if zero else norm, t, rtol, atol)


def random_norm(rng: np.random.Generator) -> float:
    """Log-uniform in [0.01, 3], one in three within 1e-4 to 0.1 of critical."""
    if rng.uniform() < 1 / 3:
        return float(1 + rng.choice([-1, 1]) * 10 ** rng.uniform(-4, -1))
    return float(10 ** rng.uniform(-2, np.log10(3)))


def spectrum_rates(name: str, modes: int, rng: np.random.Generator) -> np.ndarray:
    """Rates with the largest near one, in random order."""
    if name == "uniform":
        rates = rng.uniform(rng.choice([1e-4, 0.1, 0.9]), 1, modes)
    elif name == "log-uniform":
        rates = 10 ** rng.uniform(-rng.choice([3, 7, 12]), 0, modes)
    elif name == "power law":
        rates = np.arange(1, modes + 1) ** -rng.uniform(0.5, 3)
    elif name == "clustered":
        centres = 10 ** rng.uniform(-6, 0, 1 + modes // 20)
        width = 10 ** rng.uniform(-14, -2)
        rates = rng.choice(centres, modes) * (1 + width * rng.uniform(-1, 1, modes))
        # One rate in ten is there twice.
        rates[: modes // 10] = rates[modes // 10 : 2 * (modes // 10)]
    else:
        raise ValueError(name)
    return rng.permutation(rates)


def random_forcing(kind: str, rates: np.ndarray, rng: np.random.Generator) -> SumOfExponentials:
    """A forcing of order one."""
    if kind == "constant":
        return SumOfExponentials([], [], constant=1.0)
    if kind == "other rates":
        others = rates.max() * 10 ** rng.uniform(-8, 1, rates.size // 2 + 1)
        return SumOfExponentials(others, rng.uniform(0, 2 / others.size, others.size), 0.1)
    both = np.concatenate([0.5 * rates, rates])
    amplitudes = rng.uniform(0, 2 / both.size, both.size)
    if kind == "any sign":
        amplitudes *= rng.choice([-1, 1], both.size)
    return SumOfExponentials(both, amplitudes, constant=rng.choice([0.0, 0.5]))


# ------------------------------------------------------------------------- reference


def reference(forcing: SumOfExponentials, kernel: SumOfExponentials, t: np.ndarray) -> np.ndarray:
    """y at times t in extended precision; relative error about 1e-17, more near critical."""
    rates, label = np.unique(np.append(kernel.rates, 0.0), return_inverse=True)
    weights = np.zeros(rates.size, np.longdouble)
    np.add.at(weights, label, np.append(kernel.weights, kernel.constant).astype(np.longdouble))
    rates, weights = rates[weights > 0], weights[weights > 0]
    origin, shift, residue = extended_roots(rates, weights)
    sigma, a = np.append(forcing.rates, 0.0), np.append(forcing.weights, forcing.constant)
    sigma, a = sigma[a != 0].astype(np.longdouble), a[a != 0].astype(np.longdouble)
    gap = (origin - sigma[:, None]) + shift
    slow = np.minimum(origin + shift, sigma[:, None])
    distance = np.abs(gap)
    equal = distance == 0
    distance[equal] = 1
    out = []
    for time in np.asarray(t, np.longdouble):
        phi = np.where(equal, time, -np.expm1(-distance * time) / distance)
        # A smaller power is beyond even this range: the value is infinite.
        phi *= np.exp(np.minimum(-slow * time, 10_000))
        out.append(a @ (np.exp(-sigma * time) + phi @ residue))
    return np.array(out, np.longdouble)


def extended_roots(rates, weights):
    """Roots as origin + shift, and residues, polished and proven in extended precision."""
    start = secular_roots(rates, weights.astype(float))
    rates = rates.astype(np.longdouble)
    origin, shift = start.origin.astype(np.longdouble), start.shift.astype(np.longdouble)

    def value(shift):
        inverse = 1 / ((rates - origin[:, None]) - shift[:, None])
        return 1 - inverse @ weights, (inverse * inverse) @ weights, 1 + np.abs(inverse) @ weights

    for _ in range(4):
        here, slope, _ = value(shift)
        shift = shift + here / slope
    _, slope, size = value(shift)
    # Rounding of the function itself moves a root by its relative error over the slope.
    tolerance = 64 * LONG_EPS * rates.size**0.5 * (np.abs(shift) + size / slope)
    assert np.all(value(shift - tolerance)[0] > 0)
    assert np.all(value(shift + tolerance)[0] < 0)
    root = origin + shift
    assert np.all(root <= rates)
    assert np.all(root[1:] >= rates[:-1])
    return origin, shift, 1 / slope


def by_laplace_inversion(forcing, kernel, t, growth=0.0, observation=None, points=36):
    """y, or an observation, from its Laplace transform F / (1 - K) alone: no roots, no residues.

    All singularities lie on the real axis at or below `growth`; the parabola of Weideman and
    Trefethen (Math. Comp. 76, 2007) then errs by 2.85^-points, relative to exp(growth t) max |y|.
    Linear in the number of modes.
    """
    theta = np.arange(points + 1) * np.longdouble(3) / points

    def transform(rates, weights, constant, z):
        total = np.longdouble(constant) / z
        for start in range(0, rates.size, 20_000):
            part = slice(start, start + 20_000)
            rate = rates[part].astype(np.longdouble)
            total = total + np.sum(weights[part].astype(np.longdouble) / (rate + z))
        return total

    out = []
    for time in np.asarray(t, np.longdouble):
        mu = np.pi * np.longdouble(points) / (12 * time)
        total = np.longdouble(0)
        for k, angle in enumerate(theta):
            z = mu * (np.clongdouble(1j) * angle + 1) ** 2
            p = z + growth
            value = transform(forcing.rates, forcing.weights, forcing.constant, p)
            value /= 1 - transform(kernel.rates, kernel.weights, kernel.constant, p)
            if observation is not None:
                value *= transform(kernel.rates, observation, 0.0, p)
            term = np.exp(z * time) * value * 2 * mu * (np.clongdouble(1j) * angle + 1)
            total += (1 if k else np.longdouble(0.5)) * term.real
        step = np.longdouble(3) / points
        out.append(np.exp(growth * time) * total * step / np.longdouble(np.pi))
    return np.array(out)


def majorant(problem: RandomProblem, exact: np.ndarray) -> np.ndarray:
    """The solution for the absolute values of the forcing's terms: what cancels in y itself."""
    forcing = problem.forcing
    if np.all(forcing.weights >= 0) and forcing.constant >= 0:
        return exact
    sizes = SumOfExponentials(forcing.rates, np.abs(forcing.weights), abs(forcing.constant))
    return reference(sizes, problem.kernel, problem.t)


def attainable(problem: RandomProblem) -> np.ndarray:
    """The error that double precision allows the exact method, relative to the majorant."""
    modes = problem.kernel.modes()
    keep = modes.weights > 0
    root = secular_roots(modes.rates[keep], modes.weights[keep]).root[0]
    condition = max(1.0, 1.0 / abs(1.0 - problem.norm))
    return 1e-12 + 4 * EPS * condition * np.maximum(1.0, abs(root) * problem.t)
