"""The verb at the rim: what it refuses, what it labels, how it diverges."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import hsgd
from hsgd import dataset
from hsgd.algorithms.sgd import SGD
from hsgd.problems.least_squares import LeastSquares
from simulate import sgd
from simulate.recording import DIVERGED, Recorder

ENGINES = ["reference", "cpu"]
GOOD = SGD(0.4)

BAD = [
    ({"problem": np.eye(3)}, TypeError, "LeastSquares"),
    ({"algorithm": 0.5}, TypeError, r"hsgd\.SGD"),
    ({"algorithm": SGD(0.4, 31, "subset")}, ValueError, "31"),
    ({"algorithm": SGD(lambda t: 0.5 - t)}, ValueError, "negative"),
    ({"time": [1.0, 0.5]}, ValueError, "increase"),
    ({"time": [-1.0, 0.5]}, ValueError, "at least 0"),
    ({"time": []}, ValueError, "empty"),
    ({"time": [np.nan]}, ValueError, "NaN"),
    ({"time": [1e18]}, ValueError, r"2\^62"),
    ({"time": [1e17], "algorithm": SGD(0.1, 10)}, ValueError, r"2\^62"),
    ({"statistics": "loss"}, ValueError, "loss"),
    ({"statistics": []}, ValueError, "empty"),
    ({"num_replicates": 0}, ValueError, "num_replicates"),
    ({"num_replicates": 2.0}, TypeError, "num_replicates"),
    ({"num_replicates": True}, TypeError, "num_replicates"),
    ({"first_replicate": -1}, ValueError, "first_replicate"),
    ({"seed": -1}, ValueError, "seed"),
    ({"seed": 1.5}, TypeError, "seed"),
    ({"seed": "1"}, TypeError, "seed"),
    ({"seed": np.random.default_rng(0)}, TypeError, "SeedSequence"),
    ({"engine": "gpu"}, ValueError, "engine"),
    ({"engine": None}, ValueError, "engine"),
    ({"dtype": "float16"}, ValueError, "dtype"),
    ({"client": object()}, TypeError, "Client"),
    ({"checkpoint": 3}, TypeError, "folder"),
    ({"checkpoint": "parts", "seed": None}, ValueError, "seed=0"),
    ({"progress": "yes"}, TypeError, "progress"),
]


@pytest.mark.parametrize(("changes", "kind", "words"), BAD)
def test_bad_input_is_refused_in_one_sentence(problem, monkeypatch, changes, kind, words):
    def work(name):
        raise AssertionError("an engine was loaded before the input was checked")

    monkeypatch.setattr("simulate.engines.load", work)
    arguments = {"problem": problem, "algorithm": GOOD, "time": [0.0, 1.0], "seed": 0, **changes}
    with pytest.raises(kind, match=words) as caught:
        sgd(**arguments)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_population_risk_needs_a_population(problem):
    with pytest.raises(ValueError, match="population"):
        sgd(problem.replace(population=None), GOOD, [1.0], statistics="population_risk")


def test_a_run_that_cannot_fit_is_refused_with_the_figure(problem, monkeypatch):
    monkeypatch.setattr("hsgd.machine.memory.available", lambda: 10**9)
    with pytest.raises(MemoryError, match=r"[34]\.\d+ GB, but 1 GB"):
        sgd(problem, GOOD, np.linspace(0, 1000, 30_000), num_replicates=2500, seed=0)


def test_memory_of_this_machine_is_known_or_none():
    known = hsgd.machine.memory.available()
    assert known is None or known > 2**20


@pytest.mark.parametrize("engine", ENGINES)
def test_dataset_follows_the_schema(problem, tmp_path, engine):
    times = np.array([0.0, 0.001, 0.3, 1.0])  # the first two are the same iteration
    runs = sgd(
        problem, SGD(0.4, 2), times, num_replicates=3, first_replicate=5, seed=2, engine=engine
    )
    assert dataset.check(runs) is None
    assert set(runs.data_vars) == {"empirical_risk", "population_risk", "distance"}
    assert runs.empirical_risk.dims == ("time", "replicate")
    assert (runs.time.values == times).all()
    assert runs.iteration.values.tolist() == [0, 0, 9, 30]
    assert runs.replicate.values.tolist() == [5, 6, 7]
    assert runs.replicate.attrs["long_name"] == "replicate"
    wanted = {"source": "simulation", "seed": "2", "engine": engine, "precision": "float64"}
    assert wanted.items() <= runs.attrs.items()
    assert runs.attrs["num_threads"] >= 1
    assert runs.attrs["num_diverged"] == 0
    start = np.sum((problem.A @ problem.x0 - problem.b) ** 2) / 60
    np.testing.assert_allclose(runs.empirical_risk[:2], start, rtol=1e-13)
    xr.testing.assert_identical(dataset.load(dataset.save(runs, tmp_path / "runs.nc")), runs)


def test_time_may_be_that_of_another_dataset(problem):
    first = sgd(problem, GOOD, np.linspace(0, 1, 7), seed=0)
    second = sgd(problem, GOOD, first.time, seed=0)
    assert (first.empirical_risk == second.empirical_risk).all()


def test_a_fresh_seed_is_recorded_and_repeats_the_run(problem):
    fresh = sgd(problem, GOOD, [1.0])
    again = sgd(problem, GOOD, [1.0], seed=int(fresh.attrs["seed"]))
    assert (fresh.empirical_risk == again.empirical_risk).all()
    assert (fresh.empirical_risk != sgd(problem, GOOD, [1.0]).empirical_risk).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_happens_without_steps(problem, engine):
    runs = sgd(problem, GOOD, [0.0], num_replicates=2, seed=0, statistics="distance", engine=engine)
    expected = np.sum((problem.x0 - problem.solution) ** 2)
    np.testing.assert_allclose(runs.distance, expected, rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_diverging_runs_are_infinite_never_nan_and_reported_once(problem, engine, batch_size):
    times = np.linspace(0, 400, 300)
    with pytest.warns(UserWarning, match="2 of 2 runs diverged") as caught:
        runs = sgd(problem, SGD(30.0, batch_size), times, num_replicates=2, seed=0, engine=engine)
    assert len(caught) == 1
    assert runs.attrs["num_diverged"] == 2
    for name in runs.data_vars:
        values = runs[name].values
        assert not np.isnan(values).any()
        assert np.isinf(values[-1]).all()
        assert np.isfinite(values[0]).all()
        # Once infinite, for ever infinite.
        assert (np.diff(np.isinf(values).astype(int), axis=0) >= 0).all()
    assert dataset.check(runs) is None


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_diverges_leaves_the_others_alone(engine):
    # Row 0 is zero and moves nothing; a visit of row 1 is the end. Two iterations: about a quarter
    # of the runs never read row 1, and stay where they were.
    problem = LeastSquares(np.array([[0.0], [1.0]]), np.ones(2), x0=[5.0])
    with pytest.warns(UserWarning, match="of 40 runs diverged"):
        runs = sgd(problem, SGD(1e200), [1.0], num_replicates=40, seed=0, engine=engine)
    distance = runs.distance.values
    assert set(distance.ravel()) == {16.0, np.inf}
    assert runs.attrs["num_diverged"] == np.isinf(distance).sum()


@pytest.mark.parametrize("engine", ENGINES)
def test_progress_bar_on_demand(problem, capsys, engine):
    sgd(problem, GOOD, [0.0, 5.0], num_replicates=2, seed=0, progress=True, engine=engine)
    shown = capsys.readouterr().err
    assert "simulate: 100%" in shown
    assert "300/300" in shown
    sgd(problem, GOOD, [0.0, 5.0], num_replicates=2, seed=0, engine=engine)
    sgd(problem, GOOD, [0.0, 5.0], num_replicates=2, seed=0, progress=False, engine=engine)
    assert capsys.readouterr().err == ""


def test_imports_are_light_and_blind_to_the_theory(tmp_path):
    script = (
        "import sys, simulate\n"
        "assert not {'numba', 'xarray', 'numpy', 'hsgd'} & set(sys.modules)\n"
        "simulate.sgd\n"
        "assert 'numba' not in sys.modules\n"
        "import numpy as np, hsgd\n"
        "from hsgd.algorithms.sgd import SGD\n"
        "from hsgd.problems.least_squares import LeastSquares\n"
        "problem = LeastSquares(np.eye(3), np.ones(3))\n"
        "simulate.sgd(problem, SGD(0.5), [1.0], seed=0, engine='reference')\n"
        "assert 'numba' not in sys.modules, 'the reference engine needs no compiler'\n"
        "simulate.sgd(problem, SGD(0.5), [1.0], seed=0)\n"
        "assert 'hsgd.problems' in sys.modules\n"
        "unseen = {'hsgd.theory', 'hsgd.exact', 'volterra', 'validation'}\n"
        "assert not unseen & set(sys.modules)\n"
        "hsgd.predict, hsgd.exact_mean\n"
        "assert unseen - {'validation'} <= set(sys.modules), 'these names are what is loaded'\n"
    )
    home = str(Path(hsgd.__file__).parents[1])
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": home},
        check=True,
    )


def test_growth_without_overflow_is_explained_and_a_start_at_an_interpolant_is_none():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(10, 20))
    problem = LeastSquares(rows, rng.normal(size=10))
    asked = {"num_replicates": 4, "seed": 0}
    with pytest.warns(UserWarning, match=r"grows to .* times .*exact_stability") as caught:
        sgd(problem, SGD(0.3), [0.0, 1.0, 2.0], **asked)
    assert len(caught) == 1
    # The risk rises from zero, for the ridge is felt; warnings are errors.
    at_rest = LeastSquares(rows, problem.b, ridge=1.0, x0=problem.solution)
    runs = sgd(at_rest, SGD(0.02), [0.0, 1.0, 5.0], **asked)
    risk = runs.empirical_risk.mean("replicate")
    assert risk[-1] > 1e6 * risk[0]


def test_growth_is_called_unstable_from_a_thousand_times_on():
    """One mode without noise: five steps multiply its risk by (1−γ)¹⁰, 1024 times or 974 times."""
    problem = LeastSquares(np.eye(1), np.ones(1))
    asked = {"time": [0.0, 5.0], "seed": 0, "engine": "reference"}
    with pytest.warns(UserWarning, match=r"grows to 1e\+03 times"):
        sgd(problem, SGD(3.0), **asked)
    sgd(problem, SGD(2.99), **asked)  # warnings are errors


def test_what_is_no_number_is_recorded_as_infinite():
    """The difference of two infinite squares: NaN would say that the run was not completed."""
    recorder = Recorder([hsgd.Quadratic(np.diag([1.0, -1.0]), name="difference")], 1, 1)
    recorder.record(0, 0, np.full((1, 2), 1e200), 1)
    assert recorder.values.tolist() == [[[np.inf]]]
    assert recorder.status().tolist() == [DIVERGED]
