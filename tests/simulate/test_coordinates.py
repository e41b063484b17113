"""Single coordinates in the eigenbasis: which they are, and that they add up to the risk."""

import numpy as np
import pytest

import hsgd
from hsgd.problems.gaussian_rows import GaussianRows
from simulate import Checkpoint, diffusion, sgd, summary
from tests.simulate.test_algorithms import POPULATIONS, TIMES, sparse_copy
from tests.simulate.test_checkpoint import small_pieces
from tests.tools.killing import Killed, stop_writing

__all__ = ["small_pieces"]  # a fixture


@pytest.mark.parametrize("engine", ["reference", "cpu"])
@pytest.mark.parametrize("population", POPULATIONS)
def test_all_coordinates_of_a_population_add_up(engine, population):
    problem = POPULATIONS[population]
    asked = ["population_risk", hsgd.Coordinates(range(11)), "distance"]
    runs = sgd(
        problem, hsgd.StreamingSGD(0.5), TIMES, statistics=asked, num_replicates=2, seed=0,
        engine=engine,
    )  # fmt: skip
    assert runs.coordinate.dims == ("time", "replicate", "mode")
    squares = runs.coordinate**2
    np.testing.assert_allclose(squares.sum("mode"), runs.distance, rtol=1e-12)
    risk = 0.5 * (squares * runs.eigenvalue).sum("mode") + 0.5 * problem.noise**2
    np.testing.assert_allclose(risk, runs.population_risk, rtol=1e-12)
    assert (np.diff(runs.eigenvalue) <= 0).all()


def test_all_coordinates_of_features_add_up():
    inputs = GaussianRows(np.linspace(0.5, 1.5, 8), np.ones(8) / 8, 0.1)
    rows = hsgd.RandomFeatures(inputs, 11, "relu").given_weights(seed=1)
    asked = ["population_risk", hsgd.Coordinates(range(11)), "distance"]
    runs = sgd(rows, hsgd.StreamingSGD(0.5), TIMES, statistics=asked, seed=0)
    np.testing.assert_allclose((runs.coordinate**2).sum("mode"), runs.distance, rtol=1e-10)
    excess = 0.5 * (runs.coordinate**2 * runs.eigenvalue).sum("mode")
    risk = excess + 0.5 * rows.population.floor
    np.testing.assert_allclose(risk, runs.population_risk, rtol=1e-8)


@pytest.mark.parametrize("storage", ["dense", "sparse"])
def test_all_coordinates_of_data_add_up(build, storage):
    problem = build() if storage == "dense" else sparse_copy(build())
    asked = ["empirical_risk", hsgd.Coordinates(range(11))]
    runs = sgd(problem, hsgd.SGD(0.4, 2), TIMES, statistics=asked, num_replicates=2, seed=0)
    least = problem.A @ problem.solution - problem.b
    twice = (runs.coordinate**2 * runs.eigenvalue).sum("mode") + least @ least
    np.testing.assert_allclose(twice / 60, runs.empirical_risk, rtol=1e-12)


def test_the_mean_of_a_coordinate_is_gradient_descents(build):
    # One mode of full-batch descent shrinks by 1 − γ(λ + ridge)/n in every step, and no other does.
    problem = build(ridge=0.4)
    algorithm = hsgd.SGD(0.4, 30, "subset")
    runs = sgd(problem, algorithm, [0.0, 1.0], statistics=hsgd.Coordinates([7, 2]), seed=0)
    factor = (1 - 0.4 * (runs.eigenvalue + 0.4) / 30) ** 30
    start, end = runs.coordinate[:, 0]
    np.testing.assert_allclose(end, factor * start, rtol=1e-9)
    assert list(runs.mode.values) == [7, 2]
    assert not np.allclose(end, factor[::-1].values * start, rtol=1e-2)
    u = np.linalg.svd(problem.A)[2][7]
    u = u * np.sign(u[np.abs(u).argmax()])
    assert float(start[0]) == pytest.approx(u @ (problem.x0 - problem.solution), rel=1e-10)


