"""Volterra problems whose kernels are functions, with known answers, beside those of `problems`.

Closed forms: textbook examples (Linz, "Analytical and Numerical Methods for Volterra Equations",
1985; Brunner, "Collocation Methods", 2004), Laplace transforms, and equations made so that y is
simple. Mittag-Leffler functions come from their series in mpmath.
"""

from __future__ import annotations

from functools import cache

import mpmath
import numpy as np
from scipy.special import erfcx, gamma

from tests.tables.problems import VolterraProblem, by_eigenvalues, constant
from volterra import Convolution, Hammerstein, Kernel, SumOfExponentials

ROTATION = np.array([[0.0, 1.0], [-1.0, 0.0]])


@cache
def _coefficients(order, count):
    with mpmath.workdps(60):
        return [mpmath.rgamma(mpmath.mpf(order) * k + 1) for k in range(count)]


def mittag_leffler(order, argument):
    """E_order(argument) by its series; 60 digits outweigh its cancellation for the sizes here."""
    assert abs(argument) ** (1 / order) < 30
    with mpmath.workdps(60):
        series = _coefficients(order, int(300 + 60 / order))
        return float(mpmath.polyval(series[::-1], mpmath.mpf(float(argument))))


def relaxation(alpha, rate):
    """Exact y = 1 + rate / Gamma(1 - alpha) times the integral of (t - s)^-alpha y."""

    def exact(t):
        return np.array([mittag_leffler(1 - alpha, rate * x ** (1 - alpha)) for x in t])

    kernel = Convolution(lambda tau: np.full_like(tau, rate / gamma(1 - alpha)), singularity=alpha)
    return np.ones_like, kernel, exact


def constant_matrix(matrix):
    return lambda tau: np.broadcast_to(matrix, (tau.size, *matrix.shape))


def rotating(t):
    return np.stack([np.cos(t), -np.sin(t)], axis=1)


def turned(t):
    """The solution operator of the rotation: two right-hand sides."""
    rows = [[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]]
    return np.moveaxis(np.array(rows), 2, 0)


def _vibration(t):
    """Solution of y = cos t - integral of sin 50 (t - s) y, by its Laplace transform."""
    share = 2499.0 / 2549.0
    return share * np.cos(t) + (1 - share) * np.cos(np.sqrt(2550.0) * t)


def _entry(name, tags, forcing, kernel, times, exact):
    return VolterraProblem(
        name, frozenset(tags.split()), forcing, kernel, np.asarray(times, dtype=float), exact
    )


