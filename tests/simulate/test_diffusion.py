"""Paths of the diffusion: their mean is the Volterra solution, at every time, on ten problems.

The theory is called here, in the tests: the simulation cannot see it.
"""

import warnings

import numpy as np
import pytest
from scipy import stats

import hsgd
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.schedules import CosineDecay, Piecewise
from simulate import diffusion, paths
from volterra import SumOfExponentials, solve

TIMES = np.array([0.05, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0])
REPLICATES = 3000
FALSE_ALARM = 1e-3  # of all ten problems together


def rows(n, d, power=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) * np.arange(1, d + 1) ** -power / np.sqrt(d)


def data(n, d, *, power=0.0, ridge=0.0, noise=0.3, start=0.0):
    rng = np.random.default_rng(n + d)
    A = rows(n, d, power)
    b = A @ rng.standard_normal(d) + noise * rng.standard_normal(n)
    return LeastSquares(A, b, ridge=ridge, x0=start * rng.standard_normal(d))


DATA = {
    "tall": (data(60, 30), SGD(0.8)),
    "tall, ridge": (data(60, 30, ridge=0.5), SGD(1.0)),
    "wide": (data(30, 60, start=0.5), SGD(0.5)),
    "wide, ridge": (data(30, 60, ridge=0.2, start=0.5), SGD(0.5)),
    "power law": (data(60, 30, power=0.5), SGD(1.5)),
    "batches": (data(60, 30), SGD(2.0, 4)),
    "subsets": (data(60, 30, ridge=0.1), SGD(3.0, 20, "subset")),
    "cosine": (data(60, 30), SGD(CosineDecay(1.2, 3.0, 0.1))),
    "jump": (data(60, 30), SGD(Piecewise((1.23,), (1.0, 0.2)))),
}


def theory_of(problem, algorithm, times=TIMES):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that real SGD would differ at these sizes
        return hsgd.predict(problem, algorithm, times, method="hsgd")


CRITICAL = stats.norm.isf(FALSE_ALARM / (2 * 10 * len(TIMES)))


def largest_z_score(problem, algorithm, name, expected, **options):
    found = diffusion(
        problem, algorithm, TIMES, statistics=name, num_replicates=REPLICATES, seed=0, **options
    )[name].values
    error = found.std(axis=1, ddof=1) / np.sqrt(REPLICATES)
    return np.abs((found.mean(axis=1) - expected) / error).max()


@pytest.mark.parametrize("case", DATA)
def test_the_mean_on_data_is_the_volterra_solution(case):
    problem, algorithm = DATA[case]
    theory = theory_of(problem, algorithm).empirical_risk.values
    assert largest_z_score(problem, algorithm, "empirical_risk", theory) < CRITICAL


STREAM = GaussianRows(np.linspace(0.2, 1.8, 30) / 30, np.linspace(-1, 1, 30), 0.4)


def streaming_risk(problem, gamma, batch_size):
    """R(t) = F(t) + ∫ γ² (d/B) Σ λ² e^{−2γdλ(t−s)} R(s) ds, by the solver."""
    # notation: lam = Σ's eigenvalues, z = x0 − β
    lam, z, d = problem.covariance, problem.x0 - problem.coefficients, problem.dimension
    forcing = SumOfExponentials(2 * gamma * d * lam, 0.5 * lam * z**2, 0.5 * problem.noise**2)
    kernel = SumOfExponentials(2 * gamma * d * lam, gamma**2 * d / batch_size * lam**2)
    return solve(forcing, kernel, np.rint(TIMES * d) / d).y


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_mean_on_fresh_rows_is_the_volterra_solution(batch_size):
    expected = streaming_risk(STREAM, 0.7, batch_size)
    algorithm = StreamingSGD(0.7, batch_size)
    assert largest_z_score(STREAM, algorithm, "population_risk", expected) < CRITICAL


def test_a_ridge_on_fresh_rows_moves_the_end_and_speeds_it_up():
    """Without noise, for so large are the batches: x' = −γd(λ(x−β) + ridge·x) in every mode."""
    # notation: lam = Σ's eigenvalues
    lam, beta, x0 = np.array([0.0, 0.02, 0.1, 0.4]), np.arange(1.0, 5.0), np.full(4, -1.0)
    problem = GaussianRows(lam, beta, 0.3, ridge=0.05, x0=x0)
    single = [hsgd.Quadratic(np.zeros((4, 4)), np.eye(4)[j], name=f"x{j}") for j in range(4)]
    algorithm, times = StreamingSGD(0.7, 10**14), np.array([0.5, 2.0])
    paths_found = diffusion(problem, algorithm, times, statistics=single, seed=0)
    end = lam * beta / (lam + 0.05)
    expected = end + (x0 - end) * np.exp(-0.7 * 4 * (lam + 0.05) * times[:, None])
    found = np.stack([paths_found[f"x{j}"].values[:, 0] for j in range(4)], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_dense_covariance_is_the_same_in_its_own_basis():
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((30, 30)))[0]
    dense = GaussianRows(
        (basis * STREAM.covariance) @ basis.T, basis @ STREAM.coefficients, STREAM.noise
    )
    expected = streaming_risk(STREAM, 0.7, 1)
    assert largest_z_score(dense, StreamingSGD(0.7), "population_risk", expected) < CRITICAL


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize("case", ["tall", "wide, ridge", "batches"])
def test_a_wrong_noise_factor_is_rejected(monkeypatch, case, factor):
    problem, algorithm = DATA[case]
    theory = theory_of(problem, algorithm).empirical_risk.values
    steps = paths._steps

    def wrong(*arguments):
        made = steps(*arguments)
        return made | {"noises": factor * made["noises"]}

    monkeypatch.setattr(paths, "_steps", wrong)
    assert largest_z_score(problem, algorithm, "empirical_risk", theory) > CRITICAL


