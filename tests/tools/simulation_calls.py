"""Simulations on both engines that run on any machine, and what is made of them. All recorded."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import hsgd
import simulate
import validation
from tests.tools import fingerprints, simulated_gpu
from tests.tools.settings import (
    SHORT,
    data,
    features,
    holes,
    independent_rows,
    rate,
    rows,
    schedules,
    swept,
)

ENGINES = ("reference", "cpu")
SAMPLINGS = ("with_replacement", "subset", "reshuffle", "single_shuffle")
GROWING = hsgd.Piecewise((0.8,), (2, 7))


def _runs(problem: Any, algorithm: Any, **options: Any) -> dict[str, Any]:
    """A few runs by each engine."""
    asked = {"num_replicates": 3, "first_replicate": 1, "seed": 11, **options}
    return {name: simulate.sgd(problem, algorithm, SHORT, engine=name, **asked) for name in ENGINES}


def runs_of_each_sampling() -> Any:
    problem = data()
    level = schedules(rate(problem))["cosine"]
    return {
        f"{sampling} {size}": _runs(problem, hsgd.SGD(level, size, sampling))
        for sampling in SAMPLINGS
        for size in (1, 7)
    }


def runs_of_each_schedule() -> Any:
    problem = data(ridge=0.0)
    return {
        name: _runs(problem, hsgd.SGD(schedule, GROWING))
        for name, schedule in schedules(rate(problem)).items()
    }


def runs_with_momentum() -> Any:
    problem, stream = data(), rows()
    level = rate(problem, 0.2)
    memory = (0.05, hsgd.PowerDecay(2.0, 1.0, 0.2), 0.7)
    return {
        "heavy ball": _runs(problem, hsgd.HeavyBall(level, 0.8, GROWING, "reshuffle")),
        "nesterov": _runs(problem, hsgd.Nesterov(level, 0.8)),
        "general": _runs(problem, hsgd.GeneralMomentum(level, *memory)),
        "general, streamed": _runs(stream, hsgd.GeneralMomentum(level, *memory)),
        "constant": _runs(stream, hsgd.DANA.constant(stream, rate(stream, 0.3))),
        "decaying": _runs(problem, hsgd.DANA.decaying(problem, level, 0.8)),
    }


def runs_with_rules() -> Any:
    problem, stream = data(), rows()
    return {
        "adagrad": _runs(problem, hsgd.AdaGradNorm(1.0, 0.5, 2, "subset")),
        "adagrad, streamed": _runs(stream, hsgd.AdaGradNorm(1.0, 0.5)),
        "adagrad, features": _runs(features(), hsgd.AdaGradNorm(1.0, 0.5)),
        "line search": _runs(stream, hsgd.LineSearch(0.8, GROWING)),
        "line search, diagonal": _runs(independent_rows(), hsgd.LineSearch()),
        "polyak": _runs(stream, hsgd.Polyak(hsgd.PowerDecay(1.0, 0.5))),
    }


def runs_of_streams() -> Any:
    return {
        name: _runs(problem, hsgd.StreamingSGD(hsgd.CosineDecay(level, 3.0), GROWING))
        for name, problem, level in (
            ("full", rows(), 0.3),
            ("diagonal", independent_rows(), 0.3),
            ("features", features(), 0.5),
            ("tanh", features().replace(activation="tanh"), 0.5),
            ("erf", features().replace(activation="erf", centre=False), 0.5),
        )
    }


def runs_of_sparse_rows() -> Any:
    problem = holes()
    asked = {"statistics": "empirical_risk"}
    return {
        "sgd": _runs(problem, hsgd.SGD(0.5), **asked),
        "reshuffled": _runs(problem, hsgd.SGD(0.5, GROWING, "reshuffle"), **asked),
        "momentum": _runs(problem, hsgd.HeavyBall(0.1, 0.8, 2), **asked),
        "general": _runs(problem, hsgd.GeneralMomentum(0.1, 0.05, 0.2), **asked),
        "adagrad": _runs(problem, hsgd.AdaGradNorm(1.0, 0.5), **asked),
        "distance": _runs(problem, hsgd.SGD(0.5), statistics=["distance"]),
    }


def runs_in_single_precision() -> Any:
    return {
        "data": _runs(data(), hsgd.SGD(0.5), dtype="float32"),
        "sparse": _runs(holes(), hsgd.SGD(0.5), dtype="float32", statistics="empirical_risk"),
        "stream": _runs(rows(), hsgd.StreamingSGD(0.3), dtype="float32"),
        "features": _runs(features(), hsgd.StreamingSGD(0.3), dtype="float32"),
    }


def runs_of_larger_data() -> Any:
    problem = data(500, 300)
    sgd = hsgd.SGD(rate(problem))
    return simulate.sgd(problem, sgd, SHORT, num_replicates=2, seed=3, engine="cpu")


def runs_on_a_simulated_gpu() -> Any:
    if importlib.util.find_spec("numba.cuda") is None:
        return "this Numba has no simulator"
    subprocess.run(
        [sys.executable, "-m", simulated_gpu.__name__],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "NUMBA_ENABLE_CUDASIM": "1"},
        check=True,
    )
    return {name: hsgd.dataset.load(f"{name}.nc") for name in simulated_gpu.KINDS}


def coordinates() -> Any:
    asked = ["empirical_risk", hsgd.Coordinates((0, 3, 20))]
    return {
        "data": _runs(data(), hsgd.SGD(0.5), statistics=asked),
        "stream": _runs(rows(), hsgd.StreamingSGD(0.3), statistics=hsgd.Coordinates((1, 2))),
        "diffusion": simulate.diffusion(data(), hsgd.SGD(0.5), SHORT, statistics=asked, seed=2),
    }


def diffusions() -> Any:
    problem, stream = data(), rows()
    asked = {"num_replicates": 3, "seed": 5}
    sgd = hsgd.SGD(schedules(rate(problem))["power"], GROWING, "subset")
    streaming = hsgd.StreamingSGD(rate(stream))
    return {
        "data": simulate.diffusion(problem, sgd, SHORT, **asked),
        "stream": simulate.diffusion(stream, streaming, SHORT, **asked),
        "short steps": simulate.diffusion(stream, streaming, SHORT, step=0.01, **asked),
        "wide": simulate.diffusion(data(24, 40), hsgd.SGD(0.3), SHORT, **asked),
    }


def diverging_runs() -> Any:
    asked = {"statistics": "empirical_risk"}
    return {
        "infinite": _runs(data(), hsgd.SGD(1e60), **asked),
        "growing": _runs(data(), hsgd.SGD(30.0), **asked),
        "diffusion": simulate.diffusion(data(), hsgd.SGD(200.0), SHORT, seed=1),
    }


def runs_that_are_shared_out() -> Any:
    problem, sgd = data(), hsgd.SGD(0.5)
    rates = hsgd.SGD(swept("learning_rate", [0.2, 0.5]), swept("batch_size", [1, 3]))
    asked = {"num_replicates": 4, "seed": 6, "engine": "cpu"}
    return {
        "until precise": simulate.sgd(
            problem, sgd, SHORT, num_replicates="auto", target_standard_error=0.1, seed=6
        ),
        "broadcast": simulate.sgd(problem, rates, SHORT, **asked),
        "sweep": hsgd.sweep(simulate.sgd, problem, rates, SHORT, client=False, **asked),
        "replicates": hsgd.sweep(simulate.sgd, problem, sgd, SHORT, client=False, **asked),
        "seeds": simulate.sgd(problem, sgd, SHORT, seed=np.random.SeedSequence(9).spawn(2)[1]),
        "summary": simulate.summary(simulate.sgd(problem, sgd, SHORT, **asked)),
    }


def checkpoints() -> Any:
    problem, sgd = data(), hsgd.HeavyBall(0.1, 0.5)
    often = simulate.Checkpoint("often", 0.0)
    asked = {"seed": 7, "engine": "cpu"}
    first = simulate.sgd(problem, sgd, SHORT, num_replicates=2, checkpoint=often, **asked)
    more = simulate.sgd(problem, sgd, SHORT, num_replicates=4, checkpoint=often, **asked)
    paths = simulate.diffusion(problem, hsgd.SGD(0.3), SHORT, seed=7, checkpoint="paths")
    return first, more, paths, _kept(Path("often")), _kept(Path("paths"))


def folders_of_sweeps() -> Any:
    rates = hsgd.SGD(swept("learning_rate", [0.2, 0.5]))
    hsgd.sweep(hsgd.predict, data(), rates, SHORT, client=False, folder="theory")
    hsgd.sweep(simulate.sgd, data(), rates, SHORT, client=False, folder="runs", seed=8)
    return [_kept(Path("theory")), _kept(Path("runs"))]


def _kept(folder: Path) -> dict[str, Any]:
    """What a folder holds, so that folders of before can be gone on with after."""
    found: dict[str, Any] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                found[path.name] = {name: arrays[name] for name in arrays.files}
        elif path.suffix == ".json":
            found[path.name] = json.loads(path.read_text(encoding="utf-8"))
        else:
            part = hsgd.dataset.load(path)
            members = json.loads(part.attrs.pop("members"))
            found[path.name] = part, [fingerprints.lasting(attrs) for attrs in members]
    return found


def comparisons() -> Any:
    problem, sgd = data(), hsgd.SGD(rate(data(), 0.4))
    theory, exact = hsgd.predict(problem, sgd, SHORT), hsgd.exact_mean(problem, sgd, SHORT)
    runs = simulate.sgd(problem, sgd, SHORT, num_replicates=32, seed=1, engine="cpu")
    other = hsgd.predict(problem, hsgd.SGD(rate(problem, 0.9)), SHORT)
    return {
        "theory": validation.compare(theory, runs),
        "exact": validation.compare(exact, runs, false_alarm=0.05),
        "means": validation.compare(theory, exact, discrepancy=0.5),
        "control": validation.compare(other, runs, same_algorithm=False, statistics="distance"),
        "accessor": theory.hsgd.compare(runs),
        "slope": validation.convergence([[0.4, 0.5], [0.2, 0.24], [0.11, 0.12]], [1.0, 2.0, 4.0]),
    }
