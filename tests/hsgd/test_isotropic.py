"""The closed form for isotropic data, against the Volterra equation and sampled matrices."""

import numpy as np
import pytest

import hsgd
from hsgd import isotropic
from tests.hsgd.test_prediction import quiet
from volterra import SumOfExponentials, analyse, solve

TIMES = np.concatenate(([0.0], np.geomspace(0.01, 60.0, 25)))


def marchenko_pastur(ratio, count=300):
    """Gauss quadrature (Chebyshev, second kind) of the part of the law with a density."""
    angle = np.arange(1, count + 1) * np.pi / (count + 1)
    nodes = 1 + ratio + 2 * np.sqrt(ratio) * np.cos(angle)
    return nodes, 2 / (count + 1) * np.sin(angle) ** 2 / nodes


def volterra_pair(rate, ratio, signal, noise, batch_size=1, count=300):
    x, weights = marchenko_pastur(ratio, count)
    kernel = SumOfExponentials(2 * rate * x, rate**2 * ratio * weights * x**2 / batch_size)
    seen = 0.5 * signal * weights * x + 0.5 * noise**2 * ratio * weights
    # The law's atom at zero, 1 − 1/ratio, is noise that no direction of the data can reach.
    unseen = 1 - ratio + ratio * max(1 - 1 / ratio, 0)
    return SumOfExponentials(2 * rate * x, seen, constant=0.5 * noise**2 * unseen), kernel


@pytest.mark.parametrize("ratio", [0.1, 0.5, 1.2, 3.0])
@pytest.mark.parametrize("where", ["below", "near", "at", "above", "near critical", "unstable"])
def test_it_solves_the_volterra_equation(ratio, where):
    transition = isotropic.transition_learning_rate(ratio)
    critical = isotropic.critical_learning_rate(ratio)
    rate = {
        "below": 0.5 * transition,
        "near": (1 - 1e-7) * transition,
        "at": transition,
        "above": 0.5 * (transition + critical),
        "near critical": 0.999 * critical,
        "unstable": 1.05 * critical,
    }[where]
    for signal, noise in ((1.0, 0.0), (0.0, 1.0), (2.0, 0.3)):
        curve = isotropic.empirical_risk(TIMES, rate, ratio, signal=signal, noise=noise)
        expected = solve(*volterra_pair(rate, ratio, signal, noise), TIMES, rtol=1e-11).y
        assert curve == pytest.approx(expected, rel=1e-10, abs=1e-10 * (signal + noise**2))


@pytest.mark.parametrize("ratio", [0.5, 0.9, 1.2, 3.0])
@pytest.mark.parametrize("fraction", [0.2, 0.7, 0.99, 1.05])
def test_population_risk_observes_the_same_equation(ratio, fraction):
    rate = fraction * isotropic.critical_learning_rate(ratio)
    x, weights = marchenko_pastur(ratio, 600)
    for signal, noise in ((1.0, 0.0), (0.0, 1.0), (2.0, 0.3)):
        curve = isotropic.population_risk(TIMES, rate, ratio, signal=signal, noise=noise)
        solution = solve(*volterra_pair(rate, ratio, signal, noise, count=600), TIMES, rtol=1e-11)
        driven = solution.observe(rate**2 * ratio * weights * x).y
        reached = np.exp(-np.outer(TIMES, rate * x))
        flow = 0.5 * signal * (reached**2 @ weights + max(1 - 1 / ratio, 0))
        flow += 0.5 * noise**2 * (1 + ratio * (1 - reached) ** 2 @ (weights / x))
        assert curve == pytest.approx(flow + driven, rel=1e-9, abs=1e-10)


