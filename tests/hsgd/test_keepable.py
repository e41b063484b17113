"""What `check` says of a dataset is what `save` then does, in NetCDF and Zarr alike."""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hsgd
from hsgd import dataset

FORMS = ("x.nc", "x.zarr")
TIMES = np.array([0.0, 1.0, 2.0])


@pytest.fixture(scope="module")
def curve():
    problem = hsgd.LeastSquares(np.eye(3), np.ones(3))
    return hsgd.exact_mean(problem, hsgd.SGD(0.5), TIMES, statistics="empirical_risk")


ATTRIBUTES = {
    "numpy text": np.str_("a"),
    "text": "à la",
    "small": np.int8(3),
    "half": np.float16(0.5),
    "largest": np.uint64(2**64 - 1),
    "not a number": float("nan"),
    "too large": 2**70,
    "surrogate": "\ud800",
    "nul": "a\0b",
    "none": None,
    "flag": True,
    "numpy flag": np.bool_(True),
    "complex": 1j,
    "date": np.datetime64("2020"),
    "long": np.longdouble(1.5),
}
NAMES = ("é", "a b", "_x", "a/b", 3, "", "a\0", "\ud800", "..", ".", "a\nb", "x" * 300)


def both_agree(data, tmp_path):
    """Either `check` refuses and so does `save`, or both forms bring back what was saved."""
    problem = dataset.check(data)
    for form in FORMS:
        path = tmp_path / form
        if problem is not None:
            assert problem.endswith(".")
            with pytest.raises(ValueError, match="cannot be saved"):
                dataset.save(data, path)
            continue
        loaded = dataset.load(dataset.save(data, path))
        xr.testing.assert_equal(loaded, data)
        assert list(loaded.attrs) == list(data.attrs)
    return problem is None


@pytest.mark.parametrize("kind", ATTRIBUTES)
@pytest.mark.parametrize("of", ["dataset", "variable"])
def test_attributes(curve, tmp_path, kind, of):
    data = curve.copy(deep=True)
    (data if of == "dataset" else data.empirical_risk).attrs["word"] = ATTRIBUTES[kind]
    assert both_agree(data, tmp_path) == (list(ATTRIBUTES).index(kind) < 6)


@pytest.mark.parametrize("key", ["", 3, "\ud800"])
def test_names_of_attributes(curve, tmp_path, key):
    data = curve.copy(deep=True)
    data.attrs[key] = 1
    assert not both_agree(data, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_variables(curve, tmp_path, name):
    data = curve.copy()
    data[name] = ("time", np.arange(3.0))
    assert both_agree(data, tmp_path) == (NAMES.index(name) < 3)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["a", "bb", "c"]),
        np.array(["a", "bb", "c"], dtype=object),
        pd.Index(["a", "bb", "c"]),
        pd.array(["a", "bb", "c"], dtype="string"),
    ],
)
def test_text_comes_back_whatever_it_was(curve, tmp_path, labels):
    assert both_agree(curve.assign_coords(label=("time", labels)), tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, None, "x"], dtype=object),
        np.array([True, False, True]),
        np.array([1, 2, 3], dtype=np.longdouble),
        pd.Categorical(["a", "b", "c"]),
        np.array(["a\0b", "c", "d"], dtype=object),
        np.array([datetime.date(2020, 1, 1)] * 3, dtype=object),
    ],
)
def test_what_no_file_can_hold(curve, tmp_path, values):
    assert not both_agree(curve.assign_coords(label=("time", values)), tmp_path)


def test_an_index_of_several_levels(curve, tmp_path):
    data = curve.assign_coords(m=("z", [1, 2]), n=("z", [3, 4])).set_index(z=["m", "n"])
    assert not both_agree(data, tmp_path)
    assert "reset_index('z')" in dataset.check(data)
    assert both_agree(data.reset_index("z"), tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_no_encoding_is_inherited(curve, tmp_path, form):
    """What another file said of its numbers would round these."""
    data = curve.copy(deep=True)
    data.empirical_risk.encoding = {"dtype": "int16", "scale_factor": 0.1}
    loaded = dataset.load(dataset.save(data, tmp_path / form))
    np.testing.assert_array_equal(loaded.empirical_risk, curve.empirical_risk)
    assert data.empirical_risk.encoding  # the user's own is left alone


@pytest.mark.parametrize("name", ["x.csv", "x.json", "theory", "x.ncc"])
def test_a_name_says_what_is_written(curve, tmp_path, name):
    with pytest.raises(ValueError, match=r"NetCDF \(.nc\) or Zarr"):
        dataset.save(curve, tmp_path / name)
    assert not any(Path(tmp_path).iterdir())


@pytest.mark.parametrize("version", ["new", 1.5])
def test_a_version_that_is_none(curve, version):
    assert "no whole number" in dataset.check(curve.assign_attrs(schema_version=version))
