"""Problems and statistics: what is measured is what is said, and bad data never get in."""

import datetime

import numpy as np
import pandas
import pytest
import scipy.sparse
import xarray as xr
from sklearn.linear_model import LinearRegression, Ridge

import hsgd
from hsgd import checks
from hsgd.machine import memory
from hsgd.statistics.named import resolve

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("n", "d"), [(30, 8), (8, 30)])
@pytest.mark.parametrize("ridge", [0.1, 3.0])
def test_the_solution_is_scikit_learns_ridge(n, d, ridge):
    A, b = RNG.normal(size=(n, d)), RNG.normal(size=n)
    expected = Ridge(alpha=ridge, fit_intercept=False, solver="svd").fit(A, b).coef_
    np.testing.assert_allclose(hsgd.LeastSquares(A, b, ridge=ridge).solution, expected, rtol=1e-9)


def test_without_ridge_the_solution_is_the_minimiser_nearest_the_start():
    A, b, x0 = RNG.normal(size=(5, 9)), RNG.normal(size=5), RNG.normal(size=9)
    x = hsgd.LeastSquares(A, b, x0=x0).solution
    np.testing.assert_allclose(A @ x, b, rtol=1e-9)
    null = np.eye(9) - np.linalg.pinv(A) @ A
    np.testing.assert_allclose(null @ (x - x0), 0.0, atol=1e-12)


def test_singular_values_above_rounding_are_kept_and_others_are_not():
    """Where NumPy draws the line, at max(n, d)·ε of the largest."""
    left = np.linalg.qr(RNG.normal(size=(40, 3)))[0]
    right = np.linalg.qr(RNG.normal(size=(20, 3)))[0]
    for smallest in (1e-12, 1e-16):
        A = (left * [1.0, 1e-3, smallest]) @ right.T
        problem = hsgd.LeastSquares(A, np.ones(40))
        assert len(problem.svd.singular_values) == np.linalg.matrix_rank(A)
        assert len(problem.eigenpairs[0]) == (3 if smallest > 1e-14 else 2)


def test_other_data_are_decomposed_anew():
    problem = hsgd.LeastSquares(RNG.normal(size=(9, 4)), np.ones(9))
    values = problem.svd.singular_values
    np.testing.assert_allclose(problem.replace(A=2 * problem.A).svd.singular_values, 2 * values)
    assert problem.replace(ridge=1.0).svd is problem.svd


def test_no_large_sparse_matrix_is_made_dense(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 0)  # were it tried, this would stop it
    side = 2**13  # a dense copy has 512 MB
    sparse = hsgd.LeastSquares(scipy.sparse.eye_array(side + 1, format="csr"), np.ones(side + 1))
    with pytest.raises(ValueError, match="would need a dense copy of it"):
        sparse.solution  # noqa: B018
    just = hsgd.LeastSquares(scipy.sparse.eye_array(side, format="csr"), np.ones(side))
    with pytest.raises(MemoryError, match="the decomposition of A"):
        just.solution  # noqa: B018


def test_centring_is_an_intercept():
    X, y = RNG.normal(size=(40, 6)) + 3.0, RNG.normal(size=40) - 2.0
    problem = hsgd.LeastSquares.from_data(X, y, test=(X[:7], y[:7]))
    fitted = LinearRegression().fit(X, y)
    np.testing.assert_allclose(problem.solution, fitted.coef_, rtol=1e-9)
    expected = 0.5 * np.mean((fitted.predict(X[:7]) - y[:7]) ** 2)
    risk = resolve(problem, "population_risk")[0].values(problem.solution[None])
    assert risk[0] == pytest.approx(expected, rel=1e-9)
    assert problem.preparation == {"centred": True, "rows_normalised": False, "num_test_rows": 7}


