"""The dataset and its files: one grid, a lossless round trip, nothing lost or foreign read."""

import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import hsgd
from hsgd import dataset
from hsgd.dataset import provenance


@pytest.fixture
def curve():
    rng = np.random.default_rng(0)
    problem = hsgd.LeastSquares(rng.normal(size=(10, 3)), rng.normal(size=10))
    algorithm = hsgd.SGD(hsgd.CosineDecay(0.3, 2.0))
    grid = dataset.time_grid(np.linspace(0.0, 3.0, 50), 10)
    values = rng.normal(size=len(grid.unique))
    attrs = provenance.attributes(problem, algorithm, source="theory", title="a test")
    return dataset.assemble(
        grid, problem, algorithm, {"empirical_risk": (("time",), values, "risk")}, attrs
    )


def test_time_is_the_callers_array_and_iterations_are_rounded():
    time = np.sort(np.random.default_rng(0).uniform(0, 3, 40))
    grid = dataset.time_grid(xr.DataArray(time, dims="time"), 7)
    np.testing.assert_array_equal(grid.time, time)
    np.testing.assert_array_equal(grid.iteration, np.rint(time * 7))
    np.testing.assert_array_equal(grid.unique[grid.positions], grid.iteration)


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ([1.0, 0.5], "increase strictly"),
        ([0.5, 0.5], "increase strictly"),
        ([-1.0, 0.5], "at least 0"),
        ([], "empty"),
        ([0.0, np.nan], "NaN"),
        ([[0.0, 1.0]], "1 dimension"),
        ([0.0, 1e30], "shorten"),
        ([0.0, 5e16], "shorten"),
        ("soon", "1 dimension|real numbers"),
    ],
)
def test_bad_times_get_one_sentence(time, message):
    with pytest.raises((TypeError, ValueError), match=message):
        dataset.time_grid(time, 100)


def test_the_round_trip_is_the_identity(curve, tmp_path):
    path = dataset.save(curve, tmp_path / "curve.nc")
    loaded = dataset.load(path)
    xr.testing.assert_identical(loaded, curve)
    assert {k: type(v) for k, v in loaded.attrs.items()} == {
        k: type(v) for k, v in curve.attrs.items()
    }
    for name in curve.variables:
        assert loaded[name].dtype == curve[name].dtype
        np.testing.assert_array_equal(loaded[name].values, curve[name].values)


def test_any_netcdf_reader_can_open_the_files(curve, tmp_path):
    path = dataset.save(curve, tmp_path / "curve.nc")
    with xr.open_dataset(path, engine="h5netcdf") as plain:
        xr.testing.assert_equal(plain.load(), curve)


def test_infinite_and_missing_values_survive(curve, tmp_path):
    curve["empirical_risk"][3:] = np.inf
    curve["empirical_risk"][5] = np.nan
    xr.testing.assert_identical(dataset.load(dataset.save(curve, tmp_path / "c.nc")), curve)


