"""Bugs in statistics, algorithms and schedules, which all share, and in formulas."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    # ------------------------------------------------------------------ what is measured
    Mutant(
        "hsgd/statistics/coordinates.py",
        "largest = np.abs(directions).argmax(axis=0)",
        "largest = directions.argmax(axis=0)",
        "tests/hsgd/test_problems.py::test_the_largest_entry_of_an_eigenvector_is_positive",
    ),
    Mutant(
        "hsgd/statistics/named.py",
        "if len(set(names)) < len(names):",
        "if len(set(names)) > len(names):",
        "tests/hsgd/test_problems.py::test_bad_statistics_get_one_sentence",
    ),
    Mutant(
        "hsgd/statistics/quadratics.py",
        "np.allclose(checked, checked.T, rtol=1e-10, atol=",
        "np.allclose(checked, checked.T, rtol=1e-2, atol=",
        "tests/hsgd/test_problems.py::test_bad_input_gets_one_sentence_with_the_remedy",
    ),
    Mutant(
        "hsgd/statistics/quadratics.py",
        "np.array(np.broadcast_to(self.curvature, self.centre.shape))",
        "np.array(np.broadcast_to(0.5 * self.curvature, self.centre.shape))",
        "tests/hsgd/test_streaming.py::"
        "test_the_recursion_is_the_moments_of_the_algorithm[True-1-0.0-3]",
    ),
    Mutant(
        "hsgd/statistics/rounding.py",
        "* (1.0 + condition) * size",
        "* size",
        "tests/hsgd/test_prediction.py::test_an_ill_conditioned_solution_is_known_to_rounding_only",
    ),
    Mutant(
        "hsgd/statistics/rounding.py",
        "cancelled + floor + 2.0 * np.sqrt(floor * np.abs(values))",
        "cancelled + floor",
        "tests/hsgd/test_prediction.py::test_a_small_risk_is_a_difference_of_large_numbers",
    ),
    Mutant(
        "hsgd/statistics/rounding.py",
        "np.asarray(cancelled + floor +",
        "np.asarray(floor +",
        "tests/hsgd/test_prediction.py::"
        "test_an_expanded_risk_that_vanishes_is_accurate_to_its_terms",
    ),
    Mutant(
        "hsgd/statistics/quadratics.py",
        "return form + float(np.linalg.norm(self.linear)) * norm + abs(self.constant)",
        "return form + abs(self.constant)",
        "tests/hsgd/test_prediction.py::test_a_statistic_without_curvature_is_rounded_too",
    ),
    # ------------------------------------------------------------------ what is run
    Mutant(
        "hsgd/algorithms/base.py",
        "(n - B) / (B * max(n - 1, 1))",
        "(n - B) / (B * n)",
        "tests/hsgd/test_asymptotics.py::test_unit_rows_without_ridge_are_critical_at_two",
    ),
    Mutant(
        "hsgd/algorithms/timing.py",
        "for _ in range(3):",
        "for _ in range(1):",
        "tests/hsgd/test_nouns.py::test_a_batch_schedule_counts_rows_as_a_loop_does",
    ),
    Mutant(
        "hsgd/algorithms/base.py",
        'if self.sampling != "with_replacement" and self.largest_batch_size > n:',
        'if self.sampling == "subset" and self.largest_batch_size > n + 1:',
        "tests/hsgd/test_batches.py::test_bad_arguments_get_one_sentence",
    ),
    Mutant(
        "hsgd/algorithms/adaptive.py",
        'each("initial", self.initial, positive)',
        'each("initial", self.initial, number)',
        "tests/simulate/test_rules.py::test_bad_nouns_are_refused",
    ),
    Mutant(
        "hsgd/algorithms/general_momentum.py",
        'exponent = 1.0 / (2.0 * number("alpha", alpha, strict=True))',
        'exponent = 1.0 / number("alpha", alpha, strict=True)',
        "tests/simulate/test_general_momentum.py::test_dana_has_the_factors_of_its_paper",
    ),
    Mutant(
        "hsgd/algorithms/general_momentum.py",
        "PowerDecay(checked, 1.0, 1.0 / problem.iterations_per_unit)",
        "PowerDecay(checked, 1.0, 1.0)",
        "tests/simulate/test_general_momentum.py::test_dana_has_the_factors_of_its_paper",
    ),
    Mutant(
        "hsgd/algorithms/momentum.py",
        "if momentum >= 1.0:",
        "if momentum > 1.0:",
        "tests/hsgd/test_nouns.py::test_bad_input_gets_one_sentence_with_the_remedy",
    ),
    Mutant(
        "hsgd/algorithms/sgd.py",
        "return 1.0 / self._one_batch_size(batch_size)",
        "return 1.0 / self._one_batch_size(None)",
        "tests/hsgd/test_streaming.py::test_schedules_of_rate_and_batch_size_are_stepped[0.0]",
    ),
    Mutant(
        "hsgd/schedules.py",
        "np.concatenate((np.linspace(start, end, _SAMPLES), inner))",
        "np.linspace(start, end, _SAMPLES)",
        "tests/hsgd/test_schedules.py::test_the_largest_rate_may_be_that_of_a_short_pulse",
    ),
    Mutant(
        "hsgd/antiderivative.py",
        "    depth = 40\n",
        "    depth = 20\n",
        "tests/hsgd/test_schedules.py::test_an_unnamed_jump_is_found_by_bisection",
    ),
    Mutant(
        "hsgd/schedules.py",
        "if (np.diff(times) <= 0).any():",
        "if (np.diff(times) < 0).any():",
        "tests/hsgd/test_prediction.py::test_bad_arguments_get_one_sentence_before_any_work",
    ),
    # ------------------------------------------------------------------ formulas
    Mutant(
        "hsgd/symbolic/equations.py",
        "(n - B) / (B * (n - 1))",
        "(n - B) / (B * n)",
        "tests/hsgd/test_symbolic.py::test_limits_norm_and_critical_rate[subset-1-1-0.7-2]",
    ),
    Mutant(
        "hsgd/symbolic/equations.py",
        "return n * (delta**2 * seen + eta**2 * (1 - r)) / 2",
        "return n * (delta**2 * seen + eta**2 * sympy.Max(0, 1 - r)) / 2",
        "tests/hsgd/test_symbolic.py::test_marchenko_pastur_against_its_quadrature[0.3-1.2]",
    ),
    Mutant(
        "hsgd/symbolic/equations.py",
        "expression(name, getattr(self, name), positive=True)",
        "expression(name, getattr(self, name))",
        "tests/hsgd/test_symbolic.py::test_bad_input_gets_one_sentence",
    ),
    Mutant(
        "hsgd/symbolic/expressions.py",
        "else result.is_nonnegative is False",
        "else result.is_negative is True",
        "tests/hsgd/test_symbolic.py::test_bad_input_gets_one_sentence",
    ),
    Mutant(
        "hsgd/symbolic/gaussian.py",
        "return term.coefficient * spread * sympy.exp(term.linear * mean / 2) * total",
        "return term.coefficient * sympy.exp(term.linear * mean / 2) * total",
        "tests/hsgd/test_gaussian.py::test_expectations[growing]",
    ),
    Mutant(
        "hsgd/symbolic/gaussian.py",
        "edge = boundary(k - 1, lower) - boundary(k - 1, upper)",
        "edge = boundary(k - 1, lower)",
        "tests/hsgd/test_gaussian.py::test_expectations[clipped]",
    ),
    Mutant(
        "hsgd/symbolic/polynomials.py",
        "max(values.error, constants.error),",
        "values.error,",
        "tests/hsgd/test_gaussian.py::"
        "test_without_a_closed_form_the_quadrature_answers_with_its_error",
    ),
    Mutant(
        "hsgd/symbolic/spectra.py",
        "splits = c < (r - sympy.sqrt(r) + 1) / sympy.sqrt(r)",
        "splits = c < (r + sympy.sqrt(r) + 1) / sympy.sqrt(r)",
        "tests/hsgd/test_symbolic.py::test_marchenko_pastur_rates[0.0-0.8-0.5]",
    ),
    Mutant(
        "hsgd/symbolic/spectra.py",
        "return part / self.ratio * self.sum",
        "return part * self.sum",
        "tests/hsgd/test_symbolic.py::test_forcing_and_limit_of_marchenko_pastur[0.5]",
    ),
    Mutant(
        "hsgd/hermite.py",
        "_TOLERANCE = 3e-13",
        "_TOLERANCE = 3e-9",
        "tests/hsgd/test_hermite.py::test_a_jump_is_found_sharply[False]",
    ),
    Mutant(
        "hsgd/hermite.py",
        "np.array([(y - mean - linear * x) ** 2])",
        "np.array([(y - linear * x) ** 2])",
        "tests/hsgd/test_hermite.py::test_constants[relu]",
    ),
    Mutant(
        "hsgd/hermite.py",
        "if highest > 1000:",
        "if highest > 10**6:",
        "tests/hsgd/test_hermite.py::test_bad_activations_get_one_sentence",
    ),
)
