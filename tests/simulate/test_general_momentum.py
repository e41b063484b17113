"""General momentum and DANA against their exact second moments, at finite d, in expectation.

For Gaussian fresh rows the moments ϱ = E u², σ = E y², χ = E u y of every mode, u = x − β, follow a
closed recursion; here it is got from the covariance of one step, not from the formula of a paper.
"""

from functools import cache

import numpy as np
import pytest
from scipy import stats

import hsgd
from hsgd.problems.gaussian_rows import GaussianRows
from simulate import sgd

D = 6
ROWS = GaussianRows(np.linspace(0.05, 0.4, D), np.linspace(-1, 1, D), 0.3, x0=np.ones(D))
ITERATIONS = np.array([1, 2, 5, 12, 30])
ALGORITHMS = {
    "constants": lambda B: hsgd.GeneralMomentum(0.3, 0.1, 0.2, 0.8, B),
    "dana constant": lambda B: hsgd.DANA.constant(ROWS, 0.4, momentum_factor=2.0, batch_size=B),
    "dana decaying": lambda B: hsgd.DANA.decaying(
        ROWS, 0.3, 1.0, forgetting_constant=3.0, batch_size=B
    ),
}


def factors(algorithm, k):
    t, schedules = k / D, algorithm.memory_schedules
    names = ("gradient_rate", "momentum_rate", "forgetting")
    first, third, forgetting = (float(schedules[name](t)) for name in names)
    return first, float(algorithm.schedule(t)), third, min(forgetting, 1.0)


def exact(algorithm, wick=1.0):
    """E of population risk and distance at ITERATIONS.

    Per mode, (u, y) ← M (u, y) + v n: M takes the mean gradient λu, and n is what a batch of B rows
    adds to it, with variance (λP + wick·λ²ϱ)/B, P = Σ λϱ + η² (Isserlis gives wick = 1).
    """
    # notation: S = second moments of (u, y), shape (D, 2, 2)
    lam, B = ROWS.covariance, algorithm.batch_size
    S = np.zeros((D, 2, 2))
    S[:, 0, 0] = (ROWS.x0 - ROWS.coefficients) ** 2
    risks, distances = [], []
    for k in range(ITERATIONS[-1] + 1):
        P = lam @ S[:, 0, 0] + ROWS.noise**2
        if k in ITERATIONS:
            risks.append(P / 2)
            distances.append(S[:, 0, 0].sum())
        g1, g2, g3, forgetting = factors(algorithm, k)
        keep = 1 - forgetting
        along = np.array([-(g2 + g3 * g1), g1])  # what a gradient does to (u, y)
        M = np.tile([[1.0, -g3 * keep], [0.0, keep]], (D, 1, 1))
        M[:, :, 0] += np.outer(lam, along)
        noise = (lam * P + wick * lam**2 * S[:, 0, 0]) / B
        S = M @ S @ M.transpose(0, 2, 1) + noise[:, None, None] * np.outer(along, along)
    return np.array(risks), np.array(distances)


def published(algorithm):
    """The same from the recursion of arXiv:2505.16098, written for means over the batch."""
    # notation: as there; w = (B+1)/B
    lam, B = ROWS.covariance, algorithm.batch_size
    w = (B + 1) / B
    rho = (ROWS.x0 - ROWS.coefficients) ** 2
    sigma, chi, risks = np.zeros(D), np.zeros(D), []
    for k in range(ITERATIONS[-1] + 1):
        P = lam @ rho + ROWS.noise**2
        if k in ITERATIONS:
            risks.append(P / 2)
        g1, g2, g3, delta = factors(algorithm, k)
        c = g2 + g1 * g3
        rho, sigma, chi = (
            rho
            + (-2 * c * lam + w * c**2 * lam**2) * rho
            + g3**2 * (1 - delta) ** 2 * sigma
            + (-2 * g3 * (1 - delta) + 2 * (g2 * g3 + g3**2 * g1) * (1 - delta) * lam) * chi
            + c**2 * lam * P / B,
            sigma
            + w * g1**2 * lam**2 * rho
            + (-2 * delta + delta**2) * sigma
            + 2 * g1 * lam * (1 - delta) * chi
            + g1**2 * lam * P / B,
            chi
            + (g1 * lam - w * lam**2 * (g1 * g2 + g1**2 * g3)) * rho
            + (-g3 + g3 * delta * (2 - delta)) * sigma
            + (-delta - (g2 - g2 * delta + 2 * (1 - delta) * g1 * g3) * lam) * chi
            - (g1 * g2 + g1**2 * g3) * lam * P / B,
        )
    return np.array(risks)


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_two_ways_to_write_the_recursion_agree(name, batch_size):
    algorithm = ALGORITHMS[name](batch_size)
    np.testing.assert_allclose(exact(algorithm)[0], published(algorithm), rtol=1e-12)


FALSE_ALARM = 1e-4
LIMIT = stats.norm.isf(FALSE_ALARM / (2 * 2 * len(ITERATIONS)))
NUM_RUNS = 3000


@cache
def runs_of(name, batch_size):
    algorithm = ALGORITHMS[name](batch_size)
    return sgd(ROWS, algorithm, ITERATIONS / D, num_replicates=NUM_RUNS, seed=0)


def largest_z_score(runs, expected):
    scores = []
    for values, mean in zip((runs.population_risk, runs.distance), expected, strict=True):
        error = values.std("replicate", ddof=1) / np.sqrt(NUM_RUNS)
        scores.append(np.abs((values.mean("replicate") - mean) / error).max())
    return float(max(scores))


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_momentum_has_the_exact_second_moments(name, batch_size):
    expected = exact(ALGORITHMS[name](batch_size))
    assert largest_z_score(runs_of(name, batch_size), expected) < LIMIT


