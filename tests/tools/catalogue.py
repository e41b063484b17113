"""The catalogue of bad inputs: every public name, every argument, everything one might pass.

    python -m tests.tools.catalogue [NAME...]    all, or the names that start so; prints the table

`ENTRIES` has a call that works for each public verb and noun of the four packages. In it one
argument after the other is replaced by every value of `tests.tools.bad_values`. Allowed are: the
right answer; an answer with a warning; a refusal in one sentence that names the argument. Anything
else is a violation. `test_bad_input.py` runs it.
"""

from __future__ import annotations

import collections
import functools
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import sympy

import hsgd
import simulate
import validation
import volterra
from hsgd import activations, dataset, hermite, isotropic, symbolic
from tests.tools.bad_values import DRESSINGS, SPOILINGS, values
from tests.tools.trials import Entry, Outcome, Trial, attempt

N, D = 40, 7
TIMES = np.array([0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0])


@functools.cache
def things() -> dict[str, Any]:
    """Good nouns, made once."""
    generator = np.random.default_rng(5)
    # A flat spectrum, so that the good calls give no warning.
    A = np.linalg.qr(generator.standard_normal((N, D)))[0] * np.linspace(2.0, 2.4, D)
    b = A @ generator.standard_normal(D) + 0.1 * generator.standard_normal(N)
    A_test, b_test = generator.standard_normal((5, D)) / np.sqrt(D), generator.standard_normal(5)
    problem = hsgd.LeastSquares(A, b, ridge=0.1, population=(A_test, b_test))
    rows = hsgd.GaussianRows(np.linspace(0.1, 0.3, D), np.ones(D), 0.1)
    sgd, streaming = hsgd.SGD(0.3), hsgd.StreamingSGD(0.3)
    kernel = volterra.SumOfExponentials([1.0, 2.0], [0.2, 0.3])
    forcing = volterra.SumOfExponentials([1.5], [1.0], 0.5)
    M = generator.standard_normal((D, D))
    theory = hsgd.predict(problem, sgd, TIMES)
    return {
        "A": A,
        "b": b,
        "A_test": A_test,
        "b_test": b_test,
        "problem": problem,
        "rows": rows,
        "sgd": sgd,
        "streaming": streaming,
        "kernel": kernel,
        "forcing": forcing,
        "M": M @ M.T,
        "theory": theory,
        "best": hsgd.optimal_schedule(problem, 3, cap=0.5, pieces=3, accuracy=None),
        "exact": hsgd.exact_mean(problem, sgd, TIMES),
        "runs": simulate.sgd(problem, sgd, TIMES, num_replicates=16, seed=0, engine="reference"),
        "solution": volterra.solve(forcing, kernel, TIMES),
    }


@functools.cache
def nouns() -> dict[str, Any]:
    """Good nouns in the wrong place, and nouns that are swept or sparse."""
    import scipy.sparse
    import xarray as xr

    kept = things()
    names = ("problem", "rows", "sgd", "streaming", "kernel", "forcing", "theory", "solution")
    swept = xr.DataArray([0.1, 0.2], dims="learning_rate")
    return {
        **{f"the {name}": kept[name] for name in names},
        "a class of problems": hsgd.LeastSquares,
        "HeavyBall": hsgd.HeavyBall(0.1, 0.5),
        "sampling once": hsgd.SGD(0.1, sampling="single_shuffle"),
        "a large batch": hsgd.SGD(0.1, 10**9),
        "a growing batch": hsgd.SGD(0.1, hsgd.Piecewise((1.0,), (1, 2))),
        "a swept rate": hsgd.SGD(swept),
        "a rate of 1e100": hsgd.SGD(1e100),
        "a rate of zero": hsgd.SGD(0.0),
        "a schedule of NaN later": hsgd.SGD(lambda t: np.where(t > 0.4, np.nan, 0.1)),
        "a sparse problem": hsgd.LeastSquares(
            scipy.sparse.csr_array(kept["A"]), kept["b"], ridge=0.1
        ),
        "a sampled problem": hsgd.SampledLeastSquares(kept["rows"], N),
        "features": hsgd.RandomFeatures(kept["rows"], 5),
        "a Quadratic": hsgd.Quadratic(kept["M"], name="mine"),
        "a Quadratic of another size": hsgd.Quadratic(np.eye(2), name="mine"),
        "a schedule": hsgd.PowerDecay(0.1, 0.5),
        "a Piecewise": hsgd.Piecewise((1.0,), (0.1, 0.2)),
        "SumOfPowers": volterra.SumOfPowers([0.5], [0.2]),
        "a Convolution": volterra.Convolution(lambda tau: np.exp(-tau)),
        "an exact mean": kept["exact"],
        "runs": kept["runs"],
        "a symbol": sympy.Symbol("x"),
        "sympy nan": sympy.nan,
        "sympy zoo": sympy.zoo,
        "sympy Rational": sympy.Rational(1, 3),
    }


def entries() -> list[Entry]:
    """All of them."""
    return [
        *_volterra(),
        *_nouns(),
        *_schedules(),
        *_verbs(),
        *_forms(),
        *_frameworks(),
        *_kernels(),
        *_networks(),
        *_files(),
        *_runs(),
    ]


_EQUATION = {
    "forcing": ("SumOfExponentials", "SumOfPowers", "t"),
    "kernel": ("t",),
    "rtol": ("atol",),
}