def test_from_data_splits_and_normalises_only_when_asked():
    X, y = RNG.normal(size=(50, 4)) + 1.0, RNG.normal(size=50)
    plain = hsgd.LeastSquares.from_data(X, y, centre=False)
    np.testing.assert_array_equal(plain.A, X)
    split = hsgd.LeastSquares.from_data(X, y, test=0.2, normalise_rows=True, seed=3)
    assert split.num_rows == 40
    np.testing.assert_allclose(split.squared_row_norms, 1.0, rtol=1e-12)
    assert split.preparation["split_seed"] == 3
    again = hsgd.LeastSquares.from_data(X, y, test=0.2, normalise_rows=True, seed=3)
    np.testing.assert_array_equal(split.A, again.A)
    other = hsgd.LeastSquares.from_data(X, y, test=0.2, normalise_rows=True, seed=4)
    assert not np.array_equal(split.b, other.b)
    # Whatever the seed, every row is on one side, once.
    plain = hsgd.LeastSquares.from_data(X, y, test=0.2, centre=False, seed=4)
    both = np.concatenate([plain.b, plain.population.b])
    np.testing.assert_array_equal(np.sort(both), np.sort(y))


def test_the_way_back_to_the_tables_own_columns():
    X, y = RNG.normal(size=(60, 5)) * [1, 10, 0.1, 3, 1] + 7.0, RNG.normal(size=60) + 40.0
    X[:, 4] = 2.0  # constant
    weights = RNG.uniform(0.0, 3.0, size=60)
    problem = hsgd.LeastSquares.from_data(X, y, standardise=True, weights=weights, test=[3, -1])
    kept = np.setdiff1d(np.arange(60), [3, 59])
    fitted = LinearRegression().fit(X[kept], y[kept], sample_weight=weights[kept])
    found = problem.to_original(problem.solution)
    np.testing.assert_allclose(X @ found.coefficients + found.intercept, fitted.predict(X))
    np.testing.assert_allclose(found.coefficients, fitted.coef_, atol=1e-9)
    # The risk on held-out rows is the model's, in the units of the table.
    risk = resolve(problem, "population_risk")[0].values(problem.solution[None])[0]
    assert risk == pytest.approx(0.5 * np.mean((fitted.predict(X[[3, 59]]) - y[[3, 59]]) ** 2))
    several = problem.replace(ridge=1.0).to_original(np.zeros((2, 5)))
    np.testing.assert_allclose(several.intercept, np.average(y[kept], weights=weights[kept]))
    mask = np.zeros(60, bool)
    mask[[3, 59]] = True
    again = hsgd.LeastSquares.from_data(X, y, standardise=True, weights=weights, test=mask)
    np.testing.assert_array_equal(again.A, problem.A)


def test_coefficients_of_named_columns_have_their_names():
    X, y = RNG.normal(size=(30, 2)) + 3.0, RNG.normal(size=30)
    plain = hsgd.LeastSquares.from_data(X, y)
    found = plain.to_original(plain.solution)
    assert isinstance(found.coefficients, np.ndarray)
    frame = pandas.DataFrame(X, columns=["age", ("income", "net")])
    named = hsgd.LeastSquares.from_data(frame, y)
    model = named.to_original(named.solution)
    assert model.coefficients.column.values.tolist() == ["age", "('income', 'net')"]
    np.testing.assert_array_equal(model.coefficients, found.coefficients)
    assert model.intercept == found.intercept
    # Rows are found by the name of the targets' dim, whichever way round the table lies.
    table = xr.DataArray(X.T, {"feature": ["age", "income"]}, ("feature", "person"))
    turned = hsgd.LeastSquares.from_data(table, xr.DataArray(y, dims="person"))
    path = turned.to_original(np.stack([turned.solution, turned.x0]))
    assert path.coefficients.dims == ("solution_0", "column")
    np.testing.assert_array_equal(path.coefficients.sel(column="age")[0], found.coefficients[0])


