"""Data whose matrix is not factored: against the same, factored; and other ways to store it."""

import warnings

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import aslinearoperator

import hsgd
from hsgd.problems import matrix as on_rows
from hsgd.problems.products import products_of
from hsgd.theory.spectra import matrix_free
from hsgd.theory.spectra.lanczos import Lanczos
from hsgd.theory.spectra.probes import Probes
from hsgd.theory.spectra.providers import modes

NAMES = ["empirical_risk", "population_risk", "distance"]


def data(n, d, decay, seed=0):
    rng = np.random.default_rng(seed)
    lam = np.arange(1, d + 1) ** -decay
    root = np.sqrt(lam / lam.sum())
    A, test = rng.standard_normal((n, d)) * root, rng.standard_normal((90, d)) * root
    beta = rng.standard_normal(d)
    return A, A @ beta + 0.5 * rng.standard_normal(n), (test, test @ beta)


def quiet(*args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return hsgd.predict(*args, **options)


@pytest.mark.parametrize(
    ("n", "d", "ridge", "start"),
    [(240, 80, 0.0, 0.0), (240, 80, 1.0, 0.5), (120, 180, 1.0, 0.0), (120, 180, 0.0, 0.3)],
)
@pytest.mark.parametrize(("batch", "method"), [(1, "hsgd"), (8, "discrete")])
def test_curves_are_those_of_the_factored_matrix(n, d, ridge, start, batch, method):
    """Within the error that is reported, which is two standard errors of the probes."""
    A, b, test = data(n, d, 0.7)
    x0 = start * np.random.default_rng(1).standard_normal(d)
    options = {"ridge": ridge, "x0": x0, "population": test}
    exact = hsgd.LeastSquares(A, b, **options)
    large = hsgd.LeastSquares(aslinearoperator(A), b, **options)
    sgd = hsgd.SGD(0.3 * batch**0.5, batch)
    times = hsgd.times(exact, sgd, epochs=20, num=5)
    right = quiet(exact, sgd, times, method=method, statistics=NAMES)
    found = quiet(large, sgd, times, method=method, statistics=NAMES, rtol=0.05)
    assert found.attrs["status"] == "The tolerance is met at every requested time."
    for name in NAMES:
        error = found[f"{name}_error"] + 1e-9 * right[name]
        assert (np.abs(found[name] - right[name]) < 2.5 * error).all(), name
        assert (error < 0.051 * found[name]).all(), name
        np.testing.assert_allclose(
            found[f"{name}_gradient_flow"], right[f"{name}_gradient_flow"], rtol=1e-6, atol=1e-12
        )


def test_the_reported_error_is_that_of_chance():
    """Over other random probes: about one in twenty lies beyond it, and it is no idle bound."""
    A, b, test = data(150, 120, 0.3)
    sgd, times = hsgd.SGD(1.0), [0.5, 2.0, 8.0]
    right = quiet(hsgd.LeastSquares(A, b, population=test), sgd, times, method="hsgd")
    ratios = []
    for seed in range(12):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(matrix_free, "_SEED", 1000 + seed)
            patch.setattr(matrix_free, "_NORM", 1.0)
            problem = hsgd.LeastSquares(aslinearoperator(A), b, population=test)
            found = quiet(problem, sgd, times, method="hsgd", rtol=0.5)
        ratios += [float(((found[s] - right[s]) / found[f"{s}_error"])[-1]) for s in NAMES[:2]]
    inside = np.mean(np.abs(ratios) < 1.0)
    assert 0.75 < inside <= 1.0
    assert 0.2 < np.std(ratios) < 1.0  # two standard errors are 1


def test_limits_say_what_is_left_to_chance():
    """As above, of the critical learning rate and of where the risks end."""
    A, b, test = data(150, 120, 0.3)
    sgd = hsgd.SGD(1.0)
    right = hsgd.limits(hsgd.LeastSquares(A, b, ridge=1.0, population=test), sgd, method="hsgd")
    names = ["kernel_norm", "critical_learning_rate", "limiting_empirical_risk",
             "limiting_population_risk", "excess_empirical_risk"]  # fmt: skip
    ratios = []
    for seed in range(12):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(matrix_free, "_SEED", 1000 + seed)
            patch.setattr(matrix_free, "_NORM", 1.0)
            problem = hsgd.LeastSquares(aslinearoperator(A), b, ridge=1.0, population=test)
            found = hsgd.limits(problem, sgd, method="hsgd")
        assert "condition_number" not in found
        ratios.append(
            [float((found[name] - right[name]) / found[f"{name}_error"]) for name in names]
        )
        assert abs(found.limiting_population_risk_gradient_flow_error) < 1e-12
    ratios = np.array(ratios)
    assert (np.mean(np.abs(ratios) < 1.0, axis=0) >= 0.8).all()
    assert (np.sqrt(np.mean(ratios**2, axis=0)) > 0.2).all()  # no idle bound
    beyond = hsgd.limits(problem, hsgd.SGD(1e3), method="hsgd")
    assert beyond.limiting_empirical_risk_error == np.inf
    assert beyond.critical_learning_rate_error < 0.5 * beyond.critical_learning_rate


def test_products_of_every_kind_are_one_product():
    import dask.array

    A = np.random.default_rng(0).standard_normal((37, 11))
    X, Y = np.ones((11, 3)), np.linspace(0, 1, 74).reshape(37, 2)
    kinds = (A, scipy.sparse.csr_array(A), aslinearoperator(A), dask.array.from_array(A, (8, 5)))
    for matrix in kinds:
        products = products_of(matrix)
        assert products.shape == (37, 11)
        np.testing.assert_allclose(products.forward(X), A @ X, rtol=1e-12)
        np.testing.assert_allclose(products.adjoint(Y), A.T @ Y, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(products.normal(X), A.T @ A @ X, rtol=1e-12, atol=1e-13)
        rows = np.array([3, 17, 36])
        np.testing.assert_allclose(products.gram(rows), (A @ A.T)[np.ix_(rows, rows)], atol=1e-12)
        if not hasattr(matrix, "matmat"):
            assert products.squared_norm == pytest.approx(np.sum(A * A), rel=1e-12)


@pytest.mark.parametrize("kind", ["sparse", "memory map", "dask", "operator"])
def test_every_kind_of_matrix_has_the_theory(kind, tmp_path, monkeypatch):
    import dask.array

    A, b, _ = data(200, 60, 0.5)
    exact = hsgd.LeastSquares(A, b)
    if kind == "memory map":
        np.save(tmp_path / "A.npy", A)
        matrix = np.load(tmp_path / "A.npy", mmap_mode="r")
    elif kind == "sparse":
        monkeypatch.setattr(on_rows, "LARGEST_DENSE", 0)
        matrix = scipy.sparse.csr_array(A)
    else:
        matrix = dask.array.from_array(A, (50, 60)) if kind == "dask" else aslinearoperator(A)
    problem = hsgd.LeastSquares(matrix, b)
    if kind == "memory map":
        problem.__dict__["is_factorable"] = False  # as where it does not fit
    assert not problem.is_factorable
    right = hsgd.critical_learning_rate(exact)
    # The trace is known but for an operator: then probes estimate it.
    assert hsgd.critical_learning_rate(problem) == pytest.approx(
        right, rel=0.02 if kind == "operator" else 1e-9
    )
    sgd = hsgd.SGD(0.3)
    found = hsgd.predict(problem, sgd, [0.0, 1.0, 5.0], method="hsgd")
    np.testing.assert_allclose(
        found.empirical_risk,
        hsgd.predict(exact, sgd, [0.0, 1.0, 5.0], method="hsgd").empirical_risk,
        rtol=0.02,
    )
    assert list(found.hsgd.statistics) == ["empirical_risk"] if hasattr(
        found.hsgd, "statistics") else True  # fmt: skip
    assert "settles" in hsgd.limits(problem, sgd).verdict
    judged = hsgd.diagnose(problem, sgd)
    own = hsgd.diagnose(exact, sgd)
    for name in ("kernel_norm", "curvature", "top_eigenvalue_share"):
        assert float(judged[name]) == pytest.approx(float(own[name]), rel=0.1), name
    assert "applies" in judged.verdict
    assert ("nan" in judged.verdict) is False
    steps = hsgd.steps_to_target(problem, 0.3, [1, 8]).iterations
    np.testing.assert_allclose(
        steps, hsgd.steps_to_target(exact, 0.3, [1, 8]).iterations, rtol=0.05
    )


def test_the_discrepancy_is_estimated_from_some_rows(monkeypatch):
    A, b, _ = data(250, 60, 0.5)
    sgd, times = hsgd.SGD(0.6), [0.0, 2.0, 10.0]
    right = hsgd.predict(hsgd.LeastSquares(A, b), sgd, times, method="hsgd")
    large = hsgd.LeastSquares(aslinearoperator(A), b)
    found = hsgd.predict(large, sgd, times, method="hsgd")
    name = "empirical_risk_discrepancy"
    assert float(found[name][-1]) == pytest.approx(float(right[name][-1]), rel=0.3)


@pytest.mark.slow
def test_a_cluster_gives_the_same_with_one_worker_and_with_two():
    import dask.array
    from distributed import Client, LocalCluster

    A, b, _ = data(240, 40, 0.5)
    curves = []
    for workers in (1, 2):
        with (
            LocalCluster(workers, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster),
        ):
            problem = hsgd.LeastSquares(dask.array.from_array(A, (30, 40)), b, ridge=0.5)
            curves.append(hsgd.predict(problem, hsgd.SGD(0.4), [0.0, 3.0], method="hsgd"))
    np.testing.assert_allclose(curves[0].empirical_risk, curves[1].empirical_risk, rtol=1e-12)


def test_a_gauss_rule_is_exact_for_polynomials():
    """Twice as many powers as steps; and a process that ends knows all eigenvalues it meets."""
    A, _, _ = data(60, 30, 0.5)
    H = A.T @ A
    v = np.random.default_rng(3).standard_normal((30, 2))
    for keep in (True, False):
        process = Lanczos(lambda X: H @ X, v, keep=keep)
        process.extend(6)
        for column in (0, 1):
            rule = process.rule(column)
            for power in range(12):
                moment = np.sum(process.norms[column] ** 2 * rule.first**2 * rule.nodes**power)
                right = v[:, column] @ np.linalg.matrix_power(H, power) @ v[:, column]
                assert moment == pytest.approx(right, rel=1e-10)
    whole = Lanczos(lambda X: H @ X, v, keep=True)
    whole.extend(30)
    np.testing.assert_allclose(np.sort(whole.rule(0).nodes), np.linalg.eigvalsh(H), rtol=1e-8)


def test_the_grid_of_probes_keeps_weights_and_means():
    rng = np.random.default_rng(0)
    nodes = [np.exp(rng.uniform(-8, 2, 40)) for _ in range(5)]
    weights = [rng.uniform(size=40) for _ in range(5)]
    probes = Probes.of(nodes[:3], weights[:3], weights[:3])
    probes = probes.joined(Probes.of(nodes[3:], weights[3:], weights[3:]))
    for i in range(5):
        assert probes.weights[i].sum() == pytest.approx(weights[i].sum())
        assert probes.weights[i] @ probes.nodes == pytest.approx(weights[i] @ nodes[i])
        decay = weights[i] @ np.exp(-nodes[i])
        assert probes.weights[i] @ np.exp(-probes.nodes) == pytest.approx(decay, rel=1e-4)
    groups = list(probes.without_groups())
    assert [each.count for each in groups] == [4] * 5


def test_more_probes_are_drawn_until_the_tolerance_is_met(monkeypatch):
    A, b, _ = data(300, 200, 0.2)
    problem = hsgd.LeastSquares(aslinearoperator(A), b)
    sgd, times = hsgd.SGD(1.2), [0.0, 5.0]
    loose = quiet(problem, sgd, times, method="hsgd", rtol=0.5)
    tight = quiet(problem, sgd, times, method="hsgd", rtol=0.01)
    shares = [
        float(each.empirical_risk_error[1] / each.empirical_risk[1]) for each in (loose, tight)
    ]
    assert shares[1] < 0.01
    assert shares[1] < shares[0]
    first = modes(problem)
    assert first.refined.probes.count == 2 * first.probes.count
    monkeypatch.setattr(matrix_free, "MOST_PROBES", 16)
    other = hsgd.LeastSquares(aslinearoperator(A), b)
    with pytest.warns(UserWarning, match="where rtol=1e-06 was asked for"):
        hsgd.predict(other, sgd, times, rtol=1e-6)


def test_a_statistic_of_parameters_is_refused_before_any_product(monkeypatch):
    monkeypatch.setattr(on_rows, "LARGEST_DENSE", 0)
    monkeypatch.setattr(matrix_free, "Lanczos", None)
    A, b, _ = data(50, 20, 0.5)
    problem = hsgd.LeastSquares(scipy.sparse.csr_array(A), b)
    mine = hsgd.Quadratic(np.eye(20), name="mine")
    with pytest.raises(ValueError, match="none are at hand"):
        hsgd.predict(problem, hsgd.SGD(0.1), [1.0], method="hsgd", statistics=mine)


def test_what_needs_rows_or_points_is_refused_in_a_sentence():
    import simulate

    A, b, _ = data(50, 20, 0.5)
    problem = hsgd.LeastSquares(aslinearoperator(A), b)
    assert repr(problem) == "<LeastSquares: 50 × 20 operator>"
    assert "operator" in problem._repr_html_()
    assert problem.description()["A_sha256"] != problem.replace(
        A=aslinearoperator(2 * A)).description()["A_sha256"]  # fmt: skip
    mine = hsgd.Quadratic(np.eye(20), name="mine")
    for ask, message in (
        (lambda: simulate.sgd(problem, hsgd.SGD(0.1), [0.0, 1.0], seed=0), "by its products alone"),
        (lambda: hsgd.exact_mean(problem, hsgd.SGD(0.1), [1.0]), "by its products alone"),
        (lambda: hsgd.predict(problem, hsgd.SGD(0.1), [1.0], statistics=mine), "none are at hand"),
        (lambda: problem.eigenvalues, "would need a dense copy"),
        (lambda: problem.squared_row_norms, "no norms here"),
        (lambda: hsgd.LeastSquares(aslinearoperator(A), b[:-1]), "b has 49 entries"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            ask()
