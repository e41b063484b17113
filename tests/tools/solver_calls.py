"""`volterra` by every method and for every kind of kernel. Each call is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

import volterra
from volterra import SumOfExponentials, SumOfPowers

TIMES = np.linspace(0.0, 12.0, 49)
RATES = np.array([0.2, 1.0, 3.0, 20.0])
KERNEL = SumOfExponentials(RATES, [0.05, 0.3, 0.5, 2.0])
FORCING = SumOfExponentials([0.1, 2.0], [1.0, -0.4], 0.5)
SIGNED = SumOfExponentials([0.2, 1.0, 3.0], [0.1, -0.5, 0.7])
TURNING = SumOfExponentials([0.3 + 2.0j, 1.0], [0.4 - 0.1j, 0.2])
STEPS = np.arange(0.0, 400.0, 9.0)
POWERS = SumOfPowers([0.9, 0.5, -0.3], [0.03, 0.2, 0.1])
FORCING_POWERS = SumOfPowers([0.95, 0.2], [1.0, 0.5], 0.2)
WIDE = SumOfExponentials(np.geomspace(1e-5, 1.0, 4000), np.geomspace(1e-5, 1.0, 4000) / 4800)
LONG = np.concatenate([[0.0], np.geomspace(1e-2, 1e6, 60)])
CLOCK = volterra.PiecewiseClock(KERNEL, [2.0, 5.0], [1.0, 0.5, 0.1], [1.0, 0.25, 0.01])


def _told(solution: volterra.Solution) -> dict[str, Any]:
    """All that a solution says of itself."""
    names = ("t", "y", "error", "status", "work", "method", "rtol", "atol")
    return {name: getattr(solution, name) for name in names}


def _solved(forcing: Any, kernel: Any, times: Any, method: str, **options: Any) -> dict[str, Any]:
    return _told(volterra.solve(forcing, kernel, times, method=method, **options))


def exact_solutions() -> Any:
    many = SumOfExponentials(np.linspace(0.01, 5.0, 1000), np.full(1000, 1e-3))
    above = SumOfExponentials(RATES, KERNEL.weights * 2)
    return {
        "exponentials": _solved(FORCING, KERNEL, TIMES, "exact"),
        "powers": _solved(FORCING_POWERS, POWERS_ABOVE_ZERO, STEPS, "exact"),
        "many": _solved(FORCING, many, np.linspace(0.0, 50.0, 401), "exact"),
        "above critical": _solved(FORCING, above, TIMES * 20, "exact"),
    }


POWERS_ABOVE_ZERO = SumOfPowers([0.9, 0.5, 0.3], [0.03, 0.2, 0.1])


def segment_solutions() -> Any:
    return {
        "of the time": _solved(FORCING, CLOCK, TIMES, "segments"),
        "of the clock": _solved(CLOCK.on_clock(FORCING), CLOCK, TIMES, "segments"),
    }


def companion_solutions() -> Any:
    return {
        "positive": _solved(FORCING, KERNEL, TIMES, "companion"),
        "signed": _solved(FORCING, SIGNED, TIMES, "companion"),
        "complex": _solved(TURNING, TURNING, TIMES, "companion"),
        "powers": _solved(FORCING_POWERS, POWERS, STEPS, "companion"),
    }


def recursion_solutions() -> Any:
    return {
        "powers": _solved(FORCING_POWERS, POWERS, STEPS, "recursion"),
        "function": _solved(np.cos, POWERS, STEPS, "recursion"),
    }


def collocation_solutions() -> Any:
    changed = volterra.TimeChanged(
        KERNEL, np.log1p, lambda t: 1 / (1 + t), clock_rate=lambda t: 1 / (1 + t)
    )
    stepped = volterra.TimeChanged(
        KERNEL,
        lambda t: np.minimum(t, 2.0),
        lambda t: np.where(t < 2, 1.0, 0.0),
        breakpoints=(2.0,),
    )
    return {
        "exponentials": _solved(FORCING, KERNEL, TIMES, "collocation"),
        "signed": _solved(np.cos, SIGNED, TIMES, "collocation", atol=1e-8),
        "clock": _solved(np.cos, changed, TIMES, "collocation", atol=1e-9),
        "stairs": _solved(FORCING, stepped, TIMES, "collocation"),
        "piecewise": _solved(np.exp, CLOCK, TIMES[:9], "collocation", rtol=1e-6),
    }


def compressed_solutions() -> Any:
    changed = volterra.TimeChanged(WIDE, np.log1p, lambda t: 1 / (1 + t))
    later = np.array([0.0, 0.5, 2.0])
    return {
        "wide": _solved(SumOfExponentials(WIDE.rates, WIDE.weights, 0.1), WIDE, LONG, "compressed"),
        "clock": _solved(np.exp, changed, later, "compressed", rtol=1e-4),
    }


def panel_solutions() -> Any:
    convolution = volterra.Convolution(lambda tau: 0.5 * np.exp(-(tau**2)))
    abel = volterra.Convolution(lambda tau: -0.3 * np.ones_like(tau), singularity=0.5)
    turn = np.array([[0.0, 0.4], [-0.4, 0.1]])
    system = volterra.Convolution(lambda tau: np.exp(-tau)[:, None, None] * turn, dimension=2)
    two_times = volterra.Kernel(lambda t, s: 0.1 * np.cos(t * s / 10))
    square = volterra.Hammerstein(KERNEL, lambda s, y: 0.5 * np.sin(y))
    known = volterra.Hammerstein(convolution, lambda s, y: y / (1 + y * y),
                                 lambda s, y: (1 - y * y) / (1 + y * y) ** 2)  # fmt: skip
    blow_up = volterra.Hammerstein(volterra.Convolution(np.ones_like), lambda s, y: y**2)
    ringing = volterra.Convolution(lambda tau: -np.cos(30.0 * tau) * np.exp(-0.1 * tau))
    samples = np.stack([np.cos(TIMES), np.sin(TIMES) + 2], axis=1)
    return {
        "convolution": _solved(np.cos, convolution, TIMES, "panels", atol=1e-9),
        "abel": _solved(np.ones_like, abel, TIMES, "panels"),
        "system": _solved(samples, system, TIMES, "panels", rtol=1e-5, atol=1e-4),
        "two right-hand sides": _solved(samples, convolution, TIMES, "panels", rtol=1e-4),
        "two times": _solved(np.cos, two_times, TIMES, "panels", atol=1e-9),
        "hammerstein": _solved(FORCING, square, TIMES, "panels"),
        "derivative": _solved(np.ones_like, known, TIMES, "panels"),
        "ringing": _solved(np.ones_like, ringing, [0.0, 30.0, 60.0], "panels", rtol=1e-6),
        "blow-up": _solved(np.ones_like, blow_up, np.linspace(0.0, 1.5, 7), "panels"),
        "exponentials": _solved(np.cos, SIGNED, TIMES, "panels", atol=1e-9),
    }


def automatic_solutions() -> Any:
    equations = {
        "exponentials": (FORCING, KERNEL, TIMES),
        "signed": (FORCING, SIGNED, TIMES),
        "complex": (FORCING, TURNING, TIMES),
        "powers": (FORCING_POWERS, POWERS, STEPS),
        "function": (np.cos, KERNEL, TIMES),
        "samples": (2.0 + np.cos(TIMES), KERNEL, TIMES),
        "wide": (FORCING, WIDE, LONG),
        "clock": (FORCING, CLOCK, TIMES),
    }
    return {name: _solved(*equation, "auto", atol=1e-9) for name, equation in equations.items()}


def observations() -> Any:
    weights = np.array([1.0, -2.0, 0.5, 3.0])
    found = {}
    for method in ("exact", "companion", "collocation"):
        solution = volterra.solve(FORCING, KERNEL, TIMES, method=method)
        found[method] = {
            "observed": _told(solution.observe(weights, FORCING)),
            "at": _told(solution.at([0.3, 7.7])),
            "called": solution(np.array([[0.1, 0.2], [3.0, 11.0]])),
        }
    return found


def analyses() -> Any:
    gaussian = volterra.Convolution(lambda tau: 0.5 * np.exp(-(tau**2)))
    return {
        "positive": volterra.analyse(KERNEL, FORCING),
        "signed": volterra.analyse(SIGNED, FORCING),
        "complex": volterra.analyse(TURNING, FORCING),
        "powers": volterra.analyse(POWERS, FORCING_POWERS),
        "wide": volterra.analyse(WIDE, FORCING),
        "critical": volterra.analyse(SumOfExponentials([1.0], [1.0]), FORCING),
        "growing": volterra.analyse(SumOfExponentials([1.0], [2.0], 0.1), FORCING),
        "convolution": volterra.analyse(gaussian, lambda t: np.ones_like(t)),
    }


def compressions() -> Any:
    both = SumOfExponentials(WIDE.rates, WIDE.weights * np.where(np.arange(4000) % 3, 1, -1), 0.2)
    return [
        volterra.compress(WIDE),
        volterra.compress(WIDE, rtol=1e-4),
        volterra.compress(both, rtol=1e-8),
        volterra.compress(KERNEL),
    ]


def resolvents() -> Any:
    kernels = {"positive": KERNEL, "signed": SIGNED, "complex": TURNING}
    found = {}
    for name, kernel in kernels.items():
        R = volterra.resolvent(kernel)
        found[name] = (R.rates, R.weights, R.weight_error, R.evaluate(TIMES))
    R = volterra.resolvent(POWERS)
    return found | {"powers": (R.rates, R.weights, R(STEPS))}


def kernels() -> Any:
    return [
        KERNEL(TIMES), TURNING(TIMES), POWERS(STEPS),
        SumOfPowers.from_decrements([1e-12, 0.3], [1.0, 2.0], 0.1)(STEPS),
        CLOCK.clock(TIMES), CLOCK.weight(TIMES), CLOCK.readings, CLOCK.on_clock(FORCING)(TIMES),
        KERNEL, FORCING_POWERS, [status.value for status in volterra.Status],
    ]  # fmt: skip
