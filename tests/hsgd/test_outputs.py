"""Several outputs: each is a problem of its own, and a sampled row moves all of them at once."""

import numpy as np
import pandas
import pytest
import xarray as xr
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression, RidgeClassifier

import hsgd
import simulate
import validation

RNG = np.random.default_rng(0)
N, D, K = 40, 12, 3
A = RNG.standard_normal((N, D)) / D**0.5
Y = A @ RNG.standard_normal((D, K)) + [0.1, 0.5, 1.0] * RNG.standard_normal((N, K))
TIME = np.array([0.0, 0.2, 1.0, 4.0])
SGD = hsgd.SGD(0.2)


@pytest.fixture(scope="module")
def problem():
    start = np.arange(D * K).reshape(D, K) / 10
    held_out = A[:7] + 0.3, Y[:7]
    return hsgd.LeastSquares(A, Y, ridge=0.1, x0=start, population=held_out, outputs="abc")


def single(problem, index):
    """The problem of an output, made by hand."""
    return hsgd.LeastSquares(
        A, Y[:, index], ridge=0.1, x0=problem.x0[:, index],
        population=(problem.population.A, problem.population.b[:, index]),
    )  # fmt: skip


RUNS = {"num_replicates": 3, "seed": 5, "engine": "reference"}


@pytest.mark.parametrize(
    "verb",
    [
        lambda p: hsgd.predict(p, SGD, TIME),
        lambda p: hsgd.exact_mean(p, SGD, TIME),
        lambda p: hsgd.limits(p, SGD),
        lambda p: simulate.sgd(p, SGD, TIME, **RUNS),
        lambda p: simulate.sgd(p, hsgd.Nesterov(0.2, 0.5, batch_size=4), TIME, **RUNS),
    ],
)
def test_each_output_is_the_problem_of_its_own_column(problem, verb):
    together = verb(problem)
    assert together.output.values.tolist() == ["a", "b", "c"]
    for index, name in enumerate("abc"):
        alone = verb(single(problem, index))
        for variable in alone.data_vars:
            found = together[variable].sel(output=name).values
            np.testing.assert_array_equal(found, alone[variable].values, err_msg=variable)


def test_the_data_are_decomposed_once(problem):
    hsgd.predict(problem, SGD, TIME)
    assert problem.output("a") is problem.output("a")
    assert problem.output("a").svd is problem.output("c").svd
    np.testing.assert_array_equal(problem.solution[:, 1], problem.output("b").solution)
    assert hsgd.critical_learning_rate(problem) == hsgd.critical_learning_rate(problem.output("a"))
    # So is a covariance, and other targets have names of their own.
    dense = np.eye(4) + 0.1
    rows = hsgd.GaussianRows(dense, np.ones((4, 2)))
    assert rows.output(0).spectrum[1] is rows.output(1).spectrum[1]
    assert problem.replace(b=Y[:, :2], x0=None, population=None).outputs == (0, 1)


def test_a_run_of_all_outputs_is_the_loop_that_is_written_for_a_matrix(problem):
    """Mean and spread of the sum: rows that are not shared would make the spread too small."""
    risks, last = [], int(TIME[-1] * N)
    for seed in range(400):
        generator, W = np.random.default_rng(seed), problem.x0.copy()
        for row in generator.integers(0, N, last):
            W -= 0.2 * (np.outer(A[row], A[row] @ W - Y[row]) + 0.1 / N * W)
        risks.append(((A @ W - Y) ** 2).sum() / (2 * N))
    runs = simulate.sgd(problem, SGD, TIME, num_replicates=400, seed=0)
    found = runs.hsgd.summed().empirical_risk.isel(time=-1)
    risks = np.array(risks)
    error = (risks.var() / 400 + float(found.var()) / 400) ** 0.5
    assert abs(risks.mean() - float(found.mean())) < 4 * error
    # The logarithm of a standard deviation over 400 runs has an error of some 4 to 5% here.
    assert abs(np.log(float(found.std()) / risks.std())) < 0.25
    apart = [simulate.sgd(problem.output(c), SGD, TIME, num_replicates=400, seed=i)
             for i, c in enumerate("abc")]  # fmt: skip
    independent = sum(one.empirical_risk.isel(time=-1).values for one in apart)
    assert np.log(independent.std() / risks.std()) < -0.25


def test_sums_over_outputs(problem):
    theory = hsgd.predict(problem, SGD, TIME)
    whole = theory.hsgd.summed()
    assert "output" not in whole.dims
    assert hsgd.dataset.check(whole) is None
    np.testing.assert_allclose(whole.empirical_risk, theory.empirical_risk.sum("output"))
    np.testing.assert_allclose(whole.distance_error, theory.distance_error.sum("output"))
    weights = theory.population_risk / theory.population_risk.sum("output")
    expected = (weights * theory.population_risk_discrepancy).sum("output")
    np.testing.assert_allclose(whole.population_risk_discrepancy, expected)
    runs = simulate.sgd(problem, SGD, TIME, num_replicates=32, seed=0)
    assert validation.compare(whole, runs.hsgd.summed()).attrs["agrees"]
    assert validation.compare(theory, runs).attrs["agrees"]
    halved = whole.assign(empirical_risk=0.5 * whole.empirical_risk)
    assert not validation.compare(halved, runs.hsgd.summed()).attrs["agrees"]
    with pytest.raises(ValueError, match="no curves of several outputs"):
        whole.hsgd.summed()
    paths = simulate.diffusion(problem, SGD, TIME, num_replicates=2, seed=0)
    with pytest.raises(ValueError, match="noise of each is its own"):
        paths.hsgd.summed()
    # A replicate is as bad as the worst of its outputs.
    status = xr.zeros_like(runs.status)
    status[1, 3] = 1
    assert runs.assign_coords(status=status).hsgd.summed().status.values.sum() == 1


