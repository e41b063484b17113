"""Formulas against the numeric theory, which shares no code with them, on random instances."""

import math

import mpmath
import numpy as np
import pytest
import sympy
from scipy.integrate import quad

import hsgd
from hsgd import isotropic
from hsgd.symbolic import MarchenkoPastur, PointMasses, VolterraEquation
from volterra import SumOfExponentials, analyse

TIMES = np.linspace(0.0, 6.0, 13)


class Instance:
    """A random matrix with few distinct eigenvalues, and label noise whose average is known.

    The residual noise has the same power in every left singular direction, and two problems with
    opposite noise are averaged: the result *is* the expectation over the noise.
    """

    def __init__(self, seed, masses, ridge, *, n=20, fraction=0.6, batch_size=1, sampling=None):
        rng = np.random.default_rng(seed)
        self.counts = rng.integers(1, 4, masses)
        self.eigenvalues = np.sort(rng.uniform(2.0, 30.0, masses))
        d = int(self.counts.sum())
        left = np.linalg.qr(rng.standard_normal((n, n)))[0]
        right = np.linalg.qr(rng.standard_normal((d + 1, d)))[0]
        spectrum = np.repeat(self.eigenvalues, self.counts)
        A = (left[:, :d] * np.sqrt(spectrum)) @ right.T
        target = rng.standard_normal(d)
        groups = np.repeat(np.arange(masses), self.counts)
        self.signal = [float(np.sum(target[groups == i] ** 2)) for i in range(masses)]
        self.noise = 0.4
        noise = left @ (self.noise * rng.choice([-1.0, 1.0], n))
        clean = A @ (right @ target)
        self.problems = [
            hsgd.LeastSquares(A, clean + sign * noise, ridge=ridge) for sign in (1, -1)
        ]
        self.sampling = sampling or "with_replacement"
        arguments = {"batch_size": batch_size, "sampling": self.sampling}
        self.critical = hsgd.critical_learning_rate(self.problems[0], method="hsgd", **arguments)
        self.sgd = hsgd.SGD(fraction * self.critical, **arguments)
        self.spectrum = PointMasses(self.eigenvalues, self.counts)
        self.values = {
            "learning_rate": fraction * self.critical,
            "ridge": ridge,
            "batch_size": batch_size,
            "num_rows": n,
        }
        self.equation = VolterraEquation(self.spectrum, sampling=self.sampling, **self.values)

    def mean(self, ask):
        return np.mean([ask(problem) for problem in self.problems], axis=0)


INSTANCES = [
    (seed, masses, ridge, batch)
    for seed, (masses, ridge, batch) in enumerate(
        [(1, 0.0, 1), (1, 0.7, 2), (2, 0.0, 1), (2, 0.5, 1), (3, 0.0, 3), (5, 1.3, 1)]
    )
]


@pytest.mark.parametrize(("seed", "masses", "ridge", "batch"), INSTANCES)
@pytest.mark.parametrize("sampling", ["with_replacement", "subset"])
def test_limits_norm_and_critical_rate(seed, masses, ridge, batch, sampling):
    case = Instance(seed, masses, ridge, batch_size=batch, sampling=sampling)
    equation, n = case.equation, case.values["num_rows"]
    ends = [hsgd.limits(problem, case.sgd, method="hsgd") for problem in case.problems]
    critical = min(float(equation.critical_learning_rate), float(equation.curvature_limit))
    assert critical == pytest.approx(case.critical, rel=1e-12)
    assert float(equation.kernel_norm) == pytest.approx(float(ends[0].kernel_norm), rel=1e-12)
    floor = equation.limiting_forcing(case.signal, case.noise)
    flow = np.mean([float(e.limiting_empirical_risk_gradient_flow) for e in ends])
    assert float(floor) / n == pytest.approx(flow, rel=1e-12)
    limit = np.mean([float(e.limiting_empirical_risk) for e in ends])
    assert float(equation.limiting_loss(floor)) / n == pytest.approx(limit, rel=1e-12)
    excess = np.mean([float(e.limiting_distance - e.limiting_distance_gradient_flow) for e in ends])
    # ‖x−x*‖² has second derivative 2.
    assert float(equation.limiting_excess(2, floor)) == pytest.approx(excess, rel=1e-11)
    each = equation.limiting_excess([2] * masses, floor)
    assert float(each) == pytest.approx(float(equation.limiting_excess(2, floor)), rel=1e-13)