def _volterra() -> Iterator[Entry]:
    kept = things()
    rates, weights = np.array([0.5, 1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.1, 0.3])
    yield Entry(
        "volterra.solve",
        volterra.solve,
        {
            "forcing": kept["forcing"],
            "kernel": kept["kernel"],
            "t": TIMES,
            "method": "auto",
            "rtol": 1e-8,
            "atol": 0.0,
        },
        words=_EQUATION,
        may_be_infinite=("error",),
    )  # fmt: skip
    yield Entry(
        "volterra.solve, functions",
        volterra.solve,
        {"forcing": np.cos, "kernel": volterra.Convolution(lambda s: np.exp(-s)), "t": TIMES},
        words=_EQUATION,
    )
    yield Entry(
        "volterra.solve, samples",
        volterra.solve,
        {"forcing": np.cos(np.linspace(0, 3, 9)), "kernel": kept["kernel"],
         "t": np.linspace(0, 3, 9)},
        words=_EQUATION,
    )  # fmt: skip
    yield Entry(
        "volterra.SumOfExponentials",
        volterra.SumOfExponentials,
        {"rates": rates, "weights": weights, "constant": 0.1},
    )
    yield Entry(
        "volterra.SumOfPowers",
        volterra.SumOfPowers,
        {"ratios": np.array([0.5, 0.3]), "weights": np.array([0.1, 0.2]), "constant": 0.1},
    )
    yield Entry(
        "volterra.SumOfPowers.from_decrements",
        volterra.SumOfPowers.from_decrements,
        {"decrements": np.array([0.5, 0.3]), "weights": np.array([0.1, 0.2]), "constant": 0.1},
    )
    yield Entry(
        "volterra.SumOfExponentials.__call__", kept["kernel"], {"tau": TIMES},
        words={"tau": ("times",)}, may_be_infinite=("answer",),
    )  # fmt: skip
    yield Entry(
        "volterra.SumOfPowers.__call__", volterra.SumOfPowers([0.5], [0.2]), {"m": np.arange(7)}
    )
    yield Entry(
        "volterra.TimeChanged",
        volterra.TimeChanged,
        {
            "kernel": kept["kernel"],
            "clock": lambda t: t,
            "weight": np.ones_like,
            "clock_rate": np.ones_like,
            "breakpoints": (1.0,),
        },
    )
    yield Entry(
        "volterra.PiecewiseClock",
        volterra.PiecewiseClock,
        {
            "kernel": kept["kernel"],
            "boundaries": np.array([2.0]),
            "clock_rates": np.array([1.0, 0.5]),
            "weights": np.array([1.0, 0.25]),
        },
        words={"clock_rates": ("clock rates",)},
    )
    for kind in (volterra.Convolution, volterra.Kernel):
        yield Entry(
            f"volterra.{kind.__name__}",
            kind,
            {"function": lambda *a: np.exp(-a[0]), "singularity": 0.0, "dimension": None},
            words={"function": ("kernel",)},
        )
    yield Entry(
        "volterra.Hammerstein",
        volterra.Hammerstein,
        {"kernel": kept["kernel"], "nonlinearity": lambda s, y: y, "derivative": None},
        words={"kernel": ("Hammerstein",)},
    )
    yield Entry(
        "volterra.analyse",
        volterra.analyse,
        {"kernel": kept["kernel"], "forcing": kept["forcing"]},
        may_be_infinite=("limit", "malthusian_exponent", "kernel_norm"),
        may_be_nan=("limit", "malthusian_exponent"),
    )
    yield Entry(
        "volterra.compress",
        volterra.compress,
        {"sum": kept["kernel"], "rtol": 1e-10},
    )
    yield Entry("volterra.resolvent", volterra.resolvent, {"kernel": kept["kernel"]})
    yield Entry(
        "Solution.__call__", kept["solution"], {"t_new": TIMES}, words={"t_new": ("times",)}
    )
    yield Entry("Solution.at", kept["solution"].at, {"t_new": TIMES}, words={"t_new": ("times",)})
    yield Entry(
        "Solution.observe",
        kept["solution"].observe,
        {"weights": np.array([0.2, 0.3]), "forcing": None},
        words={"forcing": ("m",)},
    )