def test_weights_are_those_of_scikit_learn():
    X, y, weights = RNG.normal(size=(40, 4)) + 1, RNG.normal(size=40), RNG.uniform(size=40)
    problem = hsgd.LeastSquares.from_data(X, y, ridge=0.3, weights=weights)
    fitted = Ridge(alpha=0.3).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(problem.solution, fitted.coef_, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": [0, 4]}, "test names row 4, but there are 4 rows"),
        ({"test": [0, 1, 2, 3]}, "holds out 4 of 4 rows"),
        ({"test": [0.5, 0.5]}, "pass a fraction, .* or a mask of length 4"),
        ({"test": [True, False]}, "pass a fraction, .* or a mask of length 4"),
        ({"weights": [1, 1, 1, -1]}, "weights must be at least 0"),
        ({"weights": [0, 0, 0, 0]}, "weights must be at least 0"),
        ({"weights": [1, 1]}, "weights has 2 entries where 4 are needed"),
    ],
)
def test_a_table_that_cannot_be_prepared_gets_one_sentence(options, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        hsgd.LeastSquares.from_data(A, B, **options)
    assert "\n" not in str(caught.value)


def test_there_is_no_way_back_from_rows_of_norm_one():
    X, y = RNG.normal(size=(9, 2)), RNG.normal(size=9)
    problem = hsgd.LeastSquares.from_data(X, y, normalise_rows=True)
    with pytest.raises(ValueError, match="without normalise_rows"):
        problem.to_original(problem.solution)
    with pytest.raises(ValueError, match="made of rows as they are"):
        hsgd.LeastSquares(X, y).to_original([1.0, 2.0])
    with pytest.raises(ValueError, match="2 entries each"):
        hsgd.LeastSquares.from_data(X, y).to_original([1.0, 2.0, 3.0])


def test_problems_show_what_they_are_and_never_their_data():
    X, y = RNG.normal(size=(50, 4)), RNG.normal(size=50)
    problem = hsgd.LeastSquares.from_data(X, y, ridge=0.1, test=0.2, standardise=True)
    line = repr(problem)
    assert line == "<LeastSquares: 40 × 4, ridge 0.1, 10 held-out rows, centred, standardised>"
    page = problem._repr_html_()
    assert "40 × 4" in page
    assert "4 eigenvalues" in page
    assert "<polyline" in page
    inputs = hsgd.GaussianRows(0.1, np.ones(10), noise=0.5)
    features = hsgd.RandomFeatures(inputs, 6)
    shown = [inputs, inputs.sample(7, seed=0), features, features.given_weights(0)]
    shown += [problem.population, inputs.population, hsgd.SampledLeastSquares(inputs, 9)]
    for one in shown:
        assert "array" not in repr(one)
        assert "\n" not in repr(one)
        assert len(repr(one)) < 200
    np.testing.assert_allclose(
        problem.eigenvalues, np.linalg.eigvalsh(problem.A.T @ problem.A)[::-1]
    )
    assert problem.shape == (40, 4)


def test_the_users_arrays_stay_theirs():
    A, b = RNG.normal(size=(6, 3)), RNG.normal(size=6)
    problem = hsgd.LeastSquares(A, b)
    assert not np.shares_memory(problem.A, A)
    with pytest.raises(ValueError, match="read-only"):
        problem.A[0, 0] = 1.0
    A[0, 0] = 2.0


def test_a_gaussian_sample_has_the_population_it_was_drawn_from():
    d = 4
    root = RNG.normal(size=(d, d))
    rows = hsgd.GaussianRows(root @ root.T, RNG.normal(size=d), 0.3, ridge=0.01)
    sample = rows.sample(200_000, seed=1)
    assert sample.ridge == pytest.approx(2000.0)
    np.testing.assert_allclose(sample.A.T @ sample.A / 200_000, rows.covariance, rtol=0, atol=0.06)
    residual = sample.b - sample.A @ rows.coefficients
    assert residual.std() == pytest.approx(0.3, rel=5 / np.sqrt(2 * 200_000))
    x = RNG.normal(size=(1, d))
    statistics = {s.name: s for s in resolve(sample, ("empirical_risk", "population_risk"))}
    population = statistics["population_risk"].values(x)[0]
    assert statistics["empirical_risk"].values(x)[0] == pytest.approx(population, rel=0.02)
    floor = statistics["population_risk"].values(rows.coefficients[None])[0]
    assert floor == pytest.approx(0.5 * 0.3**2, rel=1e-14)


@pytest.mark.parametrize("diagonal", [True, False])
def test_moments_and_linear_model_are_one_population(diagonal):
    covariance = np.array([0.5, 2.0, 0.0]) if diagonal else np.diag([0.5, 2.0, 0.3])
    matrix = np.diag(covariance) if diagonal else covariance
    beta = np.array([1.0, -1.0, 0.0])
    moments = hsgd.Population(covariance, matrix @ beta, float(beta @ matrix @ beta) + 0.04)
    model = hsgd.GaussianRows(covariance, beta, 0.2).sample(5, 0).population
    points = RNG.normal(size=(6, 3))
    np.testing.assert_allclose(moments.risk.values(points), model.risk.values(points), rtol=1e-12)


def test_every_form_of_a_statistic_is_the_same_quadratic():
    A, b = RNG.normal(size=(12, 5)), RNG.normal(size=12)
    problem = hsgd.LeastSquares(A, b, ridge=0.5, population=(A, b))
    expanded = hsgd.Quadratic(A.T @ A / 12, -A.T @ b / 12, 0.5 * float(b @ b) / 12, name="q")
    points, directions = RNG.normal(size=(7, 5)), RNG.normal(size=(5, 3))
    for statistic in resolve(problem, ("empirical_risk", "population_risk")):
        np.testing.assert_allclose(statistic.values(points), expanded.values(points), rtol=1e-12)
        np.testing.assert_allclose(
            statistic.curvatures(directions), expanded.curvatures(directions), rtol=1e-12
        )
        np.testing.assert_allclose(statistic.matrix(), expanded.matrix(), rtol=1e-12)
    distance = resolve(problem, "distance")[0]
    np.testing.assert_allclose(
        distance.values(points), ((points - problem.solution) ** 2).sum(axis=1), rtol=1e-13
    )
    np.testing.assert_allclose(distance.matrix(), 2 * np.eye(5))
    np.testing.assert_allclose(distance.curvatures(directions), 2 * (directions**2).sum(axis=0))


def test_the_largest_entry_of_an_eigenvector_is_positive():
    """Which sign it has would else be the decomposition's choice."""
    A = np.random.default_rng(0).normal(size=(12, 7))
    found = hsgd.Coordinates(range(7)).of(hsgd.LeastSquares(A, A[:, 0]))
    largest = np.abs(found.directions).argmax(axis=0)
    assert (found.directions[largest, np.arange(7)] > 0).all()
    np.testing.assert_allclose(A.T @ A @ found.directions, found.directions * found.eigenvalues)


A, B = np.ones((4, 2)), np.ones(4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hsgd.LeastSquares(A[:, 0], B), "2 dimensions"),
        (lambda: hsgd.LeastSquares(A, B[:3]), "b has 3 entries where 4 are needed"),
        (lambda: hsgd.LeastSquares(A * np.nan, B), "8 entries that are NaN"),
        (lambda: hsgd.LeastSquares(A, B * np.inf), "NaN or infinite"),
        (lambda: hsgd.LeastSquares(A, [1.0, -np.inf, 1.0, 1.0]), r"infinite, the first at \[1\]"),
        (lambda: hsgd.LeastSquares(A, [1.0, -1e61, 1.0, 1.0]), "the largest entry of b is 1e\\+61"),
        (lambda: hsgd.LeastSquares(np.where(np.eye(4, 2) > 0, A, None), B), "missing entries"),
        (lambda: hsgd.LeastSquares(A * 1j, B), "real numbers"),
        (lambda: hsgd.LeastSquares(np.zeros((0, 2)), B[:0]), "empty"),
        (lambda: hsgd.LeastSquares(0 * A, B), "nothing to learn"),
        (lambda: hsgd.LeastSquares(A, B, ridge=-1.0), "ridge is -1.0"),
        (lambda: hsgd.LeastSquares(A, B, ridge="big"), "ridge must be a number"),
        (lambda: hsgd.LeastSquares(A, B, ridge=1e121), "out of all proportion"),
        (lambda: hsgd.LeastSquares(A, B, ridge=1e-121), "out of all proportion"),
        (lambda: hsgd.LeastSquares(A, B, x0=np.ones(3)), "x0 has 3 entries where 2"),
        (lambda: hsgd.LeastSquares(A, B, population=(A[:, :1], B)), "population has 1 columns"),
        (lambda: hsgd.LeastSquares(A, B, population="test"), "population is a str"),
        (lambda: hsgd.LeastSquares.from_data(A, B, test=0.01), "holds out 0 of 4 rows"),
        (lambda: hsgd.LeastSquares.from_data(A, B, test=(A[:, :1], B)), "X_test has 1 columns"),
        (lambda: hsgd.Population(np.ones((2, 3)), np.ones(2), 1.0), "square matrix"),
        (lambda: hsgd.Population(np.eye(2), np.ones(2), 2.0 - 1e-8), "inconsistent"),
        (lambda: hsgd.GaussianRows(np.diag([1.0, -1e-10]), np.ones(2)), "negative eigenvalue"),
        (lambda: hsgd.GaussianRows(np.ones((2, 3)), np.ones(2)), "square"),
        (lambda: hsgd.GaussianRows(np.eye(2), np.ones(2), -0.1), "noise is -0.1"),
        (lambda: hsgd.GaussianRows(np.eye(2), np.ones(2)).sample(0, 0), "n is 0"),
        (lambda: hsgd.LeastSquares(A[:, 0], B), r"pass A\[:, None\]"),
        (lambda: hsgd.LeastSquares(A[:, :, None], B), r"reshape\(len\(A\), -1\)"),
        (lambda: hsgd.LeastSquares(A, B[:, None]), r"numpy.ravel\(b\)"),
        (lambda: hsgd.LeastSquares([[1, 2], [3, np.nan]], [1, 2]), r"one entry .* at \[1, 1\]"),
        (lambda: hsgd.LeastSquares(A, ["a", "b", "a", "a"]), r"numpy.where\(b == 'a', 1.0, -1.0\)"),
        (
            lambda: hsgd.LeastSquares(np.array([[1, "x"]], object), B[:1]),
            "it holds 'x' in column 1: leave",
        ),
        (lambda: hsgd.SGD([0.1, 0.2]), r"xarray.DataArray\(.*dims='learning_rate'"),
        (lambda: hsgd.Constant(xr.DataArray([0.1], dims="m")), "learning_rate .* cannot be swept"),
        (lambda: hsgd.SGD(-0.1), "learning_rate is -0.1"),
        (lambda: hsgd.SGD(0.1, batch_size=0), "batch_size is 0"),
        (lambda: hsgd.SGD(0.1, batch_size=1.5), "must be an integer"),
        (lambda: hsgd.SGD(0.1, batch_size=lambda t: 1), "Piecewise.boundaries, levels"),
        (lambda: hsgd.SGD(0.1, sampling="sorted"), "must be one of 'with_replacement'"),
        (lambda: hsgd.Quadratic(np.ones((2, 3)), name="q"), "square"),
        (lambda: hsgd.Quadratic([[1.0, 2.0], [0.0, 1.0]], name="q"), "symmetric"),
        (lambda: hsgd.Quadratic([[1.0, 0.5], [0.5 + 1e-6, 1.0]], name="q"), "symmetric"),
        (lambda: hsgd.Quadratic(np.eye(2), name="distance"), "identifier other than"),
        (lambda: hsgd.Quadratic(np.eye(2), np.ones(3), name="q"), "they must fit"),
    ],
)
def test_bad_input_gets_one_sentence_with_the_remedy(make, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("statistics", "message"),
    [
        ("loss", "unknown statistic 'loss'"),
        ((), "statistics is empty"),
        (("distance", "distance"), "repeat a name"),
        ("population_risk", "needs a population"),
        (hsgd.Quadratic(np.eye(3), name="q"), "is for 3 parameters"),
    ],
)
def test_bad_statistics_get_one_sentence(statistics, message):
    with pytest.raises(ValueError, match=message):
        resolve(hsgd.LeastSquares(A, B), statistics)