@pytest.mark.filterwarnings("ignore::UserWarning")  # n is small; the formulas are the limit's too
@pytest.mark.parametrize(("seed", "masses", "ridge", "batch"), INSTANCES)
def test_loss_and_forcing_are_the_predicted_curves(seed, masses, ridge, batch):
    case = Instance(seed, masses, ridge, batch_size=batch)

    def curve(name):
        options = {"method": "hsgd", "rtol": 1e-13}
        return case.mean(lambda problem: hsgd.predict(problem, case.sgd, TIMES, **options)[name])

    t = sympy.Symbol("t", nonnegative=True)
    n = case.values["num_rows"]
    loss = sympy.lambdify(t, case.equation.loss(case.signal, case.noise, t) / n)
    assert loss(TIMES) == pytest.approx(curve("empirical_risk"), rel=1e-12)
    flow = sympy.lambdify(t, case.equation.forcing(case.signal, case.noise, t) / n)
    assert flow(TIMES) == pytest.approx(curve("empirical_risk_gradient_flow"), rel=1e-12)


@pytest.mark.parametrize("fraction", [0.3, 0.95, 1.4])
@pytest.mark.parametrize(("seed", "masses", "ridge", "batch"), INSTANCES)
def test_kernel_transform_and_rates(seed, masses, ridge, batch, fraction):
    case = Instance(seed, masses, ridge, batch_size=batch, fraction=fraction)
    rate, n = case.values["learning_rate"], case.values["num_rows"]
    damping = 2 * rate * (case.eigenvalues + ridge)
    weights = rate**2 / (n * batch) * case.counts * case.eigenvalues**2
    numeric = SumOfExponentials(damping, weights)
    tau, s = sympy.symbols("tau s", positive=True)
    kernel = sympy.lambdify(tau, case.equation.kernel(tau))
    lags = np.linspace(0, 3, 7)
    assert kernel(lags) == pytest.approx(numeric(lags), rel=1e-13)
    transform = sympy.lambdify(s, case.equation.laplace_transform(s))
    for value in (0.3, 2.0):
        exact, _ = quad(lambda u, s=value: float(numeric(u)) * math.exp(-s * u), 0, np.inf)
        assert transform(value) == pytest.approx(exact, rel=1e-7)
        assert transform(value) == pytest.approx(np.sum(weights / (damping + value)), rel=1e-13)
    analysis = analyse(numeric)
    rates = [float(x) for x in case.equation.rates]
    assert rates == sorted(rates)
    assert len(rates) == masses
    assert rates[0] == pytest.approx(-analysis.malthusian_exponent, rel=1e-11)
    symmetric = np.diag(damping) - np.sqrt(np.outer(weights, weights))
    assert rates == pytest.approx(np.linalg.eigvalsh(symmetric), rel=1e-11)
    roots = case.equation.characteristic_polynomial(s).nroots()
    assert sorted(-float(sympy.re(r)) for r in roots) == pytest.approx(rates, rel=1e-9)


def test_symbols_stay_symbols_until_they_are_substituted():
    case = Instance(7, 2, 0.5)
    equation = VolterraEquation(PointMasses.symbols(2))
    names = dict(zip(("gamma", "delta", "B", "n"), case.values.values(), strict=True))
    for i in (1, 2):
        names |= {f"lambda_{i}": case.eigenvalues[i - 1], f"d_{i}": int(case.counts[i - 1])}

    def value(expression):
        return float(expression.subs({s: names[s.name] for s in expression.free_symbols}))

    assert value(equation.kernel_norm) == pytest.approx(float(case.equation.kernel_norm), rel=1e-13)
    for symbol, number in zip(equation.rates, case.equation.rates, strict=True):
        assert value(symbol) == pytest.approx(float(number), rel=1e-12)
    critical = equation.critical_learning_rate
    assert value(critical) == pytest.approx(float(case.equation.critical_learning_rate), rel=1e-13)
    # The definition itself: the norm is one at the critical rate.
    gamma = sympy.Symbol("gamma", positive=True)
    assert sympy.simplify(equation.kernel_norm.subs(gamma, critical)) == 1