def _nouns() -> Iterator[Entry]:
    kept = things()
    A, b = kept["A"], kept["b"]
    moment = {"second_moment": kept["M"], "cross_moment": kept["M"] @ np.ones(D),
              "target_second_moment": float(kept["M"].sum()) + 1.0}  # fmt: skip
    yield Entry(
        "hsgd.LeastSquares",
        _used,
        {
            "A": A,
            "b": b,
            "ridge": 0.1,
            "x0": np.ones(D),
            "population": (kept["A_test"], kept["b_test"]),
            "preparation": {},
        },
        words={"population": ("A_test", "b_test", "held-out"), "A": ("b", "x0")},
        may_be_nan=("x0", "population"),
    )
    yield Entry(
        "hsgd.LeastSquares, held-out rows",
        lambda A_test, b_test: _used(A, b, population=(A_test, b_test)),
        {"A_test": kept["A_test"], "b_test": kept["b_test"]},
        words={"A_test": ("b_test",)},
    )
    yield Entry(
        "hsgd.LeastSquares.from_data",
        hsgd.LeastSquares.from_data,
        {"X": A, "y": b, "ridge": 0.1, "centre": True, "normalise_rows": False, "test": 0.25,
         "seed": 0, "x0": np.ones(D)},
        words={"X": ("A", "y"), "y": ("b",), "test": ("X_test", "y_test")},
    )  # fmt: skip
    yield Entry(
        "hsgd.LeastSquares.replace",
        kept["problem"].replace,
        {"ridge": 0.2, "x0": np.ones(D), "b": b, "A": A},
        words={"A": ("b", "x0")},
    )
    yield Entry("hsgd.Population", hsgd.Population, moment, words={
        "second_moment": ("cross_moment", "moments"), "cross_moment": ("moments",),
        "target_second_moment": ("moments",)})  # fmt: skip
    yield Entry(
        "hsgd.GaussianRows",
        _streamed,
        {"covariance": kept["M"] / 10, "coefficients": np.ones(D), "noise": 0.1, "ridge": 0.1,
         "x0": np.zeros(D)},
        words={"coefficients": ("x0", "covariance"), "covariance": ("coefficients",)},
    )  # fmt: skip
    yield Entry("hsgd.GaussianRows.sample", kept["rows"].sample, {"n": 9, "seed": 0})
    yield Entry(
        "hsgd.SampledLeastSquares",
        hsgd.SampledLeastSquares,
        {"rows": kept["rows"], "n": 9, "ridge": 0.1},
    )
    yield Entry(
        "hsgd.Spectrum",
        hsgd.Spectrum,
        {"eigenvalues": np.linspace(1.0, 2.0, D), "target_power": np.ones(D), "noise": 0.1},
        words={"target_power": ("eigenvalues",), "eigenvalues": ("target_power",)},
    )
    spectrum = hsgd.Spectrum(np.linspace(1.0, 2.0, D), np.ones(D))
    yield Entry(
        "hsgd.Spectrum.power_law",
        hsgd.Spectrum.power_law,
        {"dimension": 9, "decay": 1.2, "target_decay": 1.5, "trace": 1.0, "power": 1.0,
         "noise": 0.1},
    )  # fmt: skip
    yield Entry(
        "hsgd.spectrum_of",
        hsgd.spectrum_of,
        {"X": kept["A"], "y": kept["b"], "groups": 4},
        words={"X": ("y",), "y": ("X",)},
    )
    yield Entry("hsgd.Spectrum.rows", spectrum.rows, {"ridge": 0.1, "x0": np.zeros(D)})
    yield Entry(
        "hsgd.Spectrum.sampled", spectrum.sampled, {"n": 9, "ridge": 0.1, "x0": np.zeros(D)}
    )
    yield Entry(
        "hsgd.SampledLeastSquares.sample",
        hsgd.SampledLeastSquares(kept["rows"], 9).sample,
        {"seed": 0},
    )
    yield Entry(
        "hsgd.RandomFeatures",
        hsgd.RandomFeatures,
        {"inputs": kept["rows"], "num_features": 5, "activation": "relu", "centre": True,
         "ridge": 0.1},
    )  # fmt: skip
    yield Entry(
        "hsgd.RandomFeatures.sample",
        hsgd.RandomFeatures(kept["rows"], 5).sample,
        {"n": 9, "seed": 0, "num_test": 3},
    )
    power = {"alpha": 1.0, "beta": 0.7, "v": 20, "d": 5}
    yield Entry("hsgd.PowerLawRandomFeatures", hsgd.PowerLawRandomFeatures, power)
    yield Entry(
        "hsgd.PowerLawRandomFeatures.given_weights, exponents",
        lambda alpha, beta: hsgd.PowerLawRandomFeatures(alpha, beta, 20, 5).given_weights(0),
        {"alpha": 1.0, "beta": 0.7},
    )
    features = hsgd.PowerLawRandomFeatures(**power)
    yield Entry("hsgd.PowerLawRandomFeatures.given_weights", features.given_weights, {"seed": 0})
    yield Entry("hsgd.PowerLawRandomFeatures.sample", features.sample, {"n": 9, "seed": 0})
    yield Entry(
        "hsgd.Quadratic",
        hsgd.Quadratic,
        {"matrix": kept["M"], "linear": np.ones(D), "constant": 0.5, "name": "mine",
         "long_name": "my own"},
    )  # fmt: skip
    for kind in (hsgd.SGD, hsgd.HeavyBall, hsgd.Nesterov, hsgd.SignSGD, hsgd.StreamingSGD):
        arguments: dict[str, Any] = {"learning_rate": 0.3, "batch_size": 2}
        if kind is not hsgd.StreamingSGD:
            arguments["sampling"] = "subset"
        if kind in (hsgd.HeavyBall, hsgd.Nesterov):
            arguments["momentum"] = 0.5
        yield Entry(f"hsgd.{kind.__name__}", _stepped(kind), arguments, words={
            "learning_rate": ("schedule", "function")})  # fmt: skip

    yield Entry(
        "hsgd.GeneralMomentum",
        _stepped(hsgd.GeneralMomentum),
        {"learning_rate": 0.1, "momentum_rate": 0.1, "forgetting": 0.2, "gradient_rate": 1.0,
         "batch_size": 2, "sampling": "subset"},
        words={"learning_rate": ("schedule",)},
    )  # fmt: skip
    plain = kept["problem"].replace(ridge=0.0)
    yield Entry(
        "hsgd.preconditioned",
        hsgd.preconditioned,
        {"problem": plain, "preconditioner": np.linspace(1.0, 2.0, D)},
    )
    yield Entry("hsgd.EMA", hsgd.EMA, {"rate": 0.1})
    yield Entry("hsgd.TailAverage", hsgd.TailAverage, {"start": 1.0})
    yield Entry("hsgd.PowerAverage", hsgd.PowerAverage, {"power": 3.0})
    yield Entry(
        "hsgd.ScheduleFree",
        _stepped(hsgd.ScheduleFree),
        {"learning_rate": 0.1, "interpolation": 0.5, "batch_size": 2, "sampling": "subset",
         "averaging": hsgd.EMA(0.5)},
        words={"learning_rate": ("schedule",)},
    )  # fmt: skip
    yield Entry(
        "hsgd.LinearMethod",
        _stepped(hsgd.LinearMethod),
        {"mixing": [[1.5, -0.5], [1.0, 0.0]], "gains": [1.0, 0.0], "query": [1.0, 0.0],
         "readout": [1.0, 0.0], "learning_rate": 0.1, "start": [1.0, 1.0], "batch_size": 2,
         "sampling": "subset"},
        words={"learning_rate": ("schedule",)},
    )  # fmt: skip
    dana = {
        "problem": kept["rows"],
        "learning_rate": 0.1,
        "momentum_factor": 1.0,
        "forgetting_constant": 4.0,
        "batch_size": 2,
        "sampling": "with_replacement",
    }
    yield Entry("hsgd.DANA.constant", hsgd.DANA.constant, dana)
    yield Entry("hsgd.DANA.decaying", hsgd.DANA.decaying, {**dana, "alpha": 1.0})
    yield Entry(
        "hsgd.AdaGradNorm",
        _stepped(hsgd.AdaGradNorm),
        {"learning_rate": 0.3, "initial": 1.0, "batch_size": 2, "sampling": "subset"},
        words={"learning_rate": ("schedule",)},
    )
    for kind in (hsgd.LineSearch, hsgd.Polyak):
        yield Entry(f"hsgd.{kind.__name__}", _stepped(kind), {"fraction": 1.0, "batch_size": 2},
                    words={"fraction": ("schedule", "learning_rate")})  # fmt: skip
    yield Entry("hsgd.Coordinates", hsgd.Coordinates, {"indices": (0, 2)},
                words={"indices": ("index",)})  # fmt: skip
    yield Entry("hsgd.Predictions", hsgd.Predictions, {"rows": np.eye(3)})
    classes = hsgd.LeastSquares.from_data(np.eye(6)[:, :3], [*"ababab"], one_hot=True, test=0.5)
    yield Entry("hsgd.Predictions.held_out", hsgd.Predictions.held_out, {"problem": classes})
    seen = simulate.sgd(
        classes, hsgd.SGD(0.1), TIMES, statistics=hsgd.Predictions(classes.population.A), seed=0,
        engine="reference",
    )  # fmt: skip
    yield Entry("hsgd.classification_error", hsgd.classification_error,
                {"problem": classes, "runs": seen},
                words={"problem": ("classes", "held-out"), "runs": ("predictions",)})  # fmt: skip