def edits(kind):
    """An array as a user may pass it, and an edit of it."""
    A = np.random.default_rng(0).standard_normal((4, 4))
    if kind == "array":
        return A, lambda: A.__setitem__((0, 0), 9.0)
    if kind == "other order":
        F = np.asfortranarray(A)
        return F, lambda: F.__setitem__((0, 0), 9.0)
    if kind == "read-only view":
        view = A.view()
        view.flags.writeable = False
        return view, lambda: A.__setitem__((0, 0), 9.0)
    if kind == "part of a larger one":
        large = np.ones((8, 4))
        large[::2] = A
        return large[::2], lambda: large.__setitem__((0, 0), 9.0)
    if kind == "frame":
        frame = pandas.DataFrame(A)
        return frame, lambda: frame.iloc.__setitem__((0, 0), 9.0)
    if kind == "DataArray":
        labelled = xr.DataArray(A)
        return labelled, lambda: labelled.values.__setitem__((0, 0), 9.0)
    if kind == "buffer of another program":
        buffer = bytearray(A.tobytes())
        flat = np.frombuffer(buffer)
        flat.flags.writeable = False
        return flat.reshape(4, 4), lambda: buffer.__setitem__(
            slice(0, 8), np.float64(9.0).tobytes()
        )
    matrix = scipy.sparse.csr_array(A)
    return matrix, lambda: matrix.data.__setitem__(0, 9.0)