@pytest.mark.parametrize("engine", ["reference", "cpu"])
def test_label_noise_of_fresh_rows_is_independent_between_outputs(engine):
    """At coefficients that are known, the first gradients are noise alone."""
    rows = hsgd.GaussianRows(1 / D, np.zeros((D, 2)), noise=[1.0, 2.0])
    one_step = {"num_replicates": 300, "seed": 1, "engine": engine, "statistics": "distance"}
    runs = simulate.sgd(rows, hsgd.StreamingSGD(1.0), [1 / D], **one_step)
    noise = runs.distance.isel(time=0)  # |a|²·noise², with the same |a|² for both
    logs = np.log(noise.values)
    assert abs(np.corrcoef(logs)[0, 1]) < 0.4  # the same noise would make it 1
    for index in range(2):
        member = hsgd.GaussianRows(1 / D, np.zeros(D), 1.0 + index, noise_stream=index)
        alone = simulate.sgd(member, hsgd.StreamingSGD(1.0), [1 / D], **one_step)
        np.testing.assert_array_equal(alone.distance, runs.distance.isel(output=index))
    # Files of runs of one are not taken for those of the other.
    twins = [hsgd.GaussianRows(1.0, np.zeros(2), 1.0, noise_stream=stream) for stream in (0, 1)]
    assert twins[0].description() != twins[1].description()


def test_fresh_and_typical_rows_with_several_outputs():
    beta = RNG.standard_normal((D, 2))
    rows = hsgd.GaussianRows(1 / D, beta, noise=[0.1, 1.0], outputs=["x", "y"])
    curve = hsgd.predict(rows, hsgd.StreamingSGD(0.5), [0.0, 3.0])
    typical = hsgd.SampledLeastSquares(rows, 4 * D)
    typically = hsgd.predict(typical, hsgd.SGD(0.5), [0.0, 3.0])
    for index, name in enumerate("xy"):
        alone = hsgd.GaussianRows(1 / D, beta[:, index], [0.1, 1.0][index])
        expected = hsgd.predict(alone, hsgd.StreamingSGD(0.5), [0.0, 3.0])
        np.testing.assert_array_equal(
            curve.population_risk.sel(output=name), expected.population_risk
        )
        expected = hsgd.predict(hsgd.SampledLeastSquares(alone, 4 * D), hsgd.SGD(0.5), [0.0, 3.0])
        np.testing.assert_array_equal(
            typically.population_risk.sel(output=name), expected.population_risk
        )
    drawn = rows.sample(50, seed=0)
    assert drawn.outputs == ("x", "y")
    residual = drawn.b - drawn.A @ beta
    np.testing.assert_allclose(residual.std(axis=0), [0.1, 1.0], rtol=0.4)
    assert drawn.population.output(1).noise == 1.0


def test_moments_of_several_outputs():
    moment, cross, square = np.eye(2), np.array([[1.0, 0.5], [0.0, 0.5]]), [1.5, 1.0]
    population = hsgd.Population(moment, cross, square)
    problem = hsgd.LeastSquares(np.eye(2), np.ones((2, 2)), population=population)
    found = hsgd.predict(problem, hsgd.SGD(0.1), [0.0]).population_risk.values
    np.testing.assert_allclose(found[:, 0], [0.75, 0.5])
    with pytest.raises(ValueError, match="moments are inconsistent"):
        hsgd.Population(moment, cross, [0.5, 1.0])


def test_a_table_with_several_targets_and_its_way_back():
    X = RNG.normal(size=(30, 4)) + 2.0
    y = pandas.DataFrame(X @ RNG.normal(size=(4, 2)) + [3.0, -8.0], columns=["height", "weight"])
    problem = hsgd.LeastSquares.from_data(X, y, standardise=True, test=[3, 4])
    assert problem.outputs == ("height", "weight")
    fitted = LinearRegression().fit(X, y)
    model = problem.to_original(problem.solution)
    np.testing.assert_allclose(X @ model.coefficients + model.intercept, fitted.predict(X))
    one = problem.output("weight").to_original(problem.output("weight").solution)
    np.testing.assert_allclose(one.intercept, model.intercept[1])
    named = hsgd.LeastSquares.from_data(pandas.DataFrame(X, columns=list("pqrs")), y)
    assert named.to_original(named.solution).coefficients.dims == ("column", "output")
    assert named.description()["outputs"] == ["height", "weight"]