@pytest.mark.parametrize("ridge", [0, sympy.Rational(1, 2)])
def test_the_loss_solves_its_equation_to_thirty_digits(ridge):
    """Ψ − F − ∫KΨ by mpmath's own quadrature: no code of ours but the formulas."""
    equation = VolterraEquation(
        PointMasses([1, 3], [2, 1]),
        learning_rate=sympy.Rational(3, 4),
        ridge=ridge,
        batch_size=1,
        num_rows=4,
    )
    t = sympy.Symbol("t", nonnegative=True)
    arguments = ([1, sympy.Rational(2, 5)], sympy.Rational(1, 3), t)
    loss, forcing, kernel = (
        sympy.lambdify(t, f, "mpmath")
        for f in (equation.loss(*arguments), equation.forcing(*arguments), equation.kernel(t))
    )
    with mpmath.workdps(30):
        for time in (0, mpmath.mpf(1) / 2, 3):
            memory = mpmath.quad(lambda u, time=time: kernel(time - u) * loss(u), [0, time])
            assert abs(loss(mpmath.mpf(time)) - forcing(mpmath.mpf(time)) - memory) < 1e-25


@pytest.mark.parametrize("exact", [True, False])
def test_many_masses_have_exact_or_numeric_roots(exact):
    spectrum = PointMasses([1, 2, 4] if exact else [1.0, sympy.sqrt(2), 4])
    rates = VolterraEquation(
        spectrum, learning_rate=sympy.Rational(1, 3), ridge=0, batch_size=1, num_rows=6
    ).rates
    assert all(isinstance(x, sympy.Expr) for x in rates)
    assert (rates[0].has(sympy.CRootOf) or rates[0].is_Rational) == exact
    eigenvalues = np.array([float(x) for x in spectrum.eigenvalues])
    numeric = SumOfExponentials(2 / 3 * eigenvalues, eigenvalues**2 / 54)
    assert float(rates[0]) == pytest.approx(-analyse(numeric).malthusian_exponent, rel=1e-13)


# ---------------------------------------------------------------- Marchenko–Pastur


def gauss(ratio, count=400):
    angle = np.arange(1, count + 1) * np.pi / (count + 1)
    nodes = 1 + ratio + 2 * np.sqrt(ratio) * np.cos(angle)
    return nodes, 2 / (count + 1) * np.sin(angle) ** 2 / nodes


@pytest.mark.parametrize("ratio", [0.5, 1.2])
@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_marchenko_pastur_against_its_quadrature(ratio, ridge):
    x, weights = gauss(ratio)
    atom = max(0.0, 1 - 1 / ratio)
    spectrum = MarchenkoPastur(ratio)
    for z in (-0.7, -0.01, 0.3 - 0.4j, 8.0 + 0.1j):
        exact = np.sum(weights / (x - z)) - atom / z
        if abs(np.imag(z)) != 0.1:  # at the far side the quadrature needs the distance
            assert complex(spectrum.stieltjes_transform(z)) == pytest.approx(exact, rel=1e-12)
    rate, batch, n = 0.9, 2, 1000
    equation = VolterraEquation(
        spectrum, learning_rate=rate, ridge=ridge, batch_size=batch, num_rows=n
    )
    damping, mass = 2 * rate * (x + ridge), rate**2 / batch * ratio * weights * x**2
    numeric = SumOfExponentials(damping, mass)
    norm = np.sum(mass / damping)
    assert float(equation.kernel_norm) == pytest.approx(norm, rel=1e-12)
    assert float(equation.critical_learning_rate) == pytest.approx(rate / norm, rel=1e-12)
    tau = sympy.Symbol("tau", positive=True)
    kernel = sympy.lambdify(tau, equation.kernel(tau), "scipy")
    lags = np.linspace(0.05, 20, 9)
    assert kernel(lags) == pytest.approx(numeric(lags), rel=1e-11)
    s = sympy.Symbol("s")
    transform = sympy.lambdify(s, equation.laplace_transform(s))
    for value in (0.4, 1.0 + 2.0j):
        assert transform(value) == pytest.approx(np.sum(mass / (damping + value)), rel=1e-12)
    floor = equation.limiting_forcing(1.7, 0.4) / n
    gap = (ridge / (x + ridge)) ** 2
    seen = 0.5 * np.sum(weights * gap * (1.7 * x + 0.16 * ratio))
    unseen = 0.08 * (1 - ratio + ratio * atom)
    assert float(floor) == pytest.approx(seen + unseen, rel=1e-12)
    excess = equation.limiting_excess(1 / sympy.Integer(n), n * floor) / n
    share = rate / (2 * batch) * ratio * np.sum(weights * x / (x + ridge)) / n
    assert float(excess) == pytest.approx(share * (seen + unseen) / (1 - norm), rel=1e-11)


