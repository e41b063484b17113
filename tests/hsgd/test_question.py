"""What is asked is checked once, and resolved once, whatever the verb."""

import warnings

import numpy as np
import pytest

import hsgd
from hsgd.theory import asking
from hsgd.theory.dynamics.methods import METHODS, able
from hsgd.theory.spectra import providers
from tests.hsgd.test_prediction import problem_of
from tests.hsgd.test_streaming import population

TIMES = np.linspace(0.0, 3.0, 5)
GROWING = hsgd.SGD(hsgd.Piecewise((1.0,), (0.4, 0.2)), hsgd.Piecewise((2.0,), (1, 4)))

CALLS = {
    "predict": (lambda: hsgd.predict(problem_of(), hsgd.SGD(0.3), TIMES), 1),
    "predict, growing batches": (lambda: hsgd.predict(problem_of(), GROWING, TIMES), 1),
    "predict, momentum": (lambda: hsgd.predict(problem_of(), hsgd.Nesterov(0.1, 0.5), TIMES), 1),
    "predict, streaming": (lambda: hsgd.predict(population(3), hsgd.StreamingSGD(0.3), TIMES), 1),
    "limits": (lambda: hsgd.limits(problem_of(), hsgd.SGD(0.3)), 1),
    "diagnose": (lambda: hsgd.diagnose(problem_of(), hsgd.SGD(0.3)), 1),
    "critical_learning_rate": (lambda: hsgd.critical_learning_rate(problem_of()), 1),
    "critical_batch_size": (lambda: hsgd.critical_batch_size(problem_of()), 1),
    "grow_batch_size": (lambda: hsgd.grow_batch_size(problem_of(), hsgd.SGD(0.3), 2.0), 1),
    "epochs_to_tolerance": (lambda: hsgd.epochs_to_tolerance(problem_of(), 0.1), 1),
    # Two settings: the rows, and the population behind them.
    "bootstrap_risk": (
        lambda: hsgd.bootstrap_risk(population(4).sample(9, 0), hsgd.SGD(0.3), TIMES),
        2,
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_setting_is_checked_once(name, monkeypatch):
    check, made = asking.check_setting, []

    def counted(problem, algorithm, **options):
        made.append((problem, algorithm))
        check(problem, algorithm, **options)

    monkeypatch.setattr(asking, "check_setting", counted)
    call, expected = CALLS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        call()
    assert len(made) == expected


def test_modes_are_made_once_and_forgotten_with_the_problem(monkeypatch):
    made = []
    make = providers.PROVIDERS[hsgd.LeastSquares]
    monkeypatch.setitem(
        providers.PROVIDERS, hsgd.LeastSquares, lambda p: (made.append(id(p)), make(p))[1]
    )
    problem = problem_of()
    assert providers.modes(problem) is providers.modes(problem)
    providers.modes(problem_of())
    assert len(made) == 2


def test_the_table_of_methods():
    def found(name, algorithm, problem=None, *, curves=True):
        return able(name, problem or problem_of(), algorithm, curves=curves)

    limit, finite, reshuffled, flow, fit = METHODS
    assert limit.twin is finite
    assert found("auto", hsgd.SGD(0.1)) == [limit, finite]
    assert found("auto", hsgd.HeavyBall(0.1, 0.5)) == [finite]
    assert found("discrete", hsgd.SGD(0.1)) == [finite]
    typical = hsgd.SampledLeastSquares(hsgd.GaussianRows(1.0, np.ones(3)), 5)
    orders = hsgd.SGD(0.1, sampling="single_shuffle")
    assert found("auto", orders, typical) == [reshuffled]
    assert found("auto", orders) == [flow, fit]
    for name, algorithm, words in (
        ("hsgd", hsgd.HeavyBall(0.1, 0.5), "pass method='discrete' for HeavyBall"),
        ("best", hsgd.SGD(0.1), "must be one of"),
        ("mean_field", orders, "typical of a population"),
        ("auto", orders.replace(averaging=hsgd.EMA(0.1)), "independent batches"),
    ):
        with pytest.raises(ValueError, match=words):
            found(name, algorithm)
    with pytest.raises(ValueError, match="curves alone"):
        found("mean_field", orders, typical, curves=False)


def test_a_changed_question_keeps_the_rest():
    question = asking.ask(problem_of(), hsgd.SGD(0.3, 4), method="hsgd", rtol=1e-5)
    twin = question.but(method=question.method.twin)
    assert (twin.method.name, twin.rtol, twin.noise_factor) == ("discrete", 1e-5, 0.25)
    assert twin.system is question.system
    assert twin.stability.critical_rate() < question.stability.critical_rate() * (1 + 1e-12)
    assert not question.is_streamed
    assert asking.ask(population(3), hsgd.StreamingSGD(0.3)).is_streamed


WIDE = hsgd.GaussianRows(1 / 300, np.ones(300)).sample(400, 0)
TALL = hsgd.GaussianRows(1 / 10, np.ones(10)).sample(2000, 0)
FLAT = hsgd.LeastSquares(np.linalg.qr(WIDE.A)[0], WIDE.b)
"""Equal eigenvalues: at the critical rate a step takes each direction 2B/300 of its way."""
SMOOTH = hsgd.CosineDecay(0.1, 9.0)


@pytest.mark.parametrize(
    ("problem", "algorithm", "last", "expected"),
    [
        (WIDE, hsgd.SGD(0.5), 9.0, "hsgd"),
        (WIDE, hsgd.SGD(0.5, 64), 9.0, "discrete"),
        (WIDE, hsgd.SGD(1e-9, 64), 9.0, "discrete"),  # at every rate the same
        (FLAT, hsgd.SGD(0.5, 2), 9.0, "hsgd"),
        (FLAT, hsgd.SGD(0.5, 4), 9.0, "discrete"),
        (TALL, hsgd.SGD(0.5), 9.0, "discrete"),
        (TALL, hsgd.SGD(0.5, hsgd.Piecewise((1.0,), (1, 8))), 9.0, "discrete"),
        (TALL, hsgd.SGD(SMOOTH), 9.0, "discrete"),
        (TALL, hsgd.SGD(SMOOTH), 1e5, "hsgd"),  # 2e8 iterations of ten modes
        (TALL, hsgd.SGD(0.5), 1e6, "discrete"),  # which need no stepping
        (TALL, hsgd.SGD(0.5), 1e13, "hsgd"),  # 2e16 is no whole number that a float can hold
        (population(3), hsgd.StreamingSGD(0.5), 9.0, "discrete"),
        (population(3), hsgd.StreamingSGD(SMOOTH), 1e9, "hsgd"),
    ],
)
def test_auto_takes_finite_steps_where_they_matter(problem, algorithm, last, expected):
    question = asking.ask(problem, algorithm, time=[0.0, last], batch_schedules=True)
    assert question.method.name == expected


def test_all_verbs_have_one_critical_rate():
    for problem, size in ((WIDE, 1), (WIDE, 64), (TALL, 1)):
        critical = hsgd.critical_learning_rate(problem, batch_size=size)
        sgd = hsgd.SGD(0.1, size)
        assert float(hsgd.limits(problem, sgd).critical_learning_rate) == critical
        assert float(hsgd.diagnose(problem, sgd).critical_learning_rate) == critical


def test_both_curves_of_the_bootstrap_risk_have_one_method():
    """Multi-pass on wide data would be the limit of small steps, streaming is exact."""
    rows = hsgd.GaussianRows(1 / 300, np.ones(300), 0.1)
    found = hsgd.bootstrap_risk(rows.sample(400, 0), hsgd.SGD(0.5), [0.0, 1.0])
    assert found.attrs["method"] == "discrete"
    same = hsgd.bootstrap_risk(rows.sample(400, 0), hsgd.SGD(0.5), [0.0, 1.0], method="hsgd")
    assert same.attrs["method"] == "hsgd"