def test_classes_are_outputs_and_their_error_is_scikit_learns():
    X, labels = load_digits(return_X_y=True)
    X, labels = X[:400], labels[:400]
    words = np.array(["zero", "one", "two"])[np.minimum(labels, 2)]
    problem = hsgd.LeastSquares.from_data(X, words, ridge=2e4, one_hot=True, test=range(300, 400))
    assert problem.outputs == ("one", "two", "zero")
    assert problem.preparation["one_hot"] is True
    means = problem.transformation.target_mean
    held, truth = problem.population.A, (problem.population.b + means).argmax(axis=1)
    scores = held @ problem.solution
    asked = hsgd.Predictions.held_out(problem)
    at_once = hsgd.SGD(1e-3 * hsgd.critical_learning_rate(problem))
    begun = problem.replace(x0=problem.solution)
    runs = simulate.sgd(begun, at_once, [0.0], statistics=asked, num_replicates=2, seed=0)
    np.testing.assert_allclose(runs.prediction.isel(time=0, replicate=0).T, scores, atol=1e-12)
    found = hsgd.classification_error(begun, runs)
    assert found.dims == ("time", "replicate")
    assert float(found[0, 0]) == np.mean((scores + means).argmax(axis=1) != truth)
    # All that is known of a run that left is that it is wrong somewhere.
    broken = runs.assign(prediction=runs.prediction.where(runs.replicate == 0, np.inf))
    assert np.isnan(hsgd.classification_error(begun, broken)[0, 1])
    fitted = RidgeClassifier(2e4).fit(X[:300], words[:300])
    assert 0.02 < float(found[0, 0]) == np.mean(fitted.predict(X[300:]) != words[300:])


ROWS = hsgd.GaussianRows(1.0, np.ones((2, 2)))
BOTH = hsgd.LeastSquares(np.eye(3, 2), np.eye(3, 2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hsgd.LeastSquares(A, Y[:5]), "b has 5 rows where 40 are needed"),
        (lambda: hsgd.LeastSquares(A, Y[:, :1]), "b must have 1 dimension"),
        (lambda: hsgd.LeastSquares(A, Y, outputs=["a", "b"]), "pass 3 names, all different"),
        (lambda: hsgd.LeastSquares(A, Y, outputs=["a", "b", "a"]), "pass 3 names, all different"),
        (lambda: hsgd.LeastSquares(A, Y, outputs=[0.5, 1.5, 2.5]), "words or integers"),
        (lambda: hsgd.LeastSquares(A, Y[:, 0], outputs=["a"]), "these have none"),
        (lambda: hsgd.LeastSquares(A, Y, x0=Y), "x0 has shape .* one for each parameter"),
        (lambda: hsgd.LeastSquares(A, Y, population=(A, Y[:, 0])), "has 1 outputs but b has 3"),
        (lambda: hsgd.LeastSquares(A, Y[:, 0], population=(A, Y)), "has 3 outputs but b has 1"),
        (lambda: BOTH.output(2), "there is no output 2: the outputs are 0, 1"),
        (lambda: BOTH.output(0).output(0), "has a single output"),
        (lambda: BOTH.empirical_risk, "2 outputs, and each has its own"),
        (lambda: hsgd.steps_to_target(BOTH, 0.1, [1]), r"pass problem.output\(0\)"),
        (lambda: hsgd.GaussianRows(1.0, np.ones((2, 2)), noise=[1.0, -1.0]), "at least 0"),
        (lambda: hsgd.RandomFeatures(ROWS, 4), r"pass inputs.output\(0\)"),
        (
            lambda: simulate.sgd(BOTH, hsgd.AdaGradNorm(0.1, 1.0), [1.0]),
            "one learning rate from all",
        ),
        (lambda: hsgd.LeastSquares.from_data(A, Y, one_hot=True), "a word or an integer"),
        (lambda: hsgd.LeastSquares.from_data(A, ["a"] * N, one_hot=True), "one class alone"),
        (
            lambda: hsgd.LeastSquares.from_data(A, pandas.Series(["a", None] * 20), one_hot=True),
            "y holds (nan|None), which is no label",
        ),
        (
            lambda: hsgd.LeastSquares.from_data(
                A, ["a", "b"] * (N // 2), one_hot=True, test=(A[:1], ["c"])
            ),
            "the class 'c', which y has not",
        ),
        (lambda: hsgd.LeastSquares.from_data(A, Y, test=(A[:2], Y[:2, 0])), "as many outputs"),
        (lambda: hsgd.classification_error(BOTH, xr.Dataset()), "one_hot=True, test=0.2"),
        (
            lambda: simulate.sgd(BOTH, SGD, [0.0], statistics=hsgd.Predictions(np.eye(3)), seed=0),
            "rows of 3 entries but the problem has 2",
        ),
        (lambda: hsgd.Predictions.held_out(BOTH), "has no held-out rows"),
        (
            lambda: hsgd.predict(BOTH, SGD, [0.0], statistics=hsgd.Predictions(np.eye(2))),
            "only simulations record Predictions",
        ),
    ],
)
def test_bad_input_gets_one_sentence(make, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
