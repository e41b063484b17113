"""Every rule that the registry finds: engines agree on all kinds of rows, stopped or not.

What a rule should do is said in a test of its own, by a loop that does not share its code.
"""

import numpy as np
import pytest

import hsgd
from hsgd.problems.feature_rows import FeatureRows
from hsgd.problems.gaussian_rows import GaussianRows
from simulate import Checkpoint, sgd
from simulate.rules.greedy import GreedyRule
from simulate.rules.registry import algorithms, kind_of, rules
from tests.simulate.conftest import make_problem
from tests.simulate.examples import EXAMPLES, ON_DATA
from tests.simulate.test_algorithms import POPULATIONS, TIMES, sparse_copy
from tests.simulate.test_checkpoint import small_pieces
from tests.tools.killing import Killed, stop_writing

__all__ = ["small_pieces"]  # a fixture

DATA = make_problem(ridge=0.7)
INPUTS = GaussianRows(np.arange(1.0, 6.0) / 5, np.ones(5), 0.3)
ROWS = {
    "dense": DATA,
    "sparse": sparse_copy(DATA),
    "diagonal": POPULATIONS["diagonal"],
    "dense covariance": POPULATIONS["dense"].replace(x0=np.linspace(-1, 1, 11)),
    "features": FeatureRows(
        INPUTS, np.random.default_rng(1).standard_normal((7, 5)), ridge=0.1, x0=np.ones(7)
    ),
}
PAIRS = [
    (rows, name)
    for rows in ROWS
    for name in EXAMPLES
    if rows in ("diagonal", "dense covariance")
    or (name in ON_DATA and kind_of(DATA, EXAMPLES[name]) is not GreedyRule)
]
ASKED = {"num_replicates": 2, "seed": 3}


def values(runs):
    return runs.to_dataarray().values


def test_the_folder_is_what_is_known():
    assert {"GeneralMomentum", "AdaGradNorm", "LineSearch", "Polyak"} <= set(EXAMPLES)
    assert len(set(algorithms())) == len(algorithms())
    finding = [rule.finds_rates() for rule in rules()]
    assert finding == sorted(finding)
    for rule in rules():
        assert len({kind.is_adaptive for kind in rule.algorithms}) == 1
        assert (rule.compiled_rate is not None) == rule.finds_rates()


# Each pair compiles its own kernels for seconds. Every rule on one kind of rows, and every kind of
# rows with one rule; the files about single rules compile some more, and the slow tests all.
COVER = {
    ("dense", "SignSGD"),
    ("sparse", "AdaGradNorm"),
    ("features", "GeneralMomentum"),
    ("dense covariance", "Polyak"),
    ("diagonal", "LineSearch"),
    ("dense", "DANA"),
}


def covering(pairs):
    """All pairs, those that are not in the cover as slow ones; a new rule is in it by itself."""
    covered = {name for _, name in COVER}
    return [
        pair
        if pair in COVER or (pair[1] not in covered and pair[0] == "diagonal")
        else pytest.param(*pair, marks=pytest.mark.slow)
        for pair in pairs
    ]


@pytest.mark.parametrize(("rows", "name"), covering(PAIRS))
def test_the_engines_agree(rows, name):
    for more, dtype in (({}, "float32"), ({"batch_size": 3}, "float64")):
        algorithm = EXAMPLES[name].replace(**more)
        plain, found = (
            values(sgd(ROWS[rows], algorithm, TIMES, engine=engine, dtype=dtype, **ASKED))
            for engine in ("reference", "cpu")
        )
        np.testing.assert_allclose(found, plain, rtol=1e-10)
        assert (plain[:, -1] != plain[:, 0]).any()


@pytest.mark.parametrize("engine", ["reference", "cpu"])
@pytest.mark.parametrize(
    ("rows", "name"), covering([pair for pair in PAIRS if pair[0] != "sparse"])
)
def test_killed_it_resumes_to_the_bit(tmp_path, monkeypatch, small_pieces, engine, rows, name):
    times, asked = np.linspace(0, 3, 40), {"engine": engine, **ASKED}
    expected = values(sgd(ROWS[rows], EXAMPLES[name], times, **asked))
    folder = Checkpoint(tmp_path, seconds=0.0)
    with monkeypatch.context() as patch:
        stop_writing(patch, 3)
        with pytest.raises(Killed):
            sgd(ROWS[rows], EXAMPLES[name], times, checkpoint=folder, **asked)
    found = values(sgd(ROWS[rows], EXAMPLES[name], times, checkpoint=folder, **asked))
    assert (found == expected).all()


@pytest.mark.parametrize("name", [n for n in EXAMPLES if EXAMPLES[n].only_simulated])
def test_the_theory_refuses_it(name):
    with pytest.raises(TypeError, match=f"only simulate.sgd knows {name}: run it there, or pass"):
        hsgd.predict(POPULATIONS["diagonal"], EXAMPLES[name], TIMES)
