"""The rim: files, figures, command lines, cases, and the sentences of refusals. All recorded.

Each call is made in an empty folder of its own.
"""

from __future__ import annotations

import io
import os
import runpy
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any
from unittest import mock

import numpy as np

import hsgd
import simulate
import validation
import volterra
from hsgd import dataset, plotting
from tests.tools.settings import SHORT, TIMES, data, holes, rate, rows, swept


def files() -> Any:
    problem, sgd = data(), hsgd.SGD(swept("learning_rate", [0.2, 0.5]))
    theory, runs = hsgd.predict(problem, sgd, TIMES), simulate.sgd(problem, sgd, SHORT, seed=0)
    tree = dataset.tree({"theory": theory, "runs/of it": runs}, title="both")
    found: dict[str, Any] = {}
    for ending in (".nc", ".zarr"):
        for name, one in (("theory", theory), ("runs", runs)):
            found[name + ending] = dataset.load(dataset.save(one, name + ending))
        found["tree" + ending] = dataset.load_tree(dataset.save(tree, "tree" + ending))
    listed = sorted(os.path.join(home, name) for home, _, names in os.walk(".") for name in names)
    return found, listed, dataset.check(theory), dataset.time_grid(TIMES, 7)


def accessors() -> Any:
    problem, sgd = data(), hsgd.SGD(0.5)
    theory, ends = hsgd.predict(problem, sgd, TIMES), hsgd.limits(problem, sgd)
    tree = theory.hsgd.to_tree(ends, title="both", again=theory)
    theory.hsgd.save("theory.nc")
    tree.hsgd.save("tree.nc")
    return tree, repr(theory.hsgd), repr(tree.hsgd), tree.hsgd.check(), dataset.load("theory.nc")


def figures() -> Any:
    from matplotlib.image import imread

    problem, sgd = data(), hsgd.SGD(0.5)
    theory, exact = hsgd.predict(problem, sgd, TIMES), hsgd.exact_mean(problem, sgd, TIMES)
    runs = simulate.sgd(problem, sgd, TIMES, num_replicates=24, seed=0)
    rates = hsgd.SGD(swept("learning_rate", [0.1, 0.5]))
    drawn = {
        "all": (theory, runs, exact, hsgd.limits(problem, sgd)),
        "comparison": (validation.compare(theory, runs),),
        "sweep": (hsgd.predict(problem, rates, TIMES),),
        "limits": (hsgd.limits(problem, rates),),
    }
    return {name: imread(plotting.save(f"{name}.png", *ones)) for name, ones in drawn.items()}


def commands() -> Any:
    problem = data()
    held_out = problem.population
    np.savez("data.npz", A=problem.A, b=problem.b, x0=problem.x0, ridge=0.5,
             A_test=held_out.A, b_test=held_out.b)  # fmt: skip
    rows_of_it = ("data.npz", "--epochs", "3", "--num-times", "7")
    lines = (
        ("hsgd", "--help"),
        ("hsgd", "predict", "--help"),
        ("hsgd", "predict", *rows_of_it, "--fraction", "0.5", "--out", "theory.nc"),
        ("hsgd", "predict", *rows_of_it, "--fraction", "0.5", "--schedule", "cosine", "--log"),
        ("hsgd", "diagnose", "data.npz", "--learning-rate", "0.5"),
        ("hsgd", "limits", "data.npz", "--fraction", "0.5", "--method", "discrete"),
        ("hsgd", "limits", "nowhere.npz", "--fraction", "0.5"),
        ("simulate", "--help"),
        ("simulate", *rows_of_it, "--learning-rate", "0.5", "--seed", "0", "--replicates", "4",
         "--algorithm", "heavy-ball:0.5", "--out", "runs.zarr"),
        ("validation", "--help"),
        ("validation", "--list"),
        ("validation", "diff", "nowhere", "elsewhere"),
    )  # fmt: skip
    said = {" ".join(words): _said(*words) for words in lines}
    return said, dataset.load("theory.nc"), dataset.load("runs.zarr")


