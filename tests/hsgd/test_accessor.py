"""`ds.hsgd`: there from the import on, light, and one sentence where it cannot help."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot

import hsgd
import simulate
import validation
from hsgd import accessor, dataset


@pytest.fixture(autouse=True)
def backend():
    mpl.use("agg")
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def theory():
    problem = hsgd.LeastSquares(np.eye(30), np.ones(30))
    return hsgd.predict(problem, hsgd.SGD(0.2), np.linspace(0, 3, 7))


@pytest.fixture(scope="module")
def runs(theory):
    problem = hsgd.LeastSquares(np.eye(30), np.ones(30))
    return simulate.sgd(problem, hsgd.SGD(0.2), theory.time, num_replicates=32, seed=0)


def test_the_accessor_needs_no_more_than_the_import():
    code = (
        "import sys, hsgd, xarray as xr\n"
        "from hsgd import accessor\n"
        "print(xr.Dataset().hsgd.check())\n"
        "print(sorted({'numba', 'sympy', 'matplotlib', 'zarr'} & set(sys.modules)))\n"
        "print(list(accessor._attached))\n"
        "import validation\n"
        "print(list(accessor._attached))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    expected = "this dataset was not made by hsgd.\n[]\n[]\n['compare']\n"
    assert done.stdout.endswith(expected), done.stderr


def test_compare_says_what_to_import_and_then_works_in_either_order(theory, runs, monkeypatch):
    found = theory.hsgd.compare(runs, discrepancy=0.1)
    expected = validation.compare(theory, runs, discrepancy=0.1)
    other = runs.hsgd.compare(theory, discrepancy=0.1)
    xr.testing.assert_equal(found, expected)
    xr.testing.assert_equal(other, expected)
    assert other.attrs["reference_source"] == "theory"
    monkeypatch.setattr(accessor, "_attached", {})
    with pytest.raises(ImportError, match="`import validation` first"):
        theory.hsgd.compare(runs)
    with pytest.raises(ValueError, match="cannot be compared"):
        validation.attached.compare(theory, "runs.nc")


def test_plot_is_the_function(theory, runs):
    grid = theory.hsgd.plot(runs=runs)
    again = theory.hsgd.plot(runs)
    labels = [[t.get_text() for t in g[0, 0].figure.legends[-1].get_texts()] for g in (grid, again)]
    assert labels[0] == labels[1]
    assert "90% of 32 runs" in labels[0]
    assert runs.hsgd.plot(statistics="distance").shape == (1, 1)


def test_trees_are_made_saved_and_drawn(theory, runs, tmp_path):
    found = theory.hsgd.compare(runs, discrepancy=0.1)
    tree = theory.hsgd.to_tree(runs, found, title="a case", again=theory)
    assert set(tree.children) == {"theory", "simulation", "comparison", "again"}
    assert tree.attrs["title"] == "a case"
    assert tree.hsgd.check() is None
    assert dataset.load_tree(tree.hsgd.save(tmp_path / "case.nc")).identical(tree)
    assert "theory" in repr(tree.hsgd)
    with pytest.raises(ValueError, match="name those to draw"):
        tree.hsgd.plot()
    with pytest.raises(ValueError, match="there is no group 'exact': choose among"):
        tree.hsgd.plot("exact")
    assert tree.hsgd.plot("theory", "simulation").shape == (1, 2)
    case = theory.hsgd.to_tree(runs, found)
    assert case.hsgd.plot().shape == (1, 2)
    both = dataset.tree({"one": case, "two": case})
    with pytest.raises(ValueError, match="its own groups are one, two: draw one of them"):
        both.hsgd.plot()
    assert both["one"].hsgd.plot(statistics="distance").shape == (1, 1)
    with pytest.raises(ValueError, match="two datasets would be called 'theory'"):
        theory.hsgd.to_tree(theory)


def test_save_is_the_function(theory, tmp_path):
    assert dataset.load(theory.hsgd.save(tmp_path / "theory.nc")).identical(theory)
    assert theory.hsgd.check() is None
    assert "(theory)" in repr(theory.hsgd)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda ds: ds.hsgd.plot(), "cannot be drawn: the attributes .* are missing"),
        (lambda ds: ds.hsgd.save("x.nc"), "cannot be saved: the attributes"),
        (lambda ds: ds.hsgd.compare(ds), "theory cannot be compared: the attributes"),
        (lambda ds: ds.hsgd.to_tree(), "this cannot be part of a tree: the attributes"),
        (lambda ds: xr.DataTree(ds).hsgd.plot(), "holds no curves"),
        (lambda ds: xr.DataTree(ds).hsgd.save("x.nc"), "not that of a tree of ours"),
    ],
)
def test_foreign_datasets_get_one_sentence(use, message):
    foreign = xr.Dataset({"temperature": ("time", [1.0, 2.0])}, {"time": [0.0, 1.0]})
    assert "not made by hsgd" in foreign.hsgd.check()
    with pytest.raises(ValueError, match=message):
        use(foreign)
