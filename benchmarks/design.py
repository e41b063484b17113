"""Designed schedules: how much worse the usual ones are, and whether the certificate holds.

Percent of the final risk, against the schedule that `hsgd.optimal_schedule` finds under a cap of
0.98 of critical (0.8 where runs are made). The last rows hold random schedules against the
certificate, the order of schedules against runs, and the decay of a power law against its limit.
About ten minutes.
"""

import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from _records import Figure, fixed, main

import hsgd
import simulate
from hsgd.theory.design.certificate import certificate, closed_form_bound
from hsgd.theory.design.optimum import PIECES
from hsgd.theory.design.pieces import Pieces, cut, exact_homogenized_value, polished
from hsgd.theory.design.setting import Setting, prepared
from hsgd.theory.design.totals import best_total
from validation import data
from validation.features import random_features

FREE = 0.98


def isotropic(noise: float) -> hsgd.LeastSquares:
    """400 rows of 200 columns, known population."""
    teacher = np.random.default_rng(1).normal(size=200)
    return hsgd.GaussianRows(np.full(200, 1 / 200), teacher, noise).sample(400, 0)


def power(target: float, noise: float, d: int = 300) -> hsgd.GaussianRows:
    """λ_j ~ j^−1.5, target power ~ j^−(1.5·target+1), of total 1."""
    j = np.arange(1.0, d + 1.0)
    share = j ** -(1.5 * target + 1.0)
    return hsgd.Spectrum(j**-1.5, share / share.sum(), noise).rows()


def digits() -> hsgd.LeastSquares:
    """400 random features of 1,200 digits, 500 others held out."""
    split = data.digits(1700, seed=0)
    features, _ = random_features(split.inputs[:1200], split.inputs[1200:], 400, seed=1)
    held_out = random_features(split.inputs[:1200], split.inputs[1200:], 400, seed=1)[1]
    population = held_out, split.targets[1200:]
    return hsgd.LeastSquares(features, split.targets[:1200], ridge=0.01, population=population)


PROBLEMS: dict[str, tuple[Any, float, str]] = {
    "isotropic, noise 0.1": (isotropic(0.1), 10.0, "passes"),
    "isotropic, noise 0.5": (isotropic(0.5), 10.0, "passes"),
    "isotropic, noise 1": (isotropic(1.0), 10.0, "passes"),
    "power, easy target": (power(1.0, 0.5), 6000, "iterations"),
    "power, hard target": (power(0.2, 0.5), 6000, "iterations"),
    "power, hard, noise 0.05": (power(0.2, 0.05), 6000, "iterations"),
    "digits": (digits(), 10.0, "passes"),
}


def measure(schedules: int = 10_000, spectra: int = 50, replicates: int = 300) -> Iterator[Figure]:
    """Losses, gaps, seconds, and how often what was claimed is so."""
    warnings.simplefilter("ignore", UserWarning)
    for name, (problem, budget, unit) in PROBLEMS.items():
        yield from losses(name, problem, budget, unit)
    yield from falsified(schedules)
    yield from orders(spectra)
    yield from slopes()
    yield from recommended(replicates)


def losses(name: str, problem: Any, budget: float, unit: str) -> Iterator[Figure]:
    """The table of one problem."""
    best = hsgd.optimal_schedule(problem, budget, unit=unit, cap=FREE, accuracy=None)
    value = float(best.optimal_value)
    yield fixed(f"{name} / optimum", value, "", better="")
    for family, loss in zip(best.family.values, best.family_loss.values, strict=True):
        yield fixed(f"{name} / {family}", 100 * float(loss), "%", better="")
    yield fixed(f"{name} / largest rate over critical",
                float(best.piece_learning_rate.max() / best.stable_learning_rate), "",
                better="")  # fmt: skip
    setting = prepared(problem, None, budget, unit, None, FREE)
    began = time.perf_counter()
    programme = best_total(setting.goal, setting.log_cap)
    solved = time.perf_counter()
    bound = certificate(setting.goal, programme, setting.log_cap, 0.01)
    done = time.perf_counter()
    yield fixed(f"{name} / programme over optimum", 100 * (programme.value / value - 1), "%", "")
    yield fixed(f"{name} / gap of the programme", 100 * (1 - bound.bound / programme.value), "%")
    closed = closed_form_bound(setting.goal, setting.log_cap) / programme.value
    yield fixed(f"{name} / gap of the closed form", 100 * (1 - closed), "%", "")
    yield fixed(f"{name} / programme", solved - began, "s")
    yield fixed(f"{name} / programme and certificate", done - began, "s")
    starts = list(_from_five_starts(setting, programme))
    yield fixed(f"{name} / best of five starts", 100 * (min(starts) / value - 1), "%", "")
    yield fixed(f"{name} / worst of five starts", 100 * (max(starts) / value - 1), "%", "")
    for count in (2, 3, 5, 10, 20):
        few = polished(setting.goal, cut(setting.goal, programme, count), setting.cap)[1]
        yield fixed(f"{name} / {count} pieces", 100 * (few / value - 1), "%", "")