def test_the_mean_is_second_order_in_the_step():
    # Halving a step that is far too long takes more than half of the error away.
    problem, algorithm = DATA["tall"]
    theory = theory_of(problem, algorithm, TIMES[3:]).empirical_risk.values
    errors = []
    for step in (0.5, 0.25):
        found = diffusion(
            problem, algorithm, TIMES[3:], statistics="empirical_risk", num_replicates=10_000,
            seed=1, step=step,
        )  # fmt: skip
        errors.append(np.abs(found.empirical_risk.mean("replicate").values / theory - 1).max())
    assert errors[1] < 0.5 * errors[0]


@pytest.mark.parametrize(
    ("algorithm", "times", "fastest"),
    [
        (SGD(0.8), TIMES, 0.8),
        (SGD(CosineDecay(1.2, 3.0, 0.1)), [3.0], 1.2),
        (SGD(lambda t: 0.1 + 0.4 * t), [3.0], 1.3),
    ],
)
def test_no_mode_relaxes_by_more_than_a_tenth_in_a_step(algorithm, times, fastest):
    """By default; a schedule may be higher at the ends of an interval than in its middle."""
    problem = DATA["tall, ridge"][0]
    stiffest = np.linalg.norm(problem.A, 2) ** 2 + problem.ridge
    longest = diffusion(problem, algorithm, times, seed=0).attrs["longest_step"]
    assert fastest * stiffest * longest <= 0.1 * (1 + 1e-12)


@pytest.mark.parametrize(
    "algorithm", [SGD(Piecewise((0.25,), (0.5, 0.1))), SGD(0.5, Piecewise((0.25,), (1, 5)))]
)
def test_steps_end_where_the_rate_or_the_batch_jumps(algorithm):
    """So a record at the jump changes no step: the path at the end is the same one."""
    problem, asked = DATA["tall"][0], {"statistics": "distance", "seed": 0, "step": 9.0}
    alone, together, other = (
        float(diffusion(problem, algorithm, times, **asked).distance[-1, 0])
        for times in ([1.0], [0.25, 1.0], [0.5, 1.0])
    )
    assert alone == pytest.approx(together, rel=1e-12)
    assert alone != pytest.approx(other, rel=1e-3)  # the control


def test_deterministic_without_a_rate_and_exact_without_noise():
    problem, _ = DATA["wide, ridge"]
    still = diffusion(problem, SGD(0.0), TIMES, num_replicates=2, seed=0).distance.values
    assert np.ptp(still) <= 1e-12 * still.max()
    # A full batch without replacement has no noise: gradient flow, whatever the step.
    theory = theory_of(problem, SGD(0.5))
    flow = diffusion(problem, SGD(0.5, 30, "subset"), TIMES, seed=0, step=1.0)
    for name in ("empirical_risk", "distance"):
        expected = theory[f"{name}_gradient_flow"].values
        np.testing.assert_allclose(flow[name].values[:, 0], expected, rtol=1e-9)


def test_paths_are_reproducible_and_labelled(tmp_path, monkeypatch):
    problem, algorithm = DATA["tall"]
    whole = diffusion(problem, algorithm, TIMES, num_replicates=3, seed=1)
    assert hsgd.dataset.check(whole) is None
    assert whole.attrs["source"] == "diffusion"
    assert whole.attrs["longest_step"] > 0
    monkeypatch.setenv("NUMBA_NUM_THREADS", "3")
    part = diffusion(
        problem, algorithm, TIMES, first_replicate=2, seed=1, checkpoint=tmp_path / "saved"
    )
    assert (part.distance.values[:, 0] == whole.distance.values[:, 2]).all()


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"problem": np.eye(2)}, TypeError, "LeastSquares"),
        ({"algorithm": SGD(0.5, 2, "reshuffle")}, ValueError, "independent batches"),
        ({"step": 0.0}, ValueError, "step"),
        ({"step": 1e-12}, ValueError, "pass a longer step"),
        ({"problem": STREAM}, TypeError, "StreamingSGD"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(changes, kind, words):
    problem, algorithm = DATA["tall"]
    asked = {"problem": problem, "algorithm": algorithm, "time": TIMES, "seed": 0}
    with pytest.raises(kind, match=words) as caught:
        diffusion(**(asked | changes))
    assert str(caught.value).endswith(".")
