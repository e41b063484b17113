"""Algorithms chosen on the command line are those of the function."""

import numpy as np
import pytest
from scipy import stats

import hsgd
from simulate.__main__ import main
from simulate.runs import sgd

A = np.random.default_rng(0).standard_normal((40, 20)) / np.sqrt(20)
PROBLEM = hsgd.LeastSquares(A, A.sum(axis=1))
REST = {"batch_size": 2, "sampling": "reshuffle"}
ALGORITHMS = {
    "sgd": hsgd.SGD(0.2, **REST),
    "heavy-ball:0.5": hsgd.HeavyBall(0.2, 0.5, **REST),
    "nesterov:0.5": hsgd.Nesterov(0.2, 0.5, **REST),
    "adagrad-norm:2": hsgd.AdaGradNorm(0.2, 2.0, **REST),
    "dana-constant": hsgd.DANA.constant(PROBLEM, 0.2, **REST),
    "sign-sgd": hsgd.SignSGD(0.2, **REST),
    "dana-decaying:1.5": hsgd.DANA.decaying(PROBLEM, 0.2, 1.5, **REST),
}


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, A=PROBLEM.A, b=PROBLEM.b)
    return [str(path), "--learning-rate", "0.2", "--num-times", "3", "--epochs", "4"]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_name_is_the_noun(words, tmp_path, capsys, name):
    out = tmp_path / "runs.nc"
    more = ["--batch-size", "2", "--sampling", "reshuffle", "--seed", "1", "--engine", "reference"]
    assert main([*words, *more, "--algorithm", name, "--out", str(out)]) == 0
    assert "empirical_risk" in capsys.readouterr().out
    found = hsgd.dataset.load(out)
    expected = sgd(PROBLEM, ALGORITHMS[name], found.time, seed=1, engine="reference")
    assert (found.empirical_risk == expected.empirical_risk).all()
    assert found.attrs["algorithm"] == expected.attrs["algorithm"]


def test_the_error_printed_is_that_of_the_mean(words, tmp_path, capsys):
    out = tmp_path / "runs.nc"
    more = ["--replicates", "2", "--seed", "1", "--engine", "reference", "--out", str(out)]
    assert main([*words, *more]) == 0
    last = hsgd.dataset.load(out).empirical_risk[-1]
    # The start, where all runs are one, and the end.
    line = next(line for line in capsys.readouterr().out.splitlines() if "empirical_risk" in line)
    assert line.split()[4:] == [f"{float(last.mean()):.5g}", "±", f"{stats.sem(last):.2g}"]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--algorithm", "adam"], "--algorithm is 'adam': write sgd; heavy-ball:MOMENTUM"),
        (["--algorithm", "heavy-ball"], "--algorithm is 'heavy-ball': write"),
        (["--algorithm", "nesterov:x"], "--algorithm is 'nesterov:x': write"),
        (["--algorithm", "nesterov:1"], "momentum is 1, but it must be below 1"),
        (["--algorithm", "adagrad-norm:0"], "initial is 0.0, but it must be finite and greater"),
        (["--algorithm", "dana-constant", "--schedule", "power:1"], "leave --schedule out."),
    ],
)
def test_bad_names_are_refused(words, capsys, more, sentence):
    assert main([*words, *more]) == 2
    assert sentence in capsys.readouterr().err
