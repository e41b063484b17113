"""Closed forms, schedules and activations: what is known without solving anything. Recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

import hsgd
from hsgd import activations, hermite, isotropic, symbolic
from tests.tools.settings import TIMES, data, rows, schedules


def isotropic_curves() -> Any:
    found: dict[str, Any] = {}
    for rate, ratio, size in ((0.7, 0.5, 1), (1.9, 0.5, 1), (0.3, 2.0, 2), (6.0, 0.5, 1)):
        words = {"signal": 1.0, "noise": 0.5, "batch_size": size}
        found[f"{rate} {ratio} {size}"] = {
            "empirical": isotropic.empirical_risk(TIMES, rate, ratio, **words),
            "population": isotropic.population_risk(TIMES, rate, ratio, **words),
            "rate": isotropic.rate(rate, ratio, batch_size=size),
            "limit": isotropic.limiting_empirical_risk(rate, ratio, noise=0.5, batch_size=size),
            "critical": isotropic.critical_learning_rate(ratio, batch_size=size),
            "transition": isotropic.transition_learning_rate(ratio, batch_size=size),
        }
    return found


def symbolic_equations() -> Any:
    # The order of terms in some results follows Python's hashes; as text they are sorted.
    r = sympy.Symbol("r", positive=True)
    masses = symbolic.PointMasses.symbols(2)
    numbers = symbolic.PointMasses((1, 2, 5), (3, 4, 1))
    found: dict[str, Any] = {}
    for name, spectrum in (("masses", masses), ("numbers", numbers),
                           ("marchenko pastur", symbolic.MarchenkoPastur(r))):  # fmt: skip
        equation = symbolic.VolterraEquation(spectrum, sampling="subset")
        found[name] = {
            "latex": equation.latex(),
            "formulas": {key: str(one) for key, one in equation.formulas().items()},
            "edge": str(equation.curvature_limit),
            "limiting loss": str(equation.limiting_loss()),
            "excess": str(equation.limiting_excess(sympy.Integer(2))),
        }
    solved = symbolic.VolterraEquation(
        symbolic.PointMasses((1, 2), (3, 4)), learning_rate=sympy.Rational(1, 3), ridge=0,
        batch_size=1, num_rows=10,
    )  # fmt: skip
    t = sympy.Symbol("t", nonnegative=True)
    found["solved"] = {
        "rates": [str(one) for one in solved.rates],
        "polynomial": str(solved.characteristic_polynomial()),
        "forcing": str(solved.forcing([1, 2], 1, t)),
        "loss": [float(solved.loss([1, 2], 1, sympy.Rational(k, 2)).evalf(30)) for k in range(4)],
    }
    return found


def symbolic_activations() -> Any:
    x = sympy.Symbol("x", real=True)
    gelu = x * (1 + sympy.erf(x / sympy.sqrt(2))) / 2
    made = symbolic.activation(gelu, "gelu", x)
    return {
        "gelu": symbolic.hermite_expansion(gelu, 4, x),
        "latex": symbolic.hermite_expansion(sympy.Max(x, 0), 5, x).latex(),
        "numeric": symbolic.hermite_expansion(sympy.tanh(x), 3, x),
        "expectation": symbolic.gaussian_expectation(x**4 * sympy.exp(-(x**2)), x),
        "values": made(TIMES),
        "constants": hermite.constants(made),
    }


def hermite_coefficients() -> Any:
    mine = activations.Activation("mine", lambda x: np.abs(x - 0.3), (0.3,))
    cube = activations.polynomial([0.1, 0.0, 0.0, 1.0], "cube")
    known = {**activations.BY_NAME, "mine": mine, "cube": cube}
    return {
        name: {
            "values": activation(TIMES - 5.0),
            "coefficients": hermite.coefficients(activation, 8),
            "constants": hermite.constants(activation),
        }
        for name, activation in known.items()
    } | {"polynomials": hermite.polynomials(0.7, 12), "sine": hermite.constants(np.sin)}


def schedules_and_algorithms() -> Any:
    kinds = {name: one for name, one in schedules(0.4).items() if name != "callable"}
    growing = hsgd.Piecewise((1.0,), (2, 7))
    algorithms = (
        hsgd.SGD(kinds["power"], growing, "reshuffle"),
        hsgd.StreamingSGD(kinds["cosine"], 3),
        hsgd.HeavyBall(0.1, 0.9),
        hsgd.Nesterov(0.1, 0.9, 2, "subset"),
        hsgd.GeneralMomentum(kinds["piecewise"], 0.1, 0.2),
        hsgd.DANA.constant(rows(), 0.1),
        hsgd.DANA.decaying(data(), 0.1, 0.8, momentum_factor=0.5),
        hsgd.AdaGradNorm(kinds["power"], 2.0),
        hsgd.LineSearch(0.5),
        hsgd.Polyak(kinds["power"], growing),
    )
    return {
        "schedules": {
            name: (one(TIMES), one.integral(TIMES), one.breakpoints, one.description())
            for name, one in kinds.items()
        },
        "algorithms": [
            (one.description(), one.schedule(TIMES), one.batch_sizes(TIMES),
             one.rows_drawn(np.arange(50), 16), repr(one))
            for one in algorithms
        ],
        "noise": [hsgd.SGD(0.1, b, "subset").noise_factor(30) for b in (1, 5, 30)],
    }  # fmt: skip