def _from_five_starts(setting: Setting, programme: Any) -> Iterator[float]:
    edges = cut(setting.goal, programme, PIECES).edges
    done = edges[:-1] / edges[-1]
    random = np.random.default_rng(0)
    for rates in (
        cut(setting.goal, programme, PIECES).rates,
        np.full(len(done), 0.2 * setting.cap),
        0.5 * setting.cap * (1.0 - done),
        0.5 * setting.cap / (1.0 + 10.0 * done),
        0.1 * setting.cap * np.exp(random.normal(size=len(done))),
    ):
        yield polished(setting.goal, Pieces(edges, np.asarray(rates)), setting.cap)[1]


def falsified(schedules: int) -> Iterator[Figure]:
    """Random schedules, and the optimum shaken, against the certificate: how near they come."""
    generator, d = np.random.default_rng(7), 30
    population = hsgd.GaussianRows(
        np.arange(1.0, d + 1) ** -1.0 / 3, generator.normal(size=d), 0.4,
        ridge=0.003, x0=generator.normal(size=d),
    )  # fmt: skip
    rows = population.replace(ridge=0.0).sample(60, 0).replace(ridge=0.5)
    cases = {
        "stream": (population, None),
        "data": (rows, None),
        "data, distance": (rows, "distance"),
    }
    for name, (problem, statistic) in cases.items():
        it = prepared(problem, None, 600, "iterations", statistic, 0.8)
        best = best_total(it.goal, it.log_cap)
        bound = certificate(it.goal, best, it.log_cap, 0.01).bound
        found = cut(it.goal, best, 600)
        values = []
        for number in range(schedules // len(cases)):
            walk = np.cumsum(generator.normal(size=len(found.rates))) / 8
            if number % 2:  # anything
                tilt = generator.normal() * np.linspace(-2, 2, len(walk))
                rates = it.cap * np.exp(walk + tilt - 2 * np.abs(generator.normal()))
            else:  # near the best
                rates = found.rates * np.exp(generator.uniform(0, 0.3) * walk)
            shaken = np.minimum(rates, it.cap)
            values.append(exact_homogenized_value(it.goal, found.edges, shaken))
        below = int(np.sum(np.array(values) < bound))
        yield fixed(f"certificate, {name} / schedules", len(values), "", "")
        yield fixed(f"certificate, {name} / below it", below, "")
        yield fixed(
            f"certificate, {name} / least above it", 100 * (min(values) / bound - 1), "%", ""
        )


def orders(spectra: int) -> Iterator[Figure]:
    """Random spectra: whether the optimum is below every usual schedule, also in runs."""
    beaten = compared = confirmed = against = 0
    for seed in range(spectra):
        generator = np.random.default_rng([11, seed])
        d = int(generator.integers(20, 80))
        lam = np.exp(generator.normal(size=d) * generator.uniform(0, 2)) / d
        share = np.exp(generator.normal(size=d) * generator.uniform(0, 2))
        noise = float(10 ** generator.uniform(-1, 0))
        rows = hsgd.Spectrum(lam, share / share.sum(), noise).rows()
        iterations = int(10 ** generator.uniform(2.5, 3.5))
        best = hsgd.optimal_schedule(rows, iterations, unit="iterations", accuracy=None)
        beaten += bool((best.family_loss > 0).all())
        end = [iterations / rows.dimension]
        runs = {
            name: simulate.sgd(
                rows, hsgd.StreamingSGD(schedule), end, num_replicates=400, seed=seed,
                progress=False,
            ).population_risk.values[0]
            for name, schedule in _rivals(best, end[0])
        }  # fmt: skip
        for name, loss in zip(best.family.values, best.family_loss.values, strict=True):
            if loss > 0.01 and name in runs:
                apart = runs[name].mean() - runs["best"].mean()
                error = np.hypot(*(one.std() / 20.0 for one in (runs[name], runs["best"])))
                compared += 1
                confirmed += bool(apart > 2.33 * error)
                against += bool(apart < -2.33 * error)
    yield fixed("random spectra / all usual schedules beaten", beaten, f"of {spectra}", "higher")
    yield fixed("random spectra / differences above 1%", compared, "", "")
    yield fixed(
        "random spectra / confirmed by runs at 99%", 100 * confirmed / compared, "%", "higher"
    )
    yield fixed("random spectra / refuted by runs at 99%", 100 * against / compared, "%")


def _rivals(best: Any, end: float) -> Iterator[tuple[str, hsgd.Schedule]]:
    """Those that have a schedule of the package's own or are easily written."""
    peak = dict(zip(best.family.values, best.family_learning_rate.values.tolist(), strict=True))
    shape = dict(zip(best.family.values, best.family_shape.values.tolist(), strict=True))
    yield "best", hsgd.schedule_of(best)
    yield "constant", hsgd.Constant(peak["constant"])
    yield "cosine", hsgd.CosineDecay(peak["cosine"], end)
    yield "linear", hsgd.FromFunction(lambda t: peak["linear"] * np.maximum(0.0, 1.0 - t / end))
    tail = shape["stable_then_linear"]
    yield (
        "stable_then_linear",
        hsgd.FromFunction(
            lambda t: peak["stable_then_linear"] * np.clip((1.0 - t / end) / tail, 0.0, 1.0)
        ),
    )


def slopes() -> Iterator[Figure]:
    """Slope of log rate against log(1 − done) at the optimum of a power law; the limit is 2."""
    problem = power(1.0, 0.5, d=1500)
    for iterations in (10**4, 10**5, 10**6):
        it = prepared(problem, None, iterations, "iterations", None, FREE)
        began = time.perf_counter()
        best = best_total(it.goal, it.log_cap)
        seconds = time.perf_counter() - began
        x = best.solution.log_rates
        spent = np.append(0.0, np.cumsum(np.diff(best.total * best.edges) * np.exp(-x)))
        left = 1.0 - 0.5 * (spent[1:] + spent[:-1]) / spent[-1]
        chosen = (left <= 0.9) & (left >= 0.5)
        slope = np.polyfit(np.log(left[chosen]), x[chosen], 1)[0]
        yield fixed(f"power law, {iterations} iterations / slope", slope, "", "")
        yield fixed(f"power law, {iterations} iterations / programme", seconds, "s")


def recommended(replicates: int) -> Iterator[Figure]:
    """Of a thousand eigenvalues, seconds; of digits, runs of what is recommended."""
    rows = hsgd.Spectrum.power_law(1000, 1.2, 1.5, noise=0.3).rows()
    for accuracy, words in ((0.01, "with"), (None, "without")):
        began = time.perf_counter()
        hsgd.recommend(rows, 10_000, unit="rows", accuracy=accuracy)
        yield fixed(f"recommend, 1,000 eigenvalues / {words} certificate",
                    time.perf_counter() - began, "s")  # fmt: skip
    problem = PROBLEMS["digits"][0]
    found = hsgd.recommend(problem, 10, batch_cost=0.01)
    size = int(found.recommended_batch_size)
    rate = hsgd.optimal_learning_rate(problem, 10, algorithm=hsgd.SGD(0.0, size))
    end = [float(found.time[-1])]
    for name, schedule in (("recommended", hsgd.schedule_of(found)), ("best constant", rate)):
        sgd = hsgd.SGD(schedule, size)
        predicted = float(hsgd.predict(problem, sgd, end).population_risk[0])
        runs = simulate.sgd(
            problem, sgd, end, statistics="population_risk", num_replicates=replicates, seed=3,
            progress=False,
        ).population_risk.values[0]  # fmt: skip
        yield fixed(f"digits, {name} / held-out risk of runs", runs.mean(), "", "")
        yield fixed(
            f"digits, {name} / theory over runs", 100 * (predicted / runs.mean() - 1), "%", ""
        )
        error = runs.std() / len(runs) ** 0.5 / runs.mean()
        yield fixed(f"digits, {name} / standard error of runs", 100 * error, "%", "")


if __name__ == "__main__":
    main(measure)