def test_ratio_one_without_noise():
    for rate in (0.5, 1.9, 2.1):
        curve = isotropic.empirical_risk(TIMES, rate, 1.0, signal=1.0)
        expected = solve(*volterra_pair(rate, 1.0, 1.0, 0.0), TIMES, rtol=1e-11).y
        assert curve == pytest.approx(expected, rel=1e-10, abs=1e-10)
        x, weights = marchenko_pastur(1.0)
        solution = solve(*volterra_pair(rate, 1.0, 1.0, 0.0), TIMES, rtol=1e-11)
        driven = solution.observe(rate**2 * weights * x).y
        flow = 0.5 * np.exp(-2 * np.outer(TIMES, rate * x)) @ weights
        # Here dμ is infinite at 0, and the reference lacks a mass of 1/(count+1).
        population = isotropic.population_risk(TIMES, rate, 1.0, signal=1.0)
        assert population == pytest.approx(flow + driven, abs=0.6 / 300)


def test_batches_divide_the_kernel():
    arguments = (1.3, 0.5, 1.0, 0.5)
    curve = isotropic.empirical_risk(TIMES, 1.3, 0.5, signal=1.0, noise=0.5, batch_size=3)
    expected = solve(*volterra_pair(*arguments, batch_size=3), TIMES, rtol=1e-11).y
    assert curve == pytest.approx(expected, rel=1e-10)
    single = solve(*volterra_pair(*arguments), TIMES, rtol=1e-11).y
    assert curve != pytest.approx(single, rel=1e-3)


@pytest.mark.parametrize("ratio", [0.5, 1.2])
@pytest.mark.parametrize("side", [0.9, 1.05])
def test_without_the_atom_it_fails_above_the_transition_only(ratio, side):
    """The negative control: the part that is added above γ* is needed there, and only there."""
    rate = side * isotropic.transition_learning_rate(ratio)
    whole = isotropic.empirical_risk([0.0], rate, ratio, signal=1.0)[0]
    x, weights = marchenko_pastur(ratio)
    c = 2 / (ratio * rate)
    middle, product = (1 + ratio) * (c - 1) / (2 * c), ratio * (c - 1) ** 2 / c
    root = ratio * x**2 * weights / (2 * ((x - middle) ** 2 + product - middle**2))
    density_alone = np.sum(root / x * (c - 1))
    assert whole == pytest.approx(0.5, abs=1e-12)
    assert (abs(density_alone - 0.5) < 1e-6) == (side < 1)


@pytest.mark.parametrize("ratio", [0.5, 1.2])
def test_critical_rate_and_exponential_rate(ratio):
    critical = isotropic.critical_learning_rate(ratio, batch_size=2)
    kernel = volterra_pair(critical, ratio, 1.0, 0.0, batch_size=2)[1]
    assert analyse(kernel).kernel_norm == pytest.approx(1.0, rel=1e-12)
    transition = isotropic.transition_learning_rate(ratio, batch_size=2)
    edge = (1 - np.sqrt(ratio)) ** 2
    for rate in (0.3 * transition, 0.99 * transition):
        assert isotropic.rate(rate, ratio, batch_size=2) == pytest.approx(2 * rate * edge)
    for rate in (0.5 * (transition + critical), 1.3 * critical):
        kernel = volterra_pair(rate, ratio, 1.0, 0.0, batch_size=2)[1]
        exponent = -analyse(kernel).malthusian_exponent
        assert isotropic.rate(rate, ratio, batch_size=2) == pytest.approx(exponent, rel=1e-9)
    assert isotropic.rate(0.0, ratio) == 0.0


def test_limits_of_the_curve():
    late = isotropic.empirical_risk(1e4, 1.0, 0.5, signal=1.0, noise=0.7)
    assert late.shape == ()
    limit = isotropic.limiting_empirical_risk(1.0, 0.5, noise=0.7)
    assert float(late) == pytest.approx(limit, rel=1e-12)
    assert isotropic.limiting_empirical_risk(1.0, 1.2, noise=0.7) == 0.0
    assert isotropic.limiting_empirical_risk(4.0, 0.5, noise=0.7) == np.inf