def _table():
    short, long = np.linspace(0, 3, 13), np.concatenate([[0.0], np.logspace(-4, 4, 9)])
    yield _entry(
        "sine kernel",
        "convolution smooth",
        lambda t: t,
        Convolution(np.sin),
        short,
        lambda t: t + t**3 / 6,
    )
    yield _entry(
        "twice the cosine",
        "convolution smooth supercritical",
        np.sin,
        Convolution(lambda tau: 2 * np.cos(tau)),
        np.linspace(0, 12, 13),
        lambda t: t * np.exp(t),
    )
    yield _entry(
        "pendulum",
        "convolution oscillatory",
        np.ones_like,
        Convolution(lambda tau: -tau),
        np.linspace(0, 20, 41),
        np.cos,
    )
    yield _entry(
        "fast vibration",
        "convolution oscillatory long",
        np.cos,
        Convolution(lambda tau: -np.sin(50 * tau)),
        np.linspace(0, 40, 41),
        _vibration,
    )
    stiff = SumOfExponentials([1.0, 1e9], [0.3, 6e8])
    yield _entry(
        "stiff function",
        "convolution stiff",
        constant(),
        Convolution(lambda tau: 0.3 * np.exp(-tau) + 6e8 * np.exp(-1e9 * tau)),
        long,
        by_eigenvalues(constant(), stiff),
    )
    yield _entry(
        "products",
        "two-times smooth",
        lambda t: 1 + t**3 / 2,
        Kernel(lambda t, s: -t * s),
        short,
        np.ones_like,
    )
    yield _entry(
        "exponential of the product",
        "two-times smooth",
        lambda t: 1 + t * -np.expm1(-(t**2)) / np.where(t > 0, t**2, 1),
        Kernel(lambda t, s: -np.exp(-t * s)),
        np.linspace(0, 6, 13),
        np.ones_like,
    )
    yield _entry(
        "rational",
        "two-times smooth",
        lambda t: 1 + t - t**2 / 2,
        Kernel(lambda t, s: (t - s) / (1 + s)),
        np.linspace(0, 10, 11),
        lambda t: 1 + t,
    )
    yield _entry(
        "square-root relaxation",
        "convolution singular",
        np.ones_like,
        Convolution(lambda tau: np.full_like(tau, -1 / np.sqrt(np.pi)), singularity=0.5),
        long,
        lambda t: erfcx(np.sqrt(t)),
    )
    yield _entry("nearly regular", "convolution singular", *_reordered(relaxation(0.1, -1.0)))
    yield _entry("nearly singular", "convolution singular", *_reordered(relaxation(0.9, -1.0)))
    yield _entry(
        "fractional growth",
        "convolution singular supercritical",
        *_reordered(relaxation(0.25, 1.5)),
    )
    yield _entry(
        "square root",
        "two-times singular",
        lambda t: np.sqrt(t) + np.pi / 2 * t,
        Kernel(lambda t, s: -np.ones_like(t), singularity=0.5),
        short,
        np.sqrt,
    )
    yield _entry(
        "weighted square root",
        "two-times singular",
        lambda t: np.sqrt(t) - 3 * np.pi / 8 * t**2,
        Kernel(lambda t, s: s, singularity=0.5),
        np.linspace(0, 2, 9),
        np.sqrt,
    )
    yield _entry(
        "rotation",
        "convolution system oscillatory",
        lambda t: np.stack([np.ones_like(t), np.zeros_like(t)], axis=1),
        Convolution(constant_matrix(ROTATION), dimension=2),
        np.linspace(0, 20, 21),
        rotating,
    )
    yield _entry(
        "rotation of a frame",
        "two-times system columns",
        lambda t: np.broadcast_to(np.eye(2), (t.size, 2, 2)),
        Kernel(lambda t, s: constant_matrix(ROTATION)(t), dimension=2),
        np.linspace(0, 5, 11),
        turned,
    )
    yield _entry(
        "three right-hand sides",
        "convolution columns",
        lambda t: np.multiply.outer(np.ones_like(t), [1.0, 2.0, -3.0]),
        Convolution(lambda tau: np.exp(-2 * tau)),
        short,
        lambda t: np.multiply.outer(2 - np.exp(-t), [1.0, 2.0, -3.0]),
    )
    yield _entry(
        "towards a blow-up",
        "convolution nonlinear",
        np.ones_like,
        Hammerstein(Convolution(np.ones_like), lambda s, y: y**2),
        np.linspace(0, 0.99, 12),
        lambda t: 1 / (1 - t),
    )
    yield _entry(
        "quadratic decay",
        "convolution nonlinear",
        np.ones_like,
        Hammerstein(Convolution(lambda tau: -np.ones_like(tau)), lambda s, y: y**2),
        long,
        lambda t: 1 / (1 + t),
    )
    yield _entry(
        "quadratic memory",
        "convolution nonlinear",
        lambda t: np.exp(-2 * t),
        Hammerstein(SumOfExponentials([1.0], [1.0]), lambda s, y: y**2, lambda s, y: 2 * y),
        short,
        lambda t: np.exp(-t),
    )
    yield _entry(
        "singular and nonlinear",
        "two-times singular nonlinear",
        lambda t: np.sqrt(t) + 4 / 3 * t**1.5,
        Hammerstein(Kernel(lambda t, s: -np.ones_like(t), singularity=0.5), lambda s, y: y**2),
        short,
        np.sqrt,
    )
    yield _entry(
        "rotation on the circle",
        "convolution system nonlinear",
        lambda t: np.stack([np.ones_like(t), np.zeros_like(t)], axis=1),
        Hammerstein(
            Convolution(constant_matrix(ROTATION), dimension=2),
            lambda s, y: y * np.sum(y**2, axis=1, keepdims=True),
        ),
        np.linspace(0, 10, 11),
        rotating,
    )


def _reordered(parts):
    forcing, kernel, exact = parts
    return forcing, kernel, np.concatenate([[0.0, 1e-6], np.linspace(0.25, 3, 12)]), exact


FUNCTION_PROBLEMS = tuple(_table())
