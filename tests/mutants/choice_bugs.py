"""Bugs in which theory `auto` takes, in the exact mean's moments, and in what long work says."""

from tests.mutants.mutant import Mutant

_CHOICE = "tests/hsgd/test_question.py::test_auto_takes_finite_steps_where_they_matter"
_LEAPS = "tests/hsgd/test_exact.py::test_leaps_in_the_moments_are_the_steps_they_stand_for"
_MOMENTS = "tests/hsgd/test_exact.py::test_equal_to_the_raw_recursion_for_every_statistic"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "hsgd/theory/dynamics/discrete.py",
        "return last * modes <= MOST_WORK",
        "return last <= MOST_WORK",
        _CHOICE,
    ),
    Mutant(
        "hsgd/theory/dynamics/discrete.py",
        "at_most = 2.0 * small.critical_rate() / small.curvature_limit()",
        "at_most = 20.0 * small.critical_rate() / small.curvature_limit()",
        _CHOICE,
    ),
    Mutant(
        "hsgd/theory/dynamics/discrete.py",
        "if largest == 1 else 0.0",
        "if largest > 1 else 0.0",
        _CHOICE,
    ),
    Mutant(
        "hsgd/theory/dynamics/methods.py",
        "for method in reversed(methods[1:]):",
        "for method in reversed(methods[2:]):",
        _CHOICE,
    ),
    Mutant(
        "hsgd/theory/dynamics/discrete.py",
        "return last <= _LATEST or np.isinf(last)",
        "return True",
        _CHOICE,
    ),
    Mutant(
        "hsgd/theory/bootstrap.py",
        "answer(passes.but(method=fresh.method))",
        "answer(passes)",
        "tests/hsgd/test_question.py::test_both_curves_of_the_bootstrap_risk_have_one_method",
    ),
    Mutant(
        "hsgd/theory/dynamics/discrete.py",
        "modes > MANY_MODES and last < min(_ITERATIONS_PER_MODE * modes, MOST_STEPPED / modes)",
        "modes > MANY_MODES",
        "tests/hsgd/test_streaming.py::test_many_modes_and_few_iterations_are_stepped_through",
    ),
    Mutant(
        "hsgd/theory/dynamics/discrete.py",
        "last < min(_ITERATIONS_PER_MODE * modes, MOST_STEPPED / modes)",
        "last < _ITERATIONS_PER_MODE * modes",
        "tests/hsgd/test_streaming.py::test_many_modes_and_few_iterations_are_stepped_through",
    ),
    Mutant(
        "hsgd/theory/stability/finite_steps.py",
        "edge = -float(np.expm1(self._log_modulus(one.step[forced]).max()))",
        "edge = -float(np.expm1(self._log_modulus(one.step[forced]).min()))",
        "tests/hsgd/test_asymptotics.py::test_the_transition_is_where_the_regime_changes",
    ),
    Mutant(
        "hsgd/exact/moments.py",
        "curving[pairs, pairs] = -l[k] * l[j] / n**2",
        "curving[pairs, pairs] = l[k] * l[j] / n**2",
        _MOMENTS,
    ),
    Mutant(
        "hsgd/exact/moments.py",
        "np.add.at(noise, (pairs, packed + j), lam[j] * g[k] / n**2)",
        "np.add.at(noise, (pairs, packed + j), lam[k] * g[j] / n**2)",
        _MOMENTS,
    ),
    Mutant(
        "hsgd/exact/moments.py",
        "self.powers.append(2.0 * half - half @ half)",
        "self.powers.append(2.0 * half)",
        _LEAPS,
    ),
    Mutant(
        "hsgd/exact/moments.py",
        "if not self.powers or self.setting != (rate, factor):",
        "if not self.powers:",
        _LEAPS,
    ),
    Mutant(
        "hsgd/exact/moments.py",
        "(1.0 - rate * self.ridge_per_row) ** count",
        "(1.0 - rate * self.ridge_per_row)",
        "tests/hsgd/test_exact.py::test_what_no_row_sees_fades_in_the_moments_too",
    ),
    Mutant(
        "hsgd/exact/mean.py",
        "if few <= min(slow, fast, _PATIENCE):",
        "if few > min(slow, fast, _PATIENCE):",
        "tests/hsgd/test_exact.py::test_many_rows_of_few_columns_take_no_steps",
    ),
    Mutant(
        "hsgd/machine/progress.py",
        "display.open() if show else timer.start()",
        "display.open() if show else None",
        "tests/hsgd/test_progress.py::test_what_goes_on_is_said_before_anything_is_counted",
    ),
    Mutant(
        "volterra/exact/secular.py",
        "if least < _LEAST_RATE:",
        "if least < 1e-300 * _LEAST_RATE:",
        "tests/volterra/test_secular.py::"
        "test_rates_a_hundred_decades_apart_are_observed_without_a_warning",
    ),
)