def _used(A: Any, b: Any, **more: Any) -> Any:
    """A problem and all that it computes of itself."""
    problem = hsgd.LeastSquares(A, b, **more)
    parts = [problem, problem.squared_row_norms, problem.data_digests, problem.description()]
    if not problem.is_sparse and not hasattr(problem.ridge, "dims"):
        theory = hsgd.predict(problem, hsgd.SGD(_safe_rate(problem)), TIMES)
        parts += [problem.solution, theory]
    return tuple(parts)


def _streamed(**arguments: Any) -> Any:
    rows = hsgd.GaussianRows(**arguments)
    if hasattr(rows.ridge, "dims"):
        return rows
    rate = 0.1 * hsgd.critical_learning_rate(rows)
    return rows, hsgd.predict(rows, hsgd.StreamingSGD(rate), TIMES)


def _safe_rate(problem: Any) -> float:
    return 0.1 * hsgd.critical_learning_rate(problem)


def _stepped(kind: Any) -> Any:
    """An algorithm and its learning rates and batches at the times."""

    def made(**arguments: Any) -> Any:
        algorithm = kind(**arguments)
        if any(
            hasattr(getattr(algorithm, name), "dims") for name in ("learning_rate", "batch_size")
        ):
            return algorithm
        return algorithm, algorithm.schedule(TIMES), algorithm.batch_sizes(TIMES)

    return made


def _schedules() -> Iterator[Entry]:
    yield Entry("hsgd.Constant", _curve(hsgd.Constant), {"level": 0.3},
                words={"level": ("learning_rate",)})  # fmt: skip
    yield Entry(
        "hsgd.Piecewise", _curve(hsgd.Piecewise), {"boundaries": (1.0, 2.0), "levels": (3, 2, 1)}
    )
    yield Entry(
        "hsgd.PowerDecay",
        _curve(hsgd.PowerDecay),
        {"initial": 0.3, "exponent": 0.5, "timescale": 1.0},
    )
    yield Entry(
        "hsgd.CosineDecay",
        _curve(hsgd.CosineDecay),
        {"initial": 0.3, "horizon": 3.0, "final": 0.1},
    )
    yield Entry(
        "hsgd.FromFunction",
        _curve(hsgd.FromFunction),
        {"function": lambda t: 0.3 / (1 + t), "breakpoints": (1.0,)},
        words={"function": ("FromFunction", "schedule")},
    )
    yield Entry("Schedule.__call__", hsgd.PowerDecay(0.3, 0.5), {"time": TIMES})
    for kind in (
        hsgd.PowerDecay(0.3, 0.5),
        hsgd.Piecewise((1.0,), (3, 2)),
        hsgd.Constant(1.0),
        hsgd.CosineDecay(1.0, 2.0),
        hsgd.FromFunction(lambda t: 1.0 / (1 + t)),
    ):
        yield Entry(f"{type(kind).__name__}.integral", kind.integral, {"time": TIMES})