def test_a_failed_write_leaves_the_old_file(curve, tmp_path, monkeypatch):
    path = dataset.save(curve, tmp_path / "curve.nc")
    before = path.read_bytes()

    def full_disk(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="free some space"):
        dataset.save(curve, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["curve.nc"]


def test_a_write_to_a_really_full_disk_leaves_the_old_file(curve, tmp_path):
    # A file-size limit is the nearest thing to a full disk that needs no privileges.
    path = dataset.save(curve, tmp_path / "curve.nc")
    before = path.read_bytes()
    script = (
        "import resource, signal, sys\n"
        "from hsgd import dataset\n"
        "curve = dataset.load(sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    dataset.save(curve, sys.argv[1])\n"
        "except OSError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert "could not be written" in done.stdout, done.stderr
    assert path.read_bytes() == before


def test_damage_and_foreign_files_are_refused_in_one_sentence(curve, tmp_path):
    path = dataset.save(curve, tmp_path / "curve.nc")
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    target = tmp_path / "mutated.nc"
    for position in rng.integers(len(content), size=300):
        mutated = bytearray(content)
        mutated[position] ^= int(rng.integers(1, 256))
        target.write_bytes(mutated)
        with pytest.raises(ValueError, match="checksum"):
            dataset.load(target)
    for bytes_ in (content[:2000], content[:-1], b"hello", b""):
        target.write_bytes(bytes_)
        with pytest.raises(ValueError, match="checksum"):
            dataset.load(target)
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(target, engine="h5netcdf")
    with pytest.raises(ValueError, match="written by another program"):
        dataset.load(target)
    with pytest.raises(FileNotFoundError, match="check the path"):
        dataset.load(tmp_path / "nowhere.nc")


def test_unwritable_places_are_refused(curve, tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist: make it first"):
        dataset.save(curve, tmp_path / "missing" / "curve.nc")
    with pytest.raises(IsADirectoryError, match="add a file name"):
        dataset.save(curve, tmp_path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda ds: ds.assign_attrs(source="dreams"), "source is 'dreams'"),
        (lambda ds: ds.assign_attrs(flag=True), "flag is a bool"),
        (lambda ds: ds.assign_attrs(schema_version=99), "update hsgd"),
        (lambda ds: ds.drop_attrs(), "missing"),
        (lambda ds: ds.drop_vars("iteration"), "belong together"),
        (lambda ds: ds.isel(time=slice(None, None, -1)), "does not increase"),
        (lambda ds: ds.isel(time=[0, 1, 1, 2]), "does not increase"),
        (lambda ds: ds.assign(z=("time", np.ones(50) * 1j)), "complex128"),
        (lambda ds: "file.nc", "a str"),
    ],
)
def test_check_says_what_is_wrong(curve, spoil, message):
    assert dataset.check(curve) is None
    sentence = dataset.check(spoil(curve))
    assert sentence is not None
    assert message in sentence


def test_rate_and_epoch_are_those_of_the_iteration():
    """At 50 times of which most lie between two iterations; two rows are drawn in each."""
    problem, time = hsgd.LeastSquares(np.eye(10), np.ones(10)), np.linspace(0.0, 3.0, 50)
    sgd = hsgd.SGD(hsgd.CosineDecay(0.3, 2.0), batch_size=2)
    found = hsgd.exact_mean(problem, sgd, time, statistics="empirical_risk")
    k = np.rint(10 * time)
    np.testing.assert_array_equal(found.iteration, k)
    np.testing.assert_array_equal(found.epoch, 2 * k / 10)
    expected = 0.15 * (1 + np.cos(np.pi * np.minimum(k / 10 / 2, 1)))
    np.testing.assert_allclose(found.learning_rate, expected, rtol=1e-13)


def test_the_dataset_names_the_data_it_was_made_from(curve):
    other = hsgd.LeastSquares(np.eye(3), np.ones(3))
    assert provenance.describe_problem(other) != curve.attrs["problem"]
    assert '"learning_rate"' in curve.attrs["algorithm"]
    for name in curve.variables:
        assert {"units", "long_name"} <= set(curve[name].attrs)


@pytest.mark.parametrize("size", [1, 7, hsgd.Piecewise((0.5, 1.25), (1, 4, 32))])
def test_times_end_after_that_many_passes(size):
    problem = hsgd.LeastSquares(np.eye(100), np.ones(100))
    algorithm = hsgd.SGD(0.1, size)
    times = hsgd.times(problem, algorithm, epochs=12, num=30)
    last = round(times[-1] * 100)
    rows = [algorithm.rows_drawn(k, 100) for k in (last - 1, last)]
    assert rows[0] < 1200 <= rows[1]
    np.testing.assert_array_equal(times[:3], [0.0, 0.01, 0.02])
    np.testing.assert_allclose(times * 100, np.unique(np.rint(times * 100)), rtol=1e-14)
    assert 20 <= len(times) <= 30


def test_times_are_spaced_as_asked_and_a_sweep_reaches_its_end_with_all_batches():
    problem = hsgd.LeastSquares(np.eye(1000), np.ones(1000))
    for spacing, scale in (("linear", lambda t: t), ("sqrt", np.sqrt)):
        times = hsgd.times(problem, hsgd.SGD(0.1), epochs=4, num=9, spacing=spacing)
        np.testing.assert_allclose(scale(times), np.linspace(0, scale(4.0), 9), atol=2e-3)
    sizes = xr.DataArray([8, 2], dims="batch_size")
    assert hsgd.times(problem, hsgd.SGD(0.1, sizes), epochs=4)[-1] == 2.0
    rows = hsgd.GaussianRows(1.0, np.ones(50))
    assert hsgd.times(rows, hsgd.StreamingSGD(0.1), epochs=4)[-1] == 4.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs is 0.0, but it must be finite and greater"),
        ({"epochs": 0.01}, "before the second iteration"),
        ({"epochs": 1e30}, "more than 2.62 rows"),
        ({"num": 1}, "num is 1"),
        ({"spacing": "cubic"}, "spacing"),
    ],
)
def test_times_that_cannot_be_get_one_sentence(options, message):
    problem = hsgd.LeastSquares(np.eye(100), np.ones(100))
    with pytest.raises(ValueError, match=message) as caught:
        hsgd.times(problem, hsgd.SGD(0.1), **options)
    assert "\n" not in str(caught.value)


def test_a_verdict_is_what_a_dataset_shows_first(tmp_path):
    problem = hsgd.LeastSquares(np.random.default_rng(0).normal(size=(40, 8)), np.ones(40))
    sgd = hsgd.SGD(0.25 * hsgd.critical_learning_rate(problem))
    ends = hsgd.limits(problem, sgd)
    for found in (ends, hsgd.diagnose(problem, sgd), hsgd.exact_stability(problem)):
        verdict = found.attrs["verdict"]
        assert repr(found).startswith(verdict[:40])
        assert found._repr_html_().startswith(f"<p><strong>{verdict[:20]}")
        assert isinstance(found, xr.Dataset)
    assert ends.attrs["verdict"].startswith("SGD settles at empirical risk")
    hsgd.dataset.save(ends, tmp_path / "ends.nc")
    again = hsgd.load(tmp_path / "ends.nc")
    xr.testing.assert_identical(again, ends)
    assert repr(ends.drop_attrs()).startswith("<xarray.Dataset>")
    assert "diverges" in hsgd.limits(problem, hsgd.SGD(10.0)).attrs["verdict"]