@pytest.mark.parametrize(
    "kind",
    ["array", "other order", "read-only view", "part of a larger one", "frame", "DataArray",
     "buffer of another program", "sparse"],
)  # fmt: skip
def test_later_edits_of_what_was_passed_change_nothing(kind):
    A, edit = edits(kind)
    b, held_out, x0 = np.ones(4), (np.eye(4), np.ones(4)), np.ones(4)
    problem = hsgd.LeastSquares(A, b, x0=x0, population=held_out)
    before = problem.empirical_risk.values(np.eye(4))
    edit()
    b[0] = x0[0] = held_out[0][0, 0] = 9.0
    np.testing.assert_array_equal(problem.empirical_risk.values(np.eye(4)), before)
    assert problem.description() == problem.replace(ridge=0.0).description()
    assert problem.b[0] == problem.x0[0] == problem.population.A[0, 0] == 1.0


def test_what_cannot_change_is_not_copied(tmp_path):
    A = np.random.default_rng(0).standard_normal((4, 4))
    A.flags.writeable = False
    mapped = np.memmap(tmp_path / "A", dtype=float, mode="w+", shape=(4, 4))
    mapped[:] = A
    for given in (A, mapped):
        problem = hsgd.LeastSquares(given, np.ones(4))
        assert np.shares_memory(problem.A, given)
        assert np.shares_memory(problem.replace(ridge=1.0).A, problem.A)
    sparse = hsgd.LeastSquares(scipy.sparse.csr_array(A), np.ones(4))
    assert np.shares_memory(sparse.replace(ridge=1.0).A.data, sparse.A.data)
    rows = hsgd.GaussianRows(1.0, np.ones(4)).sample(9, seed=0)
    assert np.shares_memory(rows.replace(ridge=1.0).A, rows.A)


