"""How many replicates, where they run, and what their mean is worth."""

import warnings

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import simulate
from hsgd import dataset
from hsgd.algorithms.sgd import SGD
from hsgd.machine import threads
from simulate import sgd
from simulate.run import stopping

TIMES = [0.0, 0.5, 2.0]


def test_summary_is_mean_standard_error_and_effective_size(problem):
    runs = sgd(problem, SGD(0.4), TIMES, num_replicates=50, seed=0)
    found = simulate.summary(runs)
    assert dataset.check(found) is None
    np.testing.assert_allclose(found.distance, runs.distance.mean("replicate"))
    expected = stats.sem(runs.distance.values, axis=1)
    np.testing.assert_allclose(found.distance_standard_error, expected, atol=1e-15)
    sizes = found.distance_effective_size.values
    assert sizes[0] == pytest.approx(50)
    assert 1 < sizes[-1] < 50
    # One run that is all of the mean counts as one.
    runs.distance[:, 1:] = 0.0
    np.testing.assert_allclose(simulate.summary(runs).distance_effective_size, 1.0)
    # What is not there does not count.
    runs.distance[2, :20] = np.nan
    runs.distance[2, 20:] = 3.0
    part = simulate.summary(runs).isel(time=2)
    assert float(part.distance) == 3.0
    assert float(part.distance_effective_size) == pytest.approx(30)
    with pytest.raises(TypeError, match="replicate"):
        simulate.summary(found)


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e200])
def test_errors_of_very_small_and_large_numbers_are_not_lost(scale):
    """Their squares are zero or infinite: an error of nothing, where runs differ by a third."""
    values = np.random.default_rng(0).normal(3.0, 1.0, (1, 40))
    found = simulate.summary(xr.Dataset({"risk": (("time", "replicate"), scale * values)}))
    expected = scale * stats.sem(values[0])
    assert float(found.risk_standard_error[0]) == pytest.approx(expected, rel=1e-12)


def test_a_summary_counts_what_is_there_whatever_its_sign():
    """Errors are of the runs that are there; sizes do not cancel where values are negative."""
    values = np.random.default_rng(0).normal(3.0, 1.0, (2, 40))
    values[1, 25:] = np.nan
    for sign in (1.0, -1.0):
        found = simulate.summary(xr.Dataset({"risk": (("time", "replicate"), sign * values)}))
        for row, there in enumerate((values[0], values[1, :25])):
            error, size = found.risk_standard_error[row], found.risk_effective_size[row]
            assert float(error) == pytest.approx(stats.sem(there), rel=1e-12)
            assert float(size) == pytest.approx(there.sum() ** 2 / (there**2).sum(), rel=1e-12)


def test_auto_stops_when_the_means_are_precise(problem):
    rough = sgd(problem, SGD(0.4), TIMES, num_replicates="auto", target_standard_error=0.05, seed=0)
    fine = sgd(
        problem, SGD(0.4), TIMES, num_replicates="auto", target_standard_error=0.02, seed=0,
        first_replicate=3,
    )  # fmt: skip
    for runs, target in ((rough, 0.05), (fine, 0.02)):
        means = simulate.summary(runs)
        for name in runs.data_vars:
            assert (means[f"{name}_standard_error"] <= target * means[name]).all()
        assert runs.attrs["target_standard_error"] == target
        assert runs.attrs["confidence"] == 0.95
    assert fine.sizes["replicate"] > 2 * rough.sizes["replicate"]
    # They are the runs that they would have been.
    whole = sgd(
        problem, SGD(0.4), TIMES, first_replicate=3, num_replicates=fine.sizes["replicate"], seed=0
    )
    assert (fine.to_dataarray().values == whole.to_dataarray().values).all()
    assert (fine.replicate == whole.replicate).all()


def test_auto_gives_up_where_there_is_no_hope(problem, monkeypatch):
    monkeypatch.setattr(stopping, "MOST_REPLICATES", 32)
    with pytest.warns(UserWarning, match="ask for less precision"):
        runs = sgd(
            problem, SGD(0.4), TIMES, num_replicates="auto", target_standard_error=1e-6, seed=0
        )
    assert runs.sizes["replicate"] == 32
    with pytest.warns(UserWarning, match="diverged"):
        runs = sgd(problem, SGD(50.0), [300.0], num_replicates="auto", seed=0)
    assert runs.sizes["replicate"] == 16
    with pytest.raises(ValueError, match="target_standard_error"):
        sgd(problem, SGD(0.4), TIMES, num_replicates="auto", target_standard_error=0.0, seed=0)