def _curve(kind: Any) -> Any:
    """A schedule, its values and its integral."""

    def made(**arguments: Any) -> Any:
        schedule = kind(**arguments)
        return schedule, schedule(TIMES), schedule.integral(TIMES), schedule.description()

    return made


def _verbs() -> Iterator[Entry]:
    kept = things()
    setting = {"problem": kept["problem"], "algorithm": kept["sgd"]}
    words = {
        "problem": ("population", "ridge", "learning_rate", "batch_size", "A", "sparse",
                    "LeastSquares", "rows"),
        "algorithm": ("learning_rate", "batch_size", "sampling", "schedule", "momentum"),
        "statistics": ("statistic", "empirical_risk"),
        "risk": ("target",),
    }  # fmt: skip
    common: dict[str, Any] = {"words": words, "not_compared": ("time",)}
    infinite = (
        "expected_discrepancy",
        "asymptotic_discrepancy",
        "kernel_norm",
        "largest_over_mean_eigenvalue",
        "row_norm_spread",
    )
    yield Entry(
        "hsgd.predict",
        hsgd.predict,
        {**setting, "time": TIMES, "statistics": None, "method": "auto", "spread": False,
         "level": 0.9, "rtol": 1e-8},
        **common,
    )  # fmt: skip
    yield Entry(
        "hsgd.predict, discrete",
        hsgd.predict,
        {"problem": kept["rows"], "algorithm": kept["streaming"], "time": TIMES,
         "statistics": "population_risk", "method": "discrete"},
        **common,
    )  # fmt: skip
    yield Entry(
        "hsgd.predict, momentum",
        hsgd.predict,
        {**setting, "algorithm": hsgd.HeavyBall(0.1, 0.5), "time": TIMES},
        **common,
    )
    yield Entry(
        "hsgd.exact_mean",
        hsgd.exact_mean,
        {**setting, "time": TIMES, "statistics": None, "rtol": 1e-6, "method": "recursion",
         "progress": None},
        **common,
    )  # fmt: skip
    yield Entry(
        "hsgd.exact_mean, row_basis",
        hsgd.exact_mean,
        {**setting, "time": TIMES, "rtol": 1e-6, "method": "row_basis"},
        **common,
    )
    yield Entry(
        "hsgd.exact_stability",
        hsgd.exact_stability,
        {"problem": kept["problem"], "batch_size": 1, "sampling": "with_replacement",
         "rtol": 1e-9},
        **common,
    )  # fmt: skip
    yield Entry(
        "hsgd.critical_learning_rate",
        hsgd.critical_learning_rate,
        {"problem": kept["problem"], "batch_size": 1, "sampling": "with_replacement",
         "momentum": 0.0, "method": "auto"},
        **common,
    )  # fmt: skip
    yield Entry(
        "hsgd.limits",
        hsgd.limits,
        {**setting, "statistics": None, "method": "auto"},
        may_be_infinite=("*",),
        may_be_nan=(),
        words=words,
    )
    yield Entry(
        "hsgd.epochs_to_tolerance",
        hsgd.epochs_to_tolerance,
        {"problem": kept["problem"], "tolerance": 0.5, "sampling": "with_replacement"},
        may_be_infinite=("*",),
        words=words,
    )
    yield Entry(
        "hsgd.critical_batch_size",
        hsgd.critical_batch_size,
        {"problem": kept["problem"], "sampling": "with_replacement"},
        **common,
    )
    yield Entry(
        "hsgd.grow_batch_size",
        hsgd.grow_batch_size,
        {**setting, "horizon": 3.0, "risk_factor": 2.0, "growth": 2.0, "largest": None},
        words={**words, "horizon": ("time",)},
    )
    yield Entry(
        "hsgd.steps_to_target",
        hsgd.steps_to_target,
        {"problem": kept["problem"], "risk": 0.15, "batch_sizes": [1, 4],
         "sampling": "with_replacement"},
        may_be_infinite=("*",),
        words=words,
    )  # fmt: skip
    yield from _designs(kept, words)
    yield Entry(
        "hsgd.diagnose",
        hsgd.diagnose,
        {**setting, "horizon": 100.0},
        words=words,
        may_be_infinite=infinite,
    )
    yield Entry(
        "hsgd.effective_epochs",
        hsgd.effective_epochs,
        {"problem": hsgd.SampledLeastSquares(kept["rows"], 20), "algorithm": kept["sgd"],
         "epochs": np.array([1.0, 2.0, 8.0]), "method": "auto"},
        may_be_infinite=("*",),
        **common,
    )  # fmt: skip
    yield Entry(
        "hsgd.bootstrap_risk",
        hsgd.bootstrap_risk,
        {"problem": kept["rows"].sample(20, 0), "algorithm": kept["sgd"], "time": TIMES,
         "method": "auto", "rtol": 1e-8},
        **common,
    )  # fmt: skip