def cases() -> Any:
    code, _, errors = _said("validation", "formulas", "--size", "small", "--out", "a")  # has times
    known = {
        name: (case.question, case.right, case.wrong, case.sizes)
        for name, case in validation.CASES.items()
    }
    return code, errors, validation.load("a"), validation.diff("a", "a"), known


def _said(module: str, *words: str) -> tuple[Any, str, str]:
    """Exit code, output and errors of `python -m MODULE WORDS...`."""
    out, errors, code = io.StringIO(), io.StringIO(), None
    with (
        mock.patch.object(sys, "argv", [module, *words]),
        mock.patch.dict(os.environ, COLUMNS="80"),
        redirect_stdout(out),
        redirect_stderr(errors),
    ):
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code
    return code, out.getvalue(), errors.getvalue()


def refusals() -> Any:
    problem, stream, sgd = data(), rows(), hsgd.SGD(0.5)
    kernel = volterra.SumOfExponentials([1.0], [0.5])
    bad: dict[str, Callable[[], Any]] = {
        "negative rate": lambda: hsgd.SGD(-0.1),
        "no batch": lambda: hsgd.SGD(0.1, 0),
        "sampling": lambda: hsgd.predict(problem, hsgd.SGD(0.1, 1, "reshuffle"), TIMES),
        "large batch": lambda: hsgd.limits(problem, hsgd.SGD(0.1, 99, "subset")),
        "times": lambda: hsgd.predict(problem, sgd, [1.0, 0.5]),
        "method": lambda: hsgd.predict(problem, sgd, TIMES, method="modified_flow"),
        "statistic": lambda: hsgd.predict(problem, sgd, TIMES, statistics="loss"),
        "sparse": lambda: hsgd.predict(holes(), sgd, TIMES),
        "stream of data": lambda: hsgd.predict(problem, hsgd.StreamingSGD(0.1), TIMES),
        "data of a stream": lambda: simulate.sgd(stream, sgd, TIMES, seed=0),
        "only simulated": lambda: hsgd.predict(problem, hsgd.AdaGradNorm(1.0, 1.0), TIMES),
        "far too large": lambda: hsgd.predict(problem, hsgd.SGD(1e100), TIMES),
        "scheduled limit": lambda: hsgd.limits(problem, hsgd.SGD(hsgd.PowerDecay(0.1, 1.0))),
        "row basis": lambda: hsgd.exact_mean(
            problem, hsgd.SGD(lambda t: 0.1 + 0 * t), TIMES, method="row_basis"
        ),
        "nothing swept": lambda: hsgd.sweep(hsgd.limits, problem, sgd, client=False),
        "target": lambda: hsgd.steps_to_target(problem, 1e9, [1]),
        "engine": lambda: simulate.sgd(problem, sgd, TIMES, seed=0, engine="abacus"),
        "no seed": lambda: simulate.sgd(problem, sgd, TIMES, checkpoint="folder"),
        "few runs": lambda: validation.compare(
            hsgd.predict(problem, sgd, SHORT), simulate.sgd(problem, sgd, SHORT, seed=0)
        ),
        "no file": lambda: dataset.load("nowhere.nc"),
        "no curve": lambda: plotting.plot(),
        "volterra method": lambda: volterra.solve(kernel, kernel, TIMES, method="magic"),
        "wrong kernel": lambda: volterra.solve(
            np.cos, volterra.Convolution(np.cos), TIMES, method="exact"
        ),
        "rates": lambda: volterra.SumOfExponentials([-1.0], [1.0]),
        "isotropic": lambda: hsgd.isotropic.population_risk([1.0], 0.1, 1.0, signal=1, noise=1),
        "spectrum": lambda: hsgd.symbolic.VolterraEquation("flat"),
    }
    return {name: _refusal(call) for name, call in bad.items()} | {"rate": rate(problem)}


def _refusal(call: Callable[[], Any]) -> str:
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "not refused"
