"""Whatever is passed: the right answer, a warning with it, or one clear sentence. Nothing else."""

import collections
import hashlib

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hsgd
import simulate
import volterra
from tests.tools.catalogue import TIMES, entries, things, trials
from tests.tools.trials import Entry, attempt

EVERY = 48
"""Of the catalogue's tens of thousands of trials the quick test takes one in so many."""


def complaints(chosen):
    found = [trial for entry in entries() for trial in trials(entry, chosen=chosen)]
    counts = collections.Counter(trial.outcome for trial in found)
    print(f"\ninputs tried: {len(found)}; " + str({o.value: n for o, n in counts.items()}))
    return [str(trial) for trial in found if not trial.outcome.allowed]


def test_a_sample_of_the_catalogue(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def chosen(label):
        return hashlib.sha256(label.encode(errors="replace")).digest()[0] % EVERY == 0

    assert not complaints(chosen)


@pytest.mark.slow
def test_the_whole_catalogue(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not complaints(None)


@pytest.mark.parametrize(
    ("function", "outcome"),
    [
        (lambda x: np.array([np.nan]), "SILENT NaN"),
        (lambda x: {}[x], "CRASH"),
        (lambda x: 1 / np.float64(0), "WARNING OF A LIBRARY"),
        (lambda x: [][0], "CRASH"),
        (lambda x: int("x"), "UNCLEAR MESSAGE"),
        (lambda x: np.linalg.inv(np.zeros((2, 2))), "UNCLEAR MESSAGE"),
        (lambda x: float("inf"), "SILENT INFINITY"),
        (lambda x: np.array([2.0]), "ANOTHER ANSWER"),
    ],
)
def test_the_catalogue_notices(function, outcome):
    trial = attempt(Entry("mine", function, {"x": 0}), "x", "a value", 1, np.array([1.0]))
    assert trial.outcome.value == outcome


# --- composition: data of any shape, type and scale, all the way through the verbs ---

KINDS = ("f8", ">f8", "f4", "f2", "i1", "u8", "?", "c16", "O", "U3", "M8[s]")


@st.composite
def tables(draw):
    """(A, b) that may be anything an array can be."""
    kind = np.dtype(draw(st.sampled_from(KINDS)))
    n, d = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    A = draw(st.just(np.zeros((n, d), object)) if kind.kind == "O" else hnp.arrays(kind, (n, d)))
    b = draw(hnp.arrays(np.float64, draw(st.sampled_from([n, n, n, n + 1]))))
    scale = 10.0 ** draw(st.integers(-300, 300))
    with np.errstate(all="ignore"):
        return (A * scale if kind.kind == "f" else A), b


def through(A, b, ridge, fraction):
    problem = hsgd.LeastSquares(A, b, ridge=ridge)
    rate = fraction * hsgd.critical_learning_rate(problem)
    return hsgd.predict(problem, hsgd.SGD(rate), TIMES)


@settings(max_examples=60, deadline=None)
@given(tables(), st.floats(0, 1e3), st.floats(0.01, 0.9))
def test_any_table_is_predicted_or_refused(table, ridge, fraction):
    A, b = table
    entry = Entry("predict", through, {"A": A, "b": b, "ridge": ridge, "fraction": fraction},
                  words={"A": ("b", "ridge", "learning_rate")})  # fmt: skip
    trial = attempt(entry, "A", "drawn", A)
    assert trial.outcome.allowed, str(trial)


# --- scale ---


@pytest.mark.parametrize("scale", [1e-58, 1e-25, 1e25, 1e58])
def test_another_unit_of_the_data_is_another_unit_of_the_answer(scale):
    """A·s, b·s, ridge·s² and γ/s² are the same problem; risks are s² times as large."""
    kept = things()
    problem = hsgd.LeastSquares(kept["A"], kept["b"], ridge=0.1)
    scaled = hsgd.LeastSquares(kept["A"] * scale, kept["b"] * scale, ridge=0.1 * scale**2)
    rate = 0.3
    for verb in (
        lambda p, a: hsgd.predict(p, a, TIMES),
        lambda p, a: hsgd.predict(p, a, TIMES, method="discrete"),
        lambda p, a: hsgd.exact_mean(p, a, TIMES, method="recursion"),
        lambda p, a: hsgd.exact_mean(p, a, TIMES, method="row_basis", rtol=1e-10),
        lambda p, a: simulate.sgd(p, a, TIMES, seed=0, engine="reference"),
    ):
        one, other = verb(problem, hsgd.SGD(rate)), verb(scaled, hsgd.SGD(rate / scale**2))
        np.testing.assert_allclose(other.empirical_risk / scale**2, one.empirical_risk, rtol=1e-8)
        np.testing.assert_allclose(other.distance, one.distance, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300])
def test_data_whose_powers_are_lost_are_refused(scale):
    kept = things()
    with pytest.raises(ValueError, match=r"the largest entry of A is .* another unit"):
        hsgd.LeastSquares(kept["A"] * scale, kept["b"])
    with pytest.raises(ValueError, match=r"the largest entry of b is .* another unit"):
        hsgd.LeastSquares(kept["A"], kept["b"] * scale)


@pytest.mark.parametrize("scale", [1e-100, 1e-30, 1e30, 1e100])
def test_another_unit_of_time_is_another_unit_of_the_kernel(scale):
    """Rates and weights times s: the solution at t/s."""
    rates, weights = np.array([1.0, 2.0]), np.array([0.2, 0.3])
    forcing = volterra.SumOfExponentials([1.5], [1.0], 0.5)
    one = volterra.solve(forcing, volterra.SumOfExponentials(rates, weights), TIMES)
    other = volterra.solve(
        volterra.SumOfExponentials([1.5 * scale], [1.0], 0.5),
        volterra.SumOfExponentials(rates * scale, weights * scale),
        TIMES / scale,
    )
    np.testing.assert_allclose(other.y, one.y, rtol=1e-12)
    assert other.status is volterra.Status.CONVERGED