@pytest.mark.parametrize("wrong", ["memory", "batch", "moments"])
def test_the_test_rejects_what_is_a_little_wrong(wrong):
    other = {
        "memory": hsgd.GeneralMomentum(0.3, 0.1, 0.3, 0.8),
        "batch": hsgd.GeneralMomentum(0.3, 0.1, 0.2, 0.8, 2),
        "moments": hsgd.GeneralMomentum(0.3, 0.1, 0.2, 0.8),
    }[wrong]
    expected = exact(other, wick=0.0 if wrong == "moments" else 1.0)
    assert largest_z_score(runs_of("constants", 1), expected) > LIMIT


def test_dana_has_the_factors_of_its_paper():
    k = np.arange(50)
    constant = hsgd.DANA.constant(ROWS, 0.4, momentum_factor=2.0, forgetting_constant=3.0)
    decaying = hsgd.DANA.decaying(ROWS, 0.4, 0.75, momentum_factor=0.5)
    for algorithm, third, c in (
        (constant, np.full(50, 2 * 0.4 / D), 3.0),
        (decaying, 0.5 * 0.4 * (1 + k) ** (-1 / 1.5), 4.0),
    ):
        found = algorithm.memory_schedules
        np.testing.assert_allclose(found["momentum_rate"](k / D), third, rtol=1e-12)
        np.testing.assert_allclose(found["forgetting"](k / D), c / (1 + k), rtol=1e-12)
        np.testing.assert_array_equal(found["gradient_rate"](k / D), 1.0)
        np.testing.assert_array_equal(algorithm.schedule(k / D), 0.4)


def written_out(A, b, rate, count, *, momentum, dampening=0.0, nesterov=False):
    """Full-batch gradient descent with PyTorch's momentum, as its documentation writes it."""
    n, x, v, risks = len(b), np.zeros(A.shape[1]), 0.0, []
    for k in range(count):
        risks.append(0.5 * np.mean((A @ x - b) ** 2))
        g = A.T @ (A @ x - b) / n
        v = momentum * v + (1 - dampening) * g
        x = x - rate(k / n) * (g + momentum * v if nesterov else v)
    return np.array(risks)


RATES = {
    "constant": lambda t: 0.05 + 0.0 * np.asarray(t),
    "falling": lambda t: 0.1 / (1 + np.asarray(t)),
    "a jump": lambda t: np.where(np.asarray(t) < 1.5, 0.1, 0.01),
}


def full_batch(algorithm, count):
    A = np.random.default_rng(0).standard_normal((6, 4))
    problem = hsgd.LeastSquares(A, A.sum(axis=1) + 0.3)
    runs = sgd(problem, algorithm, np.arange(count) / 6, seed=0, statistics="empirical_risk")
    return problem, runs.empirical_risk.values.ravel()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("more", [{}, {"nesterov": True}, {"dampening": 0.3}])
def test_momentum_as_pytorch_has_it(rate, more):
    pytorch = hsgd.GeneralMomentum.pytorch(
        RATES[rate], 0.9, batch_size=6, sampling="subset", **more
    )
    problem, found = full_batch(pytorch, 31)
    right = written_out(problem.A, problem.b, RATES[rate], 31, momentum=0.9, **more)
    np.testing.assert_allclose(found, right, rtol=1e-12)


def test_ours_differ_from_pytorchs_where_the_docs_say_so():
    """Heavy ball with a schedule, and Nesterov's at any rate; at a constant rate heavy ball not."""
    share = {"batch_size": 6, "sampling": "subset"}
    _, ours = full_batch(hsgd.HeavyBall(0.05, 0.9, **share), 31)
    _, theirs = full_batch(hsgd.GeneralMomentum.pytorch(0.05, 0.9, **share), 31)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    _, ours = full_batch(hsgd.HeavyBall(RATES["a jump"], 0.9, **share), 31)
    _, theirs = full_batch(hsgd.GeneralMomentum.pytorch(RATES["a jump"], 0.9, **share), 31)
    assert np.max(np.abs(ours / theirs - 1)) > 0.2
    _, ours = full_batch(hsgd.Nesterov(0.05, 0.9, **share), 31)
    nesterov = hsgd.GeneralMomentum.pytorch(0.05, 0.9, nesterov=True, **share)
    _, theirs = full_batch(nesterov, 31)
    assert np.max(np.abs(ours / theirs - 1)) > 0.05


@pytest.mark.parametrize("nesterov", [False, True])
def test_against_pytorch_itself(nesterov):
    torch = pytest.importorskip("torch")
    pytorch = hsgd.GeneralMomentum.pytorch(
        0.05, 0.9, nesterov=nesterov, batch_size=6, sampling="subset"
    )
    problem, found = full_batch(pytorch, 31)
    A, b = torch.tensor(problem.A.copy()), torch.tensor(problem.b.copy())
    x = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimiser, risks = torch.optim.SGD([x], lr=0.05, momentum=0.9, nesterov=nesterov), []
    for _ in range(31):
        optimiser.zero_grad()
        risk = 0.5 * torch.mean((A @ x - b) ** 2)
        risks.append(float(risk.detach()))
        risk.backward()
        optimiser.step()
    np.testing.assert_allclose(found, risks, rtol=1e-12)


@pytest.mark.parametrize(
    ("more", "words"),
    [({"momentum": 1.0}, "below 1"), ({"momentum": 0.5, "dampening": 2.0}, "at most 1"),
     ({"momentum": 0.5, "dampening": 0.5, "nesterov": True}, "without dampening")],
)  # fmt: skip
def test_pytorchs_momentum_out_of_range(more, words):
    with pytest.raises(ValueError, match=words):
        hsgd.GeneralMomentum.pytorch(0.1, **more)