def test_dims_say_which_axis_are_the_rows():
    A = np.random.default_rng(0).standard_normal((4, 4))
    swapped, b = xr.DataArray(A.T, dims=("feature", "row")), xr.DataArray(np.ones(4), dims="row")
    held_out = (swapped, b)
    problem = hsgd.LeastSquares(swapped, b, population=held_out)
    np.testing.assert_array_equal(problem.A, A)
    np.testing.assert_array_equal(problem.population.A, A)
    prepared = hsgd.LeastSquares.from_data(swapped, b, centre=False, test=held_out)
    np.testing.assert_array_equal(prepared.A, A)
    np.testing.assert_array_equal(prepared.population.A, A)
    # Without names in common nothing can be told.
    np.testing.assert_array_equal(hsgd.LeastSquares(swapped, np.ones(4)).A, A.T)
    with pytest.raises(ValueError, match="different labels along 'row'"):
        hsgd.LeastSquares(
            swapped.assign_coords(row=[0, 1, 2, 3]), b.assign_coords(row=[1, 0, 2, 3])
        )


FRAME = pandas.DataFrame(
    {
        "float": [1.0, 2.0, 3.0],
        "bool": [True, False, True],
        "nullable": pandas.array([1, 2, 3], dtype="Int64"),
        "flags": pandas.array([True, False, True], dtype="boolean"),
    }
)