def test_they_resume_have_means_and_files(build, tmp_path, monkeypatch, small_pieces):
    problem, times = build(), np.linspace(0, 3, 40)
    asked = {"statistics": ["distance", hsgd.Coordinates([0, 4])], "num_replicates": 3, "seed": 3}
    whole = sgd(problem, hsgd.AdaGradNorm(1.0, 1.0), times, **asked)
    folder = Checkpoint(tmp_path / "saved", seconds=0.0)
    with monkeypatch.context() as patch:
        stop_writing(patch, 7)
        with pytest.raises(Killed):
            sgd(problem, hsgd.AdaGradNorm(1.0, 1.0), times, checkpoint=folder, **asked)
    runs = sgd(problem, hsgd.AdaGradNorm(1.0, 1.0), times, checkpoint=folder, **asked)
    for name in ("distance", "coordinate", "realised_learning_rate"):
        assert (runs[name].values == whole[name].values).all()
    assert hsgd.dataset.load(hsgd.dataset.save(runs, tmp_path / "runs.nc")).identical(runs)
    means = summary(runs)
    np.testing.assert_allclose(means.coordinate, runs.coordinate.mean("replicate"), rtol=1e-13)
    error = runs.coordinate.std("replicate", ddof=1) / np.sqrt(3)
    np.testing.assert_allclose(means.coordinate_standard_error, error, rtol=1e-10)
    asked["statistics"] = hsgd.Coordinates([0, 5])
    with pytest.raises(ValueError, match="choose another folder"):
        sgd(problem, hsgd.AdaGradNorm(1.0, 1.0), times, checkpoint=folder, **asked)


def test_a_target_is_for_what_has_a_mean():
    # The coordinate of a symmetric start has mean zero: no relative error could be small.
    problem = GaussianRows(1 / 11, np.zeros(11), 0.3)
    asked = ["distance", hsgd.Coordinates(0)]
    runs = sgd(
        problem, hsgd.StreamingSGD(0.3), [3.0], statistics=asked, num_replicates="auto",
        target_standard_error=0.2, seed=0,
    )  # fmt: skip
    assert runs.sizes["replicate"] <= 256


def test_paths_of_the_diffusion_have_them_too(build):
    asked = {"statistics": ["distance", hsgd.Coordinates(range(11))], "seed": 0}
    paths = diffusion(build(), hsgd.SGD(0.2), [0.0, 1.0], **asked)
    np.testing.assert_allclose((paths.coordinate**2).sum("mode"), paths.distance, rtol=1e-12)


def test_bad_indices_are_refused(build):
    for bad, words in (([], "at least one"), ([1, 1], "none twice"), ([-1], "at least 0")):
        with pytest.raises(ValueError, match=words):
            hsgd.Coordinates(bad)
    with pytest.raises(TypeError, match="must be an integer"):
        hsgd.Coordinates([0.5])
    with pytest.raises(ValueError, match="mode 11, but the problem has the modes 0 to 10"):
        sgd(build(), hsgd.SGD(0.4), [1.0], statistics=hsgd.Coordinates([11]), seed=0)
    twice = [hsgd.Coordinates([0]), hsgd.Coordinates([1])]
    with pytest.raises(ValueError, match="put all of them into one"):
        sgd(build(), hsgd.SGD(0.4), [1.0], statistics=twice, seed=0)


def test_the_theory_refuses_them_with_what_to_do_instead(build):
    for verb in (hsgd.predict, hsgd.exact_mean):
        with pytest.raises(TypeError, match=r"only simulations record Coordinates.*hsgd.Quadratic"):
            verb(build(), hsgd.SGD(0.1), [1.0], statistics=[hsgd.Coordinates([0])])
    # What the sentence says works: the mean along a direction.
    problem = build()
    values, u = problem.svd.singular_values**2, problem.svd.right[:, 3]
    along = hsgd.Quadratic(np.zeros((11, 11)), u, -float(u @ problem.solution), name="along")
    mean = hsgd.exact_mean(problem, hsgd.SGD(0.1), [1.0], statistics=along).along[0]
    start = u @ (problem.x0 - problem.solution)
    assert float(mean) == pytest.approx(start * (1 - 0.1 * values[3] / 30) ** 30, rel=1e-9)