@pytest.mark.parametrize("ratio", [0.5, 1.2])
@pytest.mark.parametrize("side", [0.8, 1.04, 1.5])
@pytest.mark.parametrize("ridge", [0.0, 0.2])
def test_marchenko_pastur_rates(ratio, side, ridge):
    rate = side * isotropic.transition_learning_rate(ratio, batch_size=2)
    equation = VolterraEquation(
        MarchenkoPastur(ratio), learning_rate=rate, ridge=ridge, batch_size=2
    )
    found = float(equation.rates[0])
    assert float(equation.transition_learning_rate) == pytest.approx(rate / side, rel=1e-13)
    if ridge == 0:
        assert found == pytest.approx(isotropic.rate(rate, ratio, batch_size=2), rel=1e-11)
    if side > 1:
        x, weights = gauss(ratio)
        mass = rate**2 / 2 * ratio * weights * x**2
        numeric = analyse(SumOfExponentials(2 * rate * (x + ridge), mass))
        assert found == pytest.approx(-numeric.malthusian_exponent, rel=1e-10)


def test_isotropic_rates_as_formulas():
    r, gamma = sympy.symbols("r gamma", positive=True)
    equation = VolterraEquation(MarchenkoPastur(r), learning_rate=gamma, ridge=0, batch_size=1)
    assert sympy.simplify(equation.critical_learning_rate - 2 / r) == 0
    star = sympy.lambdify(r, equation.transition_learning_rate)
    for ratio in (0.3, 1.7):
        assert star(ratio) == pytest.approx(isotropic.transition_learning_rate(ratio), rel=1e-14)


@pytest.mark.parametrize("ratio", [0.5, 1.2])
def test_forcing_and_limit_of_marchenko_pastur(ratio):
    equation = VolterraEquation(
        MarchenkoPastur(ratio), learning_rate=0.8, ridge=0, batch_size=1, num_rows=1
    )
    for t in (0.0, 2.0):
        forcing = float(equation.forcing(1.5, 0.5, t).evalf(15))
        x, weights = gauss(ratio)
        decay = np.exp(-1.6 * x * t)
        seen = np.sum(weights * decay * (1.5 * x + 0.25 * ratio))
        unseen = 0.25 * (1 - min(ratio, 1.0))
        assert forcing == pytest.approx(0.5 * (seen + unseen), rel=1e-10)
    limit = equation.limiting_loss(equation.limiting_forcing(1.5, 0.5))
    expected = isotropic.limiting_empirical_risk(0.8, ratio, noise=0.5)
    assert float(limit) == pytest.approx(expected, rel=1e-13)


# ---------------------------------------------------------------- in print, and bad input


def test_latex():
    equation = VolterraEquation(PointMasses.symbols(1), batch_size=1)
    text = equation.latex()
    for part in (r"\begin{aligned}", r"\Psi", r"\int\limits_{0}^{t}", r"\|K\|", r"\lambda_{1}"):
        assert part in text
    assert equation._repr_latex_().startswith("$")
    assert set(equation.formulas()) == {
        "equation",
        "kernel",
        "laplace_transform",
        "kernel_norm",
        "critical_learning_rate",
    }


def test_masses_are_merged_and_zeros_left_out():
    spectrum = PointMasses([2, 0, 2, 5], [1, 7, 3, 1])
    assert spectrum.pairs == ((2, 4), (5, 1))


