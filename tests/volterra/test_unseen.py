"""Functions with jumps, kinks and pulses anywhere: no error may be understated.

The witness is the exact method: where the forcing is a sum of step responses that begin at any
time, so is the solution.
"""

import numpy as np
import pytest

from volterra import (
    Convolution,
    Hammerstein,
    PiecewiseClock,
    Status,
    SumOfExponentials,
    TimeChanged,
    solve,
)
from volterra.collocation import mesh as collocation

TRIALS = 2


def features(kind, generator, stop):
    """Beginnings, heights, and rates of rising (infinite for a jump)."""
    if kind == "pulse":
        begin, height = generator.uniform(0, stop), generator.normal()
        width = stop * 10 ** generator.uniform(-2.5, -0.5)
        return [(begin, height, np.inf), (begin + width, -height, np.inf)]
    return [
        (
            generator.uniform(0, stop),
            generator.normal(),
            np.inf if kind == "jump" else 10 ** generator.uniform(-1, 1),
        )
        for _ in range(generator.integers(1, 4))
    ]


def rise(t, begin, height, rate):
    shape = 1.0 if np.isinf(rate) else -np.expm1(-rate * np.maximum(t - begin, 0.0))
    return np.where(t >= begin, height * shape, 0.0)


def random_kernel(generator, modes, signed):
    rates, weights = 10 ** generator.uniform(-1, 1.5, modes), generator.uniform(0, 1, modes)
    weights *= generator.uniform(0.1, 0.95) / np.sum(weights / rates)
    return SumOfExponentials(rates, weights * (generator.choice([-1, 1], modes) if signed else 1))


def trial(kind, generator, *, modes, signed=False, way="collocation", named=False):
    """The solution, and how far it is from that of the exact methods."""
    stop, base = generator.choice([1.0, 10.0, 100.0]), generator.choice([0.0, 1.0])
    kernel, parts = random_kernel(generator, modes, signed), features(kind, generator, stop)
    t = np.append(0.0, np.sort(generator.uniform(0, stop, 6)))
    solution = solve(
        lambda t: base * np.exp(-0.3 * t) + sum(rise(t, *part) for part in parts),
        kernel,
        t,
        method=way,
        atol=1e-10,
        breakpoints=[part[0] for part in parts] if named else (),
    )
    exact = "companion" if signed else "exact"
    right = base * solve(SumOfExponentials([0.3], [1.0]), kernel, t, method=exact).y
    for begin, height, rate in parts:
        late = t >= begin
        if late.any():
            rising = ([], []) if np.isinf(rate) else ([rate], [-1.0])
            forcing = SumOfExponentials(*rising, 1.0)
            right[late] += height * solve(forcing, kernel, t[late] - begin, method=exact).y
    return solution, np.abs(solution.y - right), 1e-12 * np.max(np.abs(right))


@pytest.mark.parametrize("kind", ["jump", "kink", "pulse"])
@pytest.mark.parametrize(("modes", "signed"), [(1, False), (4, False), (4, True)])
def test_no_error_is_understated(kind, modes, signed):
    generator = np.random.default_rng([modes, signed, len(kind)])
    for way in ["panels"] * (modes == 1) + ["collocation"] * TRIALS:
        solution, wrong, rounding = trial(kind, generator, modes=modes, signed=signed, way=way)
        assert np.all(wrong <= solution.error + rounding)
        assert solution.status is Status.CONVERGED


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["jump", "kink", "pulse"])
@pytest.mark.parametrize(("modes", "signed"), [(1, False), (4, False), (4, True)])
@pytest.mark.parametrize(("way", "count"), [("collocation", 60), ("panels", 20)])
def test_no_error_is_understated_in_a_campaign(kind, modes, signed, way, count):
    generator = np.random.default_rng([7, modes, signed, len(kind)])
    for _ in range(count):
        solution, wrong, rounding = trial(kind, generator, modes=modes, signed=signed, way=way)
        assert np.all(wrong <= solution.error + rounding)