def _designs(kept: dict[str, Any], words: dict[str, tuple[str, ...]]) -> Iterator[Entry]:
    budget = {"problem": kept["problem"], "budget": 3.0, "unit": "passes", "statistic": None}
    words = {**words, "budget": ("budget", "epochs"), "statistic": ("statistic", "problem")}
    # Families of one scale have no shape.
    common = {"words": words, "may_be_nan": ("family_shape",)}
    yield Entry(
        "hsgd.optimal_schedule",
        hsgd.optimal_schedule,
        {**budget, "algorithm": kept["sgd"], "cap": 0.5, "pieces": 3, "accuracy": 0.05},
        **common,
    )
    yield Entry(
        "hsgd.optimal_learning_rate",
        hsgd.optimal_learning_rate,
        {**budget, "algorithm": kept["sgd"], "cap": 0.5},
        **common,
    )
    yield Entry(
        "hsgd.recommend",
        hsgd.recommend,
        {**budget, "cap": 0.5, "pieces": 3, "batch_cost": 1e-9, "accuracy": None},
        **common,
    )
    yield Entry(
        "hsgd.optimal_batch_schedule",
        hsgd.optimal_batch_schedule,
        {"problem": kept["problem"], "algorithm": kept["sgd"], "iterations": 30, "rows": 90,
         "statistic": None, "pieces": 3},
        **common,
    )  # fmt: skip
    yield Entry(
        "hsgd.gradient",
        hsgd.gradient,
        {"problem": kept["problem"], "algorithm": kept["sgd"], "iterations": 20,
         "statistic": None},
        **common,
    )  # fmt: skip
    yield Entry("hsgd.schedule_of", hsgd.schedule_of, {"found": kept["best"]})


def _forms() -> Iterator[Entry]:
    curve = {"time": TIMES, "learning_rate": 0.7, "ratio": 0.5, "signal": 1.0, "noise": 0.5,
             "batch_size": 1}  # fmt: skip
    for form in (isotropic.empirical_risk, isotropic.population_risk):
        yield Entry(f"isotropic.{form.__name__}", form, curve, may_be_infinite=("*",))
    yield Entry("isotropic.rate", isotropic.rate,
                {"learning_rate": 0.7, "ratio": 0.5, "batch_size": 1})  # fmt: skip
    yield Entry(
        "isotropic.limiting_empirical_risk",
        isotropic.limiting_empirical_risk,
        {"learning_rate": 0.7, "ratio": 0.5, "noise": 0.5, "batch_size": 1},
        may_be_infinite=("*",),
    )
    for verb in (isotropic.critical_learning_rate, isotropic.transition_learning_rate):
        yield Entry(f"isotropic.{verb.__name__}", verb, {"ratio": 0.5, "batch_size": 1})
    yield Entry(
        "activations.Activation",
        activations.Activation,
        {"name": "mine", "function": np.tanh, "breakpoints": (0.0,), "exact_coefficients": None,
         "exact_nonlinear_variance": None},
        words={"function": ("activation",)},
    )  # fmt: skip
    yield Entry("activations.polynomial", activations.polynomial,
                {"coefficients": np.array([0.0, 1.0, 0.5]), "name": "mine"})  # fmt: skip
    for name in activations.BY_NAME:
        yield Entry(f"activations.{name}", activations.BY_NAME[name], {"values": TIMES},
                    words={"values": ("activation",)})  # fmt: skip
    yield Entry("hermite.coefficients", hermite.coefficients, {"activation": "relu", "order": 3})
    yield Entry("hermite.coefficients, quadrature", hermite.coefficients,
                {"activation": np.tanh, "order": 3})  # fmt: skip
    yield Entry("hermite.constants", hermite.constants, {"activation": "relu"})
    yield Entry("hermite.polynomials", hermite.polynomials, {"x": 0.3, "order": 3})
    x = sympy.Symbol("x", real=True)
    yield Entry("symbolic.PointMasses", symbolic.PointMasses,
                {"eigenvalues": (1, 2), "multiplicities": (3, 4)})  # fmt: skip
    yield Entry("symbolic.PointMasses.symbols", symbolic.PointMasses.symbols, {"count": 2})
    yield Entry("symbolic.MarchenkoPastur", symbolic.MarchenkoPastur,
                {"ratio": sympy.Rational(1, 2)})  # fmt: skip
    yield Entry(
        "symbolic.VolterraEquation",
        symbolic.VolterraEquation,
        {"spectrum": symbolic.PointMasses((1, 2)), "learning_rate": 1, "ridge": 0,
         "batch_size": 1, "num_rows": 5, "sampling": "with_replacement"},
    )  # fmt: skip
    yield Entry("symbolic.activation", symbolic.activation,
                {"expression": x**2, "name": "square", "variable": x})  # fmt: skip
    yield Entry("symbolic.gaussian_expectation", symbolic.gaussian_expectation,
                {"expression": x**2, "variable": x})  # fmt: skip
    yield Entry("symbolic.hermite_expansion", symbolic.hermite_expansion,
                {"activation": x**2, "order": 2, "variable": x},
                words={"activation": ("expression",)})  # fmt: skip


