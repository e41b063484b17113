"""Limits on sizes: what would take too much time or memory is left, refused, or done in pieces."""

import tracemalloc

import numpy as np
import pytest

from tests.tables.problems import power_law
from volterra import Convolution, PiecewiseClock, SumOfExponentials, SumOfPowers, solve
from volterra.compression.compress import Compressor
from volterra.compression.question import LongQuestion
from volterra.exact.secular import secular_roots
from volterra.methods import choose
from volterra.panels import equation as equations
from volterra.panels import march
from volterra.panels.equation import general_equation
from volterra.panels.mesh import Layout, sweep
from volterra.panels.method import _too_long
from volterra.panels.tail import tail_bytes
from volterra.question import Question
from volterra.recursion import method as recursion

ONE = SumOfExponentials([], [], 1.0)

# ------------------------------------------------------------------------- time


def chosen(forcing, kernel, last=100.0):
    """What `auto` takes; nothing is solved but where a method tries itself."""
    return choose(Question(forcing, kernel, np.array([last]), 1e-8, 0.0), "auto").name


def test_auto_does_not_pair_modes_that_it_can_iterate():
    """A hundred iterations of 50 000 modes against all pairs of these."""
    kernel = SumOfPowers(np.linspace(0.1, 0.9, 50_000), np.full(50_000, 1e-6))
    one = SumOfPowers([], [], 1.0)
    assert chosen(one, kernel) == "recursion"
    assert chosen(one, kernel, 1e9) == "exact"


def test_auto_steps_through_many_segments_of_many_modes():
    kernel = PiecewiseClock(power_law(2_000, 0.9), np.arange(1, 100), np.ones(100), np.ones(100))
    assert chosen(ONE, kernel) == "collocation"
    assert chosen(ONE, kernel, 0.5) == "segments"


def test_auto_finds_no_eigenvalues_of_many_modes():
    rates, signs = np.arange(1.0, 401.0), (-1.0) ** np.arange(400)
    assert chosen(ONE, SumOfExponentials(rates, 1e-3 * signs)) == "collocation"
    assert chosen(ONE, SumOfExponentials(rates[:9], 1e-3 * signs[:9])) == "companion"


@pytest.mark.parametrize(("modes", "may"), [(500, True), (40_000, False)])
def test_only_few_modes_may_stay_uncompressed(modes, may):
    """Where no compression is good enough; the exact method costs the square of what stays."""
    kernel, t = power_law(modes, 0.9), np.array([1.0])
    question = LongQuestion(ONE, kernel, t, 1e-8, 0.0, Compressor(kernel), Compressor(ONE))
    assert question.may_stay_long is may


@pytest.mark.parametrize(("modes", "last"), [(1, 10**9), (100_000, 10**6)])
def test_too_many_iterations_are_refused_before_the_first(modes, last, monkeypatch):
    monkeypatch.setattr(recursion, "_iterate", lambda *_: pytest.fail("it has begun"))
    kernel = SumOfPowers(np.linspace(0.1, 0.9, modes), np.full(modes, 1e-6))
    with pytest.raises(ValueError, match="too many for the recursion"):
        solve(np.cos, kernel, [last])


# ------------------------------------------------------------------------- memory


def peak(work):
    """The most memory that was held at any time, in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_no_matrix_of_all_times_and_modes_is_made():
    t, rates, weights = np.arange(500.0), np.linspace(0.1, 0.9, 20_000), np.full(20_000, 1e-6)
    for kind in (SumOfExponentials, SumOfPowers):
        terms = kind(rates, weights)
        assert peak(lambda terms=terms: terms(t)) < 8 * t.size * rates.size
    kernel, t = power_law(200, 0.9), np.linspace(0, 1000, 30_000)
    solution = solve(ONE, kernel, t[:1], method="exact")
    assert peak(lambda: solution(t)) < 8 * t.size * 200


def test_no_matrix_of_all_pairs_of_modes_is_made():
    kernel = power_law(1_500, 0.9)
    rates, weights = kernel.rates[::-1].copy(), kernel.weights[::-1].copy()
    assert peak(lambda: secular_roots(rates, weights)) < 8 * rates.size**2


def test_a_function_is_not_asked_for_too_much_at_once():
    """Matrices of 20 by 20: what a function returns counts, and not how many they are."""
    asked = []

    def identity(tau):
        asked.append(tau.size)
        return np.broadcast_to(np.eye(20), (tau.size, 20, 20))

    t = np.ones(5_000)
    assert Convolution(identity, dimension=20).values(t, t, t).shape == (5_000, 20, 20)
    assert sum(asked) == 5_000
    assert max(asked) * 400 * 8 < 2**23


PENDULUM = general_equation(np.ones_like, Convolution(lambda tau: -tau), np.array([100.0]))


def test_an_answer_that_would_not_fit_is_refused(monkeypatch):
    """The values at all times and what goes with them, however small the system is."""
    monkeypatch.setattr(equations, "LIMIT_BYTES", 2**20)
    t = np.linspace(0, 1, 50_001)
    kernel = Convolution(np.ones_like)
    assert general_equation(np.ones_like, kernel, t[::1000]).m == 1
    with pytest.raises(MemoryError, match="GiB"):
        general_equation(np.ones_like, kernel, t)


def test_a_system_that_would_not_fit_is_refused():
    """The matrices of a single panel, kernel values included: over 8 GiB."""

    def zero(tau):
        return np.broadcast_to(0.0, (tau.size, 260, 260))

    def forcing(t):
        return np.broadcast_to(1.0, (t.size, 260))

    with pytest.raises(MemoryError, match="GiB"):
        general_equation(forcing, Convolution(zero, dimension=260), np.array([1.0]))


def test_a_tail_that_would_not_fit_is_not_made(monkeypatch):
    wholes = np.linspace(0.0, 1.0, 61)
    assert march._uniform_rest(PENDULUM, wholes, 100.0).tail > 1000
    monkeypatch.setattr(march, "_TAIL_BYTES", 2**20)
    assert march._uniform_rest(PENDULUM, wholes, 100.0) is None


def test_a_mesh_that_would_not_fit_is_not_bisected():
    """Ten gigabytes of a tail; of a start the time, the square of its panels."""
    start = np.linspace(0, 1, 11)
    assert not _too_long(PENDULUM, Layout(start, 2.0, 100))
    assert _too_long(PENDULUM, Layout(start, 2.0, 10**6))
    assert _too_long(PENDULUM, Layout(np.linspace(0, 1, 10_001), 1.0))


def test_a_tail_takes_no_more_memory_than_is_reckoned():
    layout = Layout(np.array([0.0, 20 / 1024]), 20.0, 1023)
    assert peak(lambda: sweep(PENDULUM, layout)) <= tail_bytes(PENDULUM, 1023)