@pytest.mark.parametrize("way", ["collocation", "panels"])
def test_what_is_named_costs_little(way):
    """A jump that is named is no harder than a smooth function, and the error says so."""
    for seed in range(2):
        named, wrong, rounding = trial(
            "jump", np.random.default_rng(seed), modes=2, way=way, named=True
        )
        found, _, _ = trial("jump", np.random.default_rng(seed), modes=2, way=way)
        assert np.all(wrong <= named.error + rounding)
        assert named.work["steps_computed"] < 0.5 * found.work["steps_computed"]


def test_without_a_look_between_the_nodes_errors_are_understated(monkeypatch):
    monkeypatch.setattr(collocation, "missed", lambda *_: collocation.Missed(0.0, 0.0))
    generator, understated = np.random.default_rng(0), 0
    for _ in range(8):
        solution, wrong, rounding = trial("jump", generator, modes=1)
        understated += np.any(wrong > solution.error + rounding)
    assert understated >= 3


def test_the_error_is_sharp_and_honest_at_any_tolerance():
    """The sharpest of the trials would notice an error that is ten times too small.

    In the eleventh the comparison of the meshes sees a millionth of it, and the look all the rest.
    """
    generator, ratios = np.random.default_rng(5), []
    one, t = SumOfExponentials([], [], 1.0), np.array([0.0, 9.0, 10.0])
    for _ in range(40):
        kernel, at = random_kernel(generator, 1, False), generator.uniform(0.5, 8)
        found = solve(
            lambda t, at=at: np.where(t >= at, 1.5, 0.5),
            kernel,
            t,
            method="collocation",
            rtol=10 ** generator.uniform(-8, -1),
        )
        right = 0.5 * solve(one, kernel, t, method="exact").y
        right[1:] += solve(one, kernel, t[1:] - at, method="exact").y
        wrong = np.maximum(np.abs(found.y - right)[1:], 1e-300)
        ratios.append(float(np.min(found.error[1:] / wrong)))
    assert 1 <= min(ratios) < 10


def test_a_clock_that_has_a_kink_and_nothing_else():
    """The weight is smooth, so that only the clock's own delay can tell; likewise sharp."""
    generator, ratios = np.random.default_rng(3), []
    forcing, t = SumOfExponentials([0.2], [1.0], 0.1), np.array([0.0, 4.0, 9.0])
    for _ in range(12):
        at, fall = generator.uniform(0.2, 8.0), generator.uniform(0.1, 0.9)
        kernel = random_kernel(generator, 3, False)
        right = solve(forcing, PiecewiseClock(kernel, [at], [1.0, fall], [1.0, 1.0]), t)
        clock = TimeChanged(
            kernel,
            lambda t, at=at, fall=fall: np.minimum(t, at) + fall * np.maximum(t - at, 0.0),
            np.ones_like,
            clock_rate=lambda t, at=at, fall=fall: np.where(t < at, 1.0, fall),
        )
        found = solve(forcing, clock, t, rtol=1e-4)
        ratios.append(float(np.min(found.error[1:] / np.abs(found.y - right.y)[1:])))
    assert 1 <= min(ratios) < 10


def test_a_clock_and_a_weight_that_jump():
    """As a learning rate that falls by half: the exact method for such clocks is the witness."""
    generator = np.random.default_rng(3)
    for _ in range(TRIALS):
        at, fall = generator.uniform(0.2, 8.0), generator.uniform(0.1, 0.9)
        kernel, t = random_kernel(generator, 3, False), np.array([0.0, 1.0, 4.0, 9.0])
        forcing = SumOfExponentials([0.2], [1.0], 0.1)
        right = solve(forcing, PiecewiseClock(kernel, [at], [1.0, fall], [1.0, fall**2]), t)
        rate = lambda t, at=at, fall=fall: np.where(t < at, 1.0, fall)  # noqa: E731
        found = solve(
            forcing,
            TimeChanged(
                kernel,
                lambda t, at=at, fall=fall: np.minimum(t, at) + fall * np.maximum(t - at, 0.0),
                lambda t, rate=rate: rate(t) ** 2,
                clock_rate=rate,
            ),
            t,
        )
        assert right.method == "segments"
        assert np.all(np.abs(found.y - right.y) <= found.error + right.error)
        observed = found.observe([1.0, -1.0, 2.0])
        rightly = right.observe([1.0, -1.0, 2.0])
        assert np.all(np.abs(observed.y - rightly.y) <= observed.error + rightly.error)