def test_far_above_critical_the_risk_overflows_to_infinity():
    curve = isotropic.empirical_risk([0.0, 1e3], 40.0, 0.5, signal=1.0)
    assert curve[0] == pytest.approx(0.5)
    assert curve[1] == np.inf
    nothing = isotropic.empirical_risk([0.0, 1e3], 40.0, 0.5, signal=0.0)
    assert np.array_equal(nothing, [0.0, 0.0])


def test_at_rest_and_exactly_critical():
    rest = isotropic.empirical_risk(TIMES, 0.0, 0.5, signal=1.0, noise=1.0)
    assert np.array_equal(rest, np.ones(len(TIMES)))
    critical = isotropic.critical_learning_rate(0.5)
    curve = isotropic.empirical_risk(TIMES, critical, 0.5, signal=1.0, noise=1.0)
    expected = solve(*volterra_pair(critical, 0.5, 1.0, 1.0), TIMES, rtol=1e-11).y
    assert curve == pytest.approx(expected, rel=1e-5)  # a rate 1e-8 below critical stands in


@pytest.mark.parametrize("shape", [(300, 150), (250, 300)])
@pytest.mark.parametrize("fraction", [0.4, 0.8])
def test_sampled_matrices_agree_on_average(shape, fraction):
    """Twelve draws; |mean − closed form| ≤ 5 standard errors + 3/n of it (false alarm < 1e-3)."""
    n, d = shape
    ratio, noise, times = d / n, 0.5, np.linspace(0.0, 8.0, 9)
    rate = fraction * isotropic.critical_learning_rate(ratio)
    names = ("empirical_risk", "population_risk")
    curves = []
    for seed in range(12):
        target = np.random.default_rng(seed).standard_normal(d) / np.sqrt(ratio)
        problem = hsgd.GaussianRows(np.full(d, 1 / n), target, noise).sample(n, seed=100 + seed)
        found = quiet(problem, hsgd.SGD(rate), times, statistics=list(names))
        curves.append([found[name].values for name in names])
    mean = np.mean(curves, axis=0)
    allowed = 5 * np.std(curves, axis=0, ddof=1) / np.sqrt(12) + 3 / n * mean

    def closed_form(noise):
        arguments = {"signal": 1.0, "noise": noise}
        return [getattr(isotropic, name)(times, rate, ratio, **arguments) for name in names]

    assert np.all(np.abs(mean - closed_form(noise)) <= allowed)
    assert np.all(np.any(np.abs(mean - closed_form(1.5 * noise)) > allowed, axis=1))


def test_bad_arguments_get_one_sentence():
    def ask(time=0.0, rate=0.5, ratio=0.5, signal=1.0, **others):
        return isotropic.empirical_risk(time, rate, ratio, signal=signal, **others)

    with pytest.raises(ValueError, match="time has negative entries"):
        ask(time=[1.0, -1.0])
    with pytest.raises(ValueError, match="time has one entry that is NaN"):
        ask(time=[np.nan])
    with pytest.raises(ValueError, match="time is empty"):
        ask(time=[])
    with pytest.raises(ValueError, match=r"ratio is 0\.0, but it must be finite"):
        ask(ratio=0.0)
    with pytest.raises(ValueError, match=r"learning_rate is -1\.0"):
        ask(rate=-1.0)
    with pytest.raises(TypeError, match="signal must be a number"):
        ask(signal="one")
    with pytest.raises(ValueError, match=r"noise is -1\.0"):
        ask(noise=-1.0)
    with pytest.raises(TypeError, match="batch_size must be an integer"):
        ask(batch_size=1.5)
    with pytest.raises(ValueError, match=r"learning_rate is 0\.0"):
        isotropic.limiting_empirical_risk(0.0, 0.5, noise=1.0)
    with pytest.raises(ValueError, match="times the critical one"):
        ask(rate=5e6)
    with pytest.raises(ValueError, match="it must lie between"):
        ask(ratio=2e6)
    with pytest.raises(ValueError, match=r"pass ratio=1\.001"):
        isotropic.population_risk(0.0, 0.5, 1.0, signal=1.0, noise=1.0)