@pytest.mark.parametrize(
    "frame",
    [FRAME, FRAME.astype(object), FRAME[["bool"]], FRAME.astype("Float64"),
     pandas.get_dummies(pandas.DataFrame({"k": ["a", "b", "a"], "x": [1.0, 2.0, 3.0]}))],
)  # fmt: skip
def test_frames_of_several_kinds_of_numbers(frame):
    for y in ([1.0, 2.0, 4.0], FRAME["flags"], FRAME["bool"], FRAME["nullable"]):
        problem = hsgd.LeastSquares.from_data(frame, y, centre=False)
        np.testing.assert_array_equal(problem.A, frame.to_numpy(dtype=float))


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pandas.array([1, None, 3], dtype="Int64"), "NaN"),
        ([1, pandas.NA, 3], "missing entries"),
        (pandas.to_datetime(["2020-01-01"] * 3), "it holds dates"),
        ([datetime.date(2020, 1, 1)] * 3, "it holds dates"),
        (["x", "y", "z"], "it holds 'x'"),
        ([1j, 2j, 3j], "holds a complex"),
    ],
)
def test_frames_with_columns_that_are_no_numbers(column, words):
    with pytest.raises((TypeError, ValueError), match=words):
        hsgd.LeastSquares.from_data(FRAME.assign(other=column), [1.0, 2.0, 4.0])


def test_the_remedy_for_dates_works():
    dates = pandas.Series(pandas.to_datetime(["2020-01-01", "2020-01-03", "2020-01-09"]))
    days = (dates - dates.min()) / np.timedelta64(1, "D")
    problem = hsgd.LeastSquares.from_data(days.to_frame(), [1.0, 2.0, 4.0], centre=False)
    assert problem.A[:, 0].tolist() == [0.0, 2.0, 8.0]


def test_data_of_another_shape_or_type_are_other_data():
    """Their bytes may be the same."""
    A = np.arange(6.0)
    sparse = scipy.sparse.csr_array(([1.0, 2.0], [0, 1], [0, 1, 2]), shape=(2, 2))
    wider = scipy.sparse.csr_array(([1.0, 2.0], [0, 1], [0, 1, 2]), shape=(2, 3))
    given = (A, A.reshape(2, 3), A.reshape(3, 2), A.view(np.int64), A.astype(">f8"), sparse, wider)
    assert len({checks.digest(one) for one in given}) == len(given)
    assert checks.digest(A, A) != checks.digest(A)


def test_the_solution_belongs_to_one_ridge():
    swept = hsgd.LeastSquares(np.eye(3), np.ones(3), ridge=xr.DataArray([0.1, 1.0], dims="ridge"))
    with pytest.raises(ValueError, match="belongs to one ridge"):
        swept.solution  # noqa: B018