def coverage(rule, first, more, trials=2000, target=0.2):
    """How often the mean at the stop is within 1.96·target of the truth, which is 1.

    The rule looks first at `first` runs and then at `more(count)` more each time.
    """
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(trials):
        values, count, look = rng.normal(1.0, 0.9, 4096), first, 0
        while True:
            mean, error = values[:count].mean(), values[:count].std(ddof=1) / np.sqrt(count)
            if error * rule(look, count) <= 1.96 * target * abs(mean):
                break
            count, look = count + more(count), look + 1
        covered += abs(mean - 1.0) <= 1.96 * target * abs(mean)
    return covered / trials


def test_confidence_is_held_although_the_runs_are_looked_at():
    lowest = stats.binom.ppf(1e-4, 2000, 0.95) / 2000
    assert coverage(stopping.half_width, stopping.FIRST_LOOK, lambda count: count) >= lowest
    # The negative control: a look after every run, with the interval of a single look.
    assert coverage(lambda look, count: 1.96, 3, lambda count: 1) < lowest


@pytest.mark.parametrize("look", [0, 1, 5])
def test_a_look_has_half_the_share_of_the_one_before(look):
    """Two-sided and by Student's law: the shares of all looks add up to five per cent, no more."""
    count = 16 * 2**look
    student, width = stats.t(count - 1), stopping.half_width(look, count)
    outside = student.cdf(-width) + student.sf(width)
    assert outside == pytest.approx(0.05 / 2 ** (look + 1), rel=1e-9)


@pytest.mark.parametrize(("slack", "count"), [(1.01, 32), (0.99, 64)])
def test_auto_stops_at_the_first_look_that_is_sharp_enough(slack, count):
    """Not before and not after: the target is just missed, or just met, by 32 runs.

    Runs are 1 ± 0.4 in turns, so that the error of the mean of N is 0.4/√(N−1); of one statistic,
    at one time in the middle.
    """

    def run(first, number):
        loud = np.ones((3, number))
        loud[1] += 0.4 * (-1.0) ** np.arange(number)
        calm = np.ones((3, number))
        numbers, complete = np.arange(first, first + number), np.zeros(number, dtype=int)
        dims = ("time", "replicate")
        return xr.Dataset(
            {"loud": (dims, loud), "calm": (dims, calm)},
            {"replicate": numbers, "status": ("replicate", complete)},
            {"status": "complete", "num_diverged": 0},
        )

    # At the second look the error probability is 5%/4; the promise is 1.96 times the target.
    just = 0.4 / np.sqrt(31) * stats.t.isf(0.05 / 8, 31) / stats.norm.isf(0.025)
    runs = stopping.until_precise(run, 3, slack * just)
    assert runs.replicate.values.tolist() == list(range(3, 3 + count))


def test_threads_can_be_limited_for_one_thread(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "3")
    with threads.limited(1):
        assert threads.available() == 1
    assert threads.available() == 3


def test_a_client_must_be_one(problem):
    with pytest.raises(TypeError, match=r"distributed\.Client"):
        sgd(problem, SGD(0.4), TIMES, seed=0, client=object())


@pytest.fixture
def client():
    """Two workers in this process."""
    distributed = pytest.importorskip("distributed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


@pytest.mark.filterwarnings("ignore:.*:ResourceWarning")
def test_a_cluster_gives_the_same_runs(problem, client):
    expected = sgd(problem, SGD(0.4), TIMES, num_replicates=13, first_replicate=2, seed=4)
    runs = sgd(
        problem, SGD(0.4), TIMES, num_replicates=13, first_replicate=2, seed=4, client=client
    )
    assert (runs.to_dataarray().values == expected.to_dataarray().values).all()
    assert (runs.replicate == expected.replicate).all()
    assert runs.attrs["num_threads"] == 2
    assert dataset.check(runs) is None
    # Fresh entropy is drawn once, and recorded.
    fresh = sgd(problem, SGD(0.4), TIMES, num_replicates=3, client=client)
    again = sgd(problem, SGD(0.4), TIMES, num_replicates=3, seed=int(fresh.attrs["seed"]))
    assert (fresh.to_dataarray().values == again.to_dataarray().values).all()
    with pytest.warns(UserWarning, match="3 of 3 runs diverged"):
        sgd(problem, SGD(50.0), [300.0], num_replicates=3, seed=0, client=client)