def test_renewals_with_a_uniform_lifetime():
    """E[renewals], U = F + f * U, for a lifetime uniform on (0, 1): e^t − 1 up to t = 1, then
    e^t − 1 − (t − 1) e^(t − 1) up to 2."""
    t = np.linspace(0, 2, 9)
    lifetime = Convolution(lambda tau: np.where(tau < 1, 1.0, 0.0), breakpoints=[1])
    found = solve(lambda t: np.minimum(t, 1), lifetime, t, breakpoints=[1])
    late = np.where(t > 1, (t - 1) * np.exp(t - 1), 0.0)
    wrong = np.abs(found.y - (np.expm1(t) - late))
    assert np.all(wrong <= found.error)
    assert found.status is Status.CONVERGED


def test_a_kernel_of_compact_support():
    """A lifetime uniform on (1, 2), by its own convolution powers: P(sum of k ≤ t) summed."""
    t = np.array([0.0, 1.5, 2.5, 3.0, 4.0, 60.0])
    lifetime = Convolution(
        lambda tau: np.where((tau > 1) & (tau < 2), 1.0, 0.0), breakpoints=[1, 2]
    )
    found = solve(lambda t: np.clip(t - 1, 0, 1), lifetime, t, breakpoints=[1, 2], rtol=1e-9)
    # Of two lifetimes, 2 + a triangle; of three, 3 + the sum of three uniform numbers.
    x = t - 2
    two = np.where(x < 1, 0.5 * np.maximum(x, 0) ** 2, 1 - 0.5 * np.maximum(2 - x, 0) ** 2)
    three = np.where(t < 4, np.maximum(t - 3, 0) ** 3 / 6, np.nan)
    right = np.clip(t - 1, 0, 1) + np.where(t < 4, two, 1.0) + three
    early = t < 4
    assert np.all(np.abs(found.y - right)[early] <= found.error[early] + 1e-15)
    # The elementary renewal theorem, to the next term: t/μ + σ²/(2μ²) − 1/2.
    mean, variance = 1.5, 1 / 12
    assert found.y[-1] == pytest.approx(60 / mean + variance / (2 * mean**2) - 0.5, abs=1e-6)
    assert found.status is Status.CONVERGED


@pytest.mark.parametrize("way", ["collocation", "panels"])
def test_a_pulse_on_nothing_at_all(way):
    """No absolute tolerance, and a solution that is 0 but for what a pulse between nodes does."""
    kernel, t = SumOfExponentials([1.0], [0.5]), np.array([0.0, 7.0])
    found = solve(
        lambda t: np.where((t >= 5.0) & (t < 5.02), 1.0, 0.0), kernel, t, method=way, rtol=1e-4
    )
    one = SumOfExponentials([], [], 1.0)
    late = solve(one, kernel, [0.0, 1.98, 2.0], method="exact").y
    assert abs(found.y[1] - (late[2] - late[1])) <= found.error[1] < 1e-4


def test_a_nonlinear_equation_with_a_named_jump():
    law = Hammerstein(Convolution(lambda tau: np.exp(-tau)), lambda s, y: -(y**3))
    step = lambda t: np.where(t >= 0.7, 1.0, 0.2)  # noqa: E731
    t = np.linspace(0, 3, 7)
    named, found = (solve(step, law, t, breakpoints=b, atol=1e-12) for b in ([0.7], ()))
    assert np.all(np.abs(named.y - found.y) <= named.error + found.error)
    assert named.status is found.status is Status.CONVERGED


def test_breakpoints_of_kernels_are_positive_differences():
    with pytest.raises(ValueError, match="differences t - s > 0"):
        Convolution(np.ones_like, breakpoints=[0.0, 1.0])