def _frameworks() -> Iterator[Entry]:
    spectrum = hsgd.Spectrum([1.0, 0.5, 0.25, 0.125], [1.0, 0.2, 0.1, 0.0], 0.3)
    ef = hsgd.eigenframeworks
    common: dict[str, Any] = {"may_be_infinite": ("*",), "words": {"n": ("samples",)}}
    setting = {"spectrum": spectrum, "n": 3, "ridge": 0.1, "num_features": 5}
    yield Entry("eigenframeworks.ridge_regression", ef.ridge_regression, setting, **common)
    yield Entry("eigenframeworks.learnabilities", ef.learnabilities, setting, **common)
    yield Entry("eigenframeworks.sgd_limits", ef.sgd_limits,
                {**setting, "learning_rate": 0.2, "batch_size": 2}, **common)  # fmt: skip
    yield Entry("eigenframeworks.overfitting", ef.overfitting, {"spectrum": spectrum, "n": 4},
                **common)  # fmt: skip


def _kernels() -> Iterator[Entry]:
    kernels = hsgd.kernels
    X, y = things()["A"][:, :2], things()["b"]
    modes = kernels.gaussian_modes([1.0, 0.5], 1.0, 3)
    yield Entry("kernels.gaussian_modes", kernels.gaussian_modes,
                {"variances": np.array([1.0, 0.5]), "width": 1.0, "count": 3})  # fmt: skip
    yield Entry("kernels.hermite_modes", kernels.hermite_modes,
                {"variances": np.array([1.0, 0.5]), "level_coefficients": np.array([1.0, 0.5]),
                 "count": 3})  # fmt: skip
    yield Entry("kernels.KernelModes.functions", modes.functions, {"inputs": X})
    yield Entry("kernels.spectrum_of_target", kernels.spectrum_of_target,
                {"modes": modes, "inputs": X, "targets": y},
                words={"inputs": ("targets",), "targets": ("target_power",)})  # fmt: skip
    yield Entry("kernels.problem_of_gram", kernels.problem_of_gram,
                {"gram": X @ X.T, "targets": y, "ridge": 0.1, "test": (X[:3] @ X.T, y[:3])},
                words={"test": ("K_test", "y_test", "b_test"), "targets": ("b",)})  # fmt: skip
    yield Entry("kernels.arc_cosine", kernels.arc_cosine,
                {"inputs": X, "others": X[:2], "depth": 2, "weight_variance": 2.0,
                 "bias_variance": 0.1}, may_be_infinite=("*",))  # fmt: skip
    yield Entry("kernels.dual_coefficients", kernels.dual_coefficients,
                {"activation": "relu", "order": 3})  # fmt: skip
    yield Entry("kernels.activation_for", kernels.activation_for,
                {"kernel_coefficients": np.array([0.1, 0.2]), "name": "mine"})  # fmt: skip


def _networks() -> Iterator[Entry]:
    networks = hsgd.networks
    X, y = things()["A"][:, :2], things()["b"]
    network = networks.TwoLayer.random(6, 2, seed=0)
    yield Entry("networks.TwoLayer", networks.TwoLayer,
                {"weights": np.ones((3, 2)), "last": np.ones(3), "train_first": True,
                 "train_last": True}, words={"weights": ("last",)})  # fmt: skip
    yield Entry("networks.TwoLayer.random", networks.TwoLayer.random,
                {"width": 4, "dimension": 2, "seed": 0})  # fmt: skip
    yield Entry("networks.linearised", networks.linearised,
                {"network": network, "X": X, "y": y, "ridge": 0.1, "test": (X[:3], y[:3])},
                words={"X": ("inputs", "y", "gram", "A"),
                       "test": ("X_test", "y_test", "inputs")})  # fmt: skip


def _files() -> Iterator[Entry]:
    kept = things()
    place = Path(tempfile.mkdtemp(prefix="catalogue-"))
    dataset.save(kept["theory"], place / "theory.nc")
    yield Entry("dataset.check", dataset.check, {"dataset": kept["theory"]})
    several = hsgd.LeastSquares(np.eye(4), np.eye(4)[:, :2])
    curves = hsgd.predict(several, hsgd.SGD(0.1), TIMES)
    yield Entry("dataset.summed", dataset.summed, {"data": curves}, words={"data": ("curves",)})
    yield Entry("dataset.save", dataset.save, {"data": kept["theory"], "path": place / "a.nc"},
                words={"data": ("dataset",)})  # fmt: skip
    yield Entry("dataset.load", dataset.load, {"path": place / "theory.nc"},
                words={"path": ("file", "folder")})  # fmt: skip
    yield Entry("dataset.tree", dataset.tree,
                {"datasets": {"theory": kept["theory"]}, "title": "one"},
                words={"datasets": ("tree", "group")})  # fmt: skip
    yield Entry("dataset.time_grid", dataset.time_grid, {"time": TIMES, "per_unit": 5})
    yield Entry("dataset.write_atomically", dataset.write_atomically,
                {"path": place / "b.nc", "content": b"abc"})  # fmt: skip
    yield Entry("dataset.check_writable", dataset.check_writable, {"path": place / "b.nc"})
    yield Entry("simulate.Checkpoint", simulate.Checkpoint,
                {"folder": place / "checkpoint", "seconds": 60.0})  # fmt: skip