def test_bad_input_gets_one_sentence():
    one = PointMasses([1])
    with pytest.raises(TypeError, match="eigenvalues is a int"):
        PointMasses(3)
    with pytest.raises(ValueError, match="eigenvalues is empty"):
        PointMasses([])
    with pytest.raises(ValueError, match="2 eigenvalues but 1 multiplicities"):
        PointMasses([1, 2], [1])
    with pytest.raises(ValueError, match="all eigenvalues are zero"):
        PointMasses([0, 0])
    with pytest.raises(ValueError, match=r"eigenvalues\[1\] is -1"):
        PointMasses([1, -1])
    with pytest.raises(TypeError, match=r"eigenvalues\[0\] is 'x': pass a number or a SymPy"):
        PointMasses(["x"])
    with pytest.raises(ValueError, match="ratio is 0"):
        MarchenkoPastur(0)
    with pytest.raises(TypeError, match="spectrum is a list"):
        VolterraEquation([1, 2])
    with pytest.raises(ValueError, match="learning_rate is -1"):
        VolterraEquation(one, learning_rate=-1)
    with pytest.raises(ValueError, match="learning_rate is 0"):
        VolterraEquation(one, learning_rate=0)
    with pytest.raises(ValueError, match="ridge is I"):
        VolterraEquation(one, ridge=sympy.I)
    with pytest.raises(ValueError, match="ridge is oo"):
        VolterraEquation(one, ridge=sympy.oo)
    with pytest.raises(ValueError, match="sampling is 'reshuffle'"):
        VolterraEquation(one, sampling="reshuffle")
    with pytest.raises(ValueError, match="use characteristic_polynomial"):
        _ = VolterraEquation(PointMasses.symbols(3)).rates
    with pytest.raises(ValueError, match="finitely many masses have no transition"):
        _ = VolterraEquation(one).transition_learning_rate
    with pytest.raises(ValueError, match="only point masses"):
        VolterraEquation(MarchenkoPastur(1)).characteristic_polynomial()
    with pytest.raises(ValueError, match=r"hsgd\.isotropic\.empirical_risk"):
        VolterraEquation(MarchenkoPastur(1)).loss(1)
    with pytest.raises(ValueError, match="signal has 2 entries"):
        VolterraEquation(one).forcing([1, 2])


def test_a_spike_costs_sgd_its_share_of_the_trace_only():
    """At half of critical: rate × κ̄ within [1, 2] for every spike, where rate × κ is unbounded."""
    kappa, m, n = sympy.symbols("kappa m n", positive=True)
    equation = VolterraEquation(PointMasses([kappa, 1], [1, m]), ridge=0, batch_size=1, num_rows=n)
    half = {equation.learning_rate: equation.critical_learning_rate / 2}
    rate = sympy.lambdify((kappa, m, n), equation.rates[0].subs(half))
    spikes, bulk = np.meshgrid(np.geomspace(1, 1e5, 16), [1.0, 30.0, 1000.0])
    product = rate(spikes, bulk, 500.0) * (spikes + bulk) / 500.0
    assert np.all((product > 1 - 1e-9) & (product < 2 + 1e-9))
    assert np.max(rate(spikes, bulk, 500.0) * spikes) > 100


class Own(sympy.Function):
    """A function whose name SymPy would print into code."""


VARIABLE, HIDDEN = sympy.Symbol("x"), sympy.Symbol("print('run')")


@pytest.mark.parametrize(
    "expression",
    [
        sympy.Function("__import__('os').system('false') or abs")(VARIABLE),
        sympy.Function("f")(VARIABLE) + 1,
        sympy.Derivative(sympy.Function("f")(VARIABLE), VARIABLE),
        Own(VARIABLE),
        sympy.Integral(HIDDEN * VARIABLE, (HIDDEN, 0, 1)),
        sympy.Sum(VARIABLE**HIDDEN, (HIDDEN, 0, 3)),
    ],
)
def test_no_name_reaches_code_that_is_run(expression, capsys):
    for verb in (hsgd.symbolic.hermite_expansion, hsgd.symbolic.activation):
        with pytest.raises(ValueError):  # noqa: PT011  (several sentences)
            verb(expression)
    assert capsys.readouterr().out == ""


def test_a_variable_may_have_any_name():
    found = hsgd.symbolic.hermite_expansion(sympy.Max(HIDDEN, 0), 1)
    assert found.coefficients[1] == sympy.Rational(1, 2)