def _runs() -> Iterator[Entry]:
    kept = things()
    setting = {"problem": kept["problem"], "algorithm": kept["sgd"], "time": TIMES}
    words = {
        "problem": ("population", "ridge", "learning_rate", "batch_size", "A", "rows"),
        "algorithm": ("learning_rate", "batch_size", "sampling", "schedule", "time"),
        "statistics": ("statistic",),
        "checkpoint": ("folder",),
        "theory": ("times", "statistics"),
        "num_replicates": ("replicates", "run"),
        "seed": ("sweep",),
        "target_standard_error": ("sweep",),
    }
    options = {"statistics": None, "num_replicates": 2, "first_replicate": 0, "seed": 0,
               "checkpoint": None, "progress": None}  # fmt: skip
    yield Entry(
        "simulate.sgd",
        simulate.sgd,
        {**setting, **options, "engine": "reference", "dtype": "float64", "client": None,
         "target_standard_error": 0.5},
        words=words,
        not_compared=("time",),
    )  # fmt: skip
    yield Entry(
        "simulate.sgd, cpu", simulate.sgd, {**setting, "seed": 0, "engine": "cpu"}, words=words,
        not_compared=("time",),
    )  # fmt: skip
    yield Entry(
        "simulate.sgd, until precise",
        simulate.sgd,
        {**setting, "num_replicates": "auto", "seed": 0, "engine": "cpu",
         "target_standard_error": 0.5},
        words={**dict.fromkeys((*setting, "seed", "engine"), ("num_replicates",)),
               **words, "problem": ("num_replicates", *words["problem"]),
               "algorithm": ("num_replicates", *words["algorithm"]),
               "target_standard_error": ("num_replicates",)},
    )  # fmt: skip
    yield Entry(
        "simulate.sgd, fresh rows",
        simulate.sgd,
        {"problem": kept["rows"], "algorithm": kept["streaming"], "time": TIMES, "seed": 0,
         "engine": "cpu"},
        words=words,
    )  # fmt: skip
    yield Entry(
        "simulate.diffusion",
        simulate.diffusion,
        {**setting, **options, "step": None},
        words=words,
        not_compared=("time",),
    )
    yield Entry(
        "simulate.summary",
        simulate.summary,
        {"runs": kept["runs"]},
        words={"runs": ("summary",)},
    )
    yield Entry(
        "validation.compare",
        validation.compare,
        {"theory": kept["theory"], "runs": kept["runs"], "false_alarm": 0.05, "discrepancy": 0.5,
         "statistics": None, "same_algorithm": True},
        words={"theory": ("times",), "statistics": ("statistic",)},
        may_be_nan=("z_score", "skewness", "detectable_error", "relative_error"),
        may_be_infinite=("*",),
    )  # fmt: skip
    yield Entry(
        "validation.convergence",
        validation.convergence,
        {"errors": np.array([0.4, 0.2, 0.11, 0.05]), "sizes": np.array([1.0, 2.0, 4.0, 8.0])},
        words={"errors": ("sizes",), "sizes": ("errors",)},
    )
    yield Entry(
        "validation.diff",
        validation.diff,
        {"old_folder": "a", "new_folder": "b"},
        words={"old_folder": ("result", "folder"), "new_folder": ("result", "folder")},
    )
    yield Entry("validation.load", validation.load, {"folder": "a"}, words={"folder": ("result",)})


def _quietly(make: Callable[[], Any]) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def trials(entry: Entry, *, chosen: Any = None) -> Iterator[Trial]:
    """All trials of an entry; `chosen(label)` says which."""
    try:
        expected = _quietly(lambda: entry.function(**entry.good))
    except (OSError, ValueError):
        expected = None  # the good call of `diff` has no folders
    for argument, good in entry.good.items():
        for label, value in _quietly(lambda: values(nouns())).items():
            if chosen is None or chosen(f"{entry.name}/{argument}/{label}"):
                yield attempt(entry, argument, label, value)
        if not isinstance(good, np.ndarray):
            continue
        for change, same in ((DRESSINGS, True), (SPOILINGS, False)):
            for label, function in change.items():
                if chosen is not None and not chosen(f"{entry.name}/{argument}/{label}"):
                    continue
                try:
                    value = _quietly(functools.partial(function, good))
                except (ValueError, TypeError, OverflowError, IndexError):
                    continue  # nobody can make one
                compared = same and argument not in entry.not_compared
                yield attempt(entry, argument, label, value, expected if compared else None)


def main() -> int:
    """Print the table and every violation."""
    names = sys.argv[1:]
    counts: dict[str, collections.Counter[Outcome]] = {}
    bad: list[Trial] = []
    began = time.perf_counter()
    os.chdir(tempfile.mkdtemp(prefix="catalogue-"))
    for entry in entries():
        if names and not any(entry.name.startswith(name) for name in names):
            continue
        before = time.perf_counter()
        found = list(trials(entry))
        counts[entry.name] = collections.Counter(trial.outcome for trial in found)
        new = [trial for trial in found if not trial.outcome.allowed]
        bad += new
        tally = ", ".join(f"{n} {o.value}" for o, n in counts[entry.name].items())
        print(f"{entry.name:45s} {len(found):5d}  {tally} ({time.perf_counter() - before:.1f} s)",
              flush=True)  # fmt: skip
        print(*(f"    {trial}" for trial in new), sep="\n", flush=True)
    total = sum(counts.values(), collections.Counter())
    print(f"inputs tried: {total.total()} in {time.perf_counter() - began:.0f} s")
    for outcome in Outcome:
        print(f"  {outcome.value:30s} {total[outcome]}")
    return len(bad)


if __name__ == "__main__":
    sys.exit(bool(main()))
