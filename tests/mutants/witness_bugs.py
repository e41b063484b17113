"""Bugs in the exact mean, the formulas, and the floor they share with the theory."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    # ------------------------------------------------------------------ the exact mean
    Mutant(
        "hsgd/exact/mean.py",
        "drift = EPS * (100.0 + iterations)[:, None] * scale",
        "drift = 0.1 * EPS * (100.0 + iterations)[:, None] * scale",
        "tests/hsgd/test_exact.py::test_steps_below_rounding_are_in_the_error",
    ),
    Mutant(
        "hsgd/exact/mean.py",
        '    memory.check(needed, f"exact_mean by recursion (n={n}, rank {rank})",'
        ' "rows or columns")\n',
        "",
        "tests/hsgd/test_row_basis.py::test_too_large_a_problem_is_refused_with_memory_and_time",
    ),
    Mutant(
        "hsgd/exact/mean.py",
        "rate = float(np.max(rates[sizes == size]))",
        "rate = float(np.max(rates))",
        "tests/hsgd/test_exact.py::test_a_rate_is_held_against_the_threshold_of_its_batch",
    ),
    Mutant(
        "hsgd/exact/mean.py",
        "if rtol < _SMALLEST_RTOL:",
        "if rtol < 0.0:",
        "tests/hsgd/test_row_basis.py::test_bad_options_are_refused_in_one_sentence",
    ),
    Mutant(
        "hsgd/exact/recursion.py",
        "times = np.arange(self.iteration, iteration) / n",
        "times = np.arange(iteration - self.iteration) / n",
        "tests/hsgd/test_exact.py::test_equal_to_the_raw_recursion_for_every_statistic"
        "[1-with_replacement-tall-0.0]",
    ),
    Mutant(
        "hsgd/exact/recursion.py",
        "((A.T * rho) @ A - np.outer(g, g) / n)",
        "((A.T * rho) @ A)",
        "tests/hsgd/test_exact.py::test_equal_to_the_enumeration_of_all_subsets",
    ),
    Mutant(
        "hsgd/exact/recursion.py",
        "self.outside = self.outside * (1.0 - rate * self.problem.ridge / n)",
        "self.outside = self.outside * 1.0",
        "tests/hsgd/test_exact.py::test_equal_to_the_raw_recursion_for_every_statistic"
        "[1-with_replacement-wide-0.3]",
    ),
    Mutant(
        "hsgd/exact/mean_square.py",
        "np.outer(self.l, self.l) - self.phi * np.outer(self.lam, self.lam)",
        "np.outer(self.l, self.l) - np.outer(self.lam, self.lam)",
        "tests/hsgd/test_stability.py::"
        "test_the_bracket_holds_the_dense_threshold[0.0-5-subset-0.3]",
    ),
    Mutant(
        "hsgd/exact/mean_square.py",
        "(step.l**2 - step.phi * step.lam**2)",
        "(step.l**2 - step.lam**2)",
        "tests/hsgd/test_stability.py::test_beyond_the_largest_rank_the_first_quotient_is_taken",
    ),
    Mutant(
        "hsgd/exact/mean_square.py",
        "return min(curvature, 1.0 / _lanczos(step, _SETTLED, _QUICK_STEPS)[0])",
        "return min(curvature, 1.0 / _lanczos(step, 1e3 * _SETTLED, _QUICK_STEPS)[0])",
        "tests/hsgd/test_stability.py::"
        "test_the_bracket_holds_the_dense_threshold[0.5-5-subset-0.3]",
    ),
    Mutant(
        "hsgd/exact/stability.py",
        "return float(min(2.0 * n / trace if trace > 0 else np.inf, 2.0 * n / l[0]))",
        "return float(2.0 * n / trace if trace > 0 else np.inf)",
        "tests/hsgd/test_stability.py::test_homogenized_value_is_that_of_the_theory",
    ),
    Mutant(
        "hsgd/exact/stability.py",
        "passed = heard**2 / np.sum(heard**2)",
        "passed = heard / np.sum(heard)",
        "tests/hsgd/test_stability.py::test_the_share_of_a_row_is_what_it_passes_on_of_the_covariance_that_grows",
    ),
    # ------------------------------------------------------------------ its fast method
    Mutant(
        "hsgd/exact/row_basis/convergence.py",
        "_SAFETY = 2.0",
        "_SAFETY = 0.2",
        "tests/hsgd/test_row_basis.py::test_the_error_estimate_is_honest_and_not_idle",
    ),
    Mutant(
        "hsgd/exact/row_basis/cost.py",
        "return int(8 * (triangles + kernels + 6 * rows.number * rows.rank))",
        "return int(triangles + kernels + 6 * rows.number * rows.rank)",
        "tests/hsgd/test_row_basis.py::test_the_memory_that_is_asked_for_is_what_the_docs_say",
    ),
    Mutant(
        "hsgd/exact/row_basis/enrichment.py",
        "max(_WORTH * largest, 1e-14)",
        "max(_WORTH, 1e-14)",
        "tests/hsgd/test_row_basis.py::test_equal_to_the_plain_recursion_at_every_iteration"
        "[ill-conditioned]",
    ),
    Mutant(
        "hsgd/exact/row_basis/galerkin.py",
        "V[:, chosen] += kernel.scale * np.einsum",
        "V[:, chosen] += np.einsum",
        "tests/hsgd/test_row_basis.py::test_piecewise_rates_including_zero_go_segment_by_segment",
    ),
    Mutant(
        "hsgd/exact/row_basis/galerkin.py",
        "if regime.noise > 0 or start is not None:",
        "if regime.noise > 0:",
        "tests/hsgd/test_row_basis.py::test_piecewise_rates_including_zero_go_segment_by_segment",
    ),
    Mutant(
        "hsgd/exact/row_basis/layout.py",
        "if not piece.finite and panels:",
        "if not panels:",
        "tests/hsgd/test_row_basis.py::test_far_above_critical_what_overflows_is_infinite",
    ),
    Mutant(
        "hsgd/exact/row_basis/method.py",
        "error = estimate + self._certify(0.5 * self.rtol) + _ROUNDING",
        "error = self._certify(0.5 * self.rtol) + _ROUNDING",
        "tests/hsgd/test_row_basis.py::test_a_missed_tolerance_is_said",
    ),
    Mutant(
        "hsgd/exact/row_basis/method.py",
        "estimate = np.zeros(len(self.statistics))  # the basis",
        "estimate = estimate  # the basis",
        "tests/hsgd/test_row_basis.py::test_few_rows_are_a_basis_that_lacks_nothing",
    ),
    Mutant(
        "hsgd/exact/row_basis/powers.py",
        "_FIRST / horizon * 2.0 ** np.arange(",
        "_FIRST / horizon * 4.0 ** np.arange(",
        "tests/hsgd/test_row_basis.py::"
        "test_interpolated_powers_have_the_error_that_their_file_states[10]",
    ),
    Mutant(
        "hsgd/exact/row_basis/regime.py",
        "outside = outside * regime.fade(np.array([regime.length]))[0]",
        "outside = outside * 1.0",
        "tests/hsgd/test_row_basis.py::test_piecewise_rates_including_zero_go_segment_by_segment",
    ),
    Mutant(
        "hsgd/exact/row_basis/regime.py",
        "h[i] + h[i:] - h[i] * h[i:] +",
        "h[i] + h[i:] +",
        "tests/hsgd/test_row_basis.py::test_the_source_is_that_of_the_recursion",
    ),
    Mutant(
        "hsgd/exact/row_basis/regime.py",
        "sums[:, 1:] *= SQRT2",
        "sums[:, 1:] *= 1.0",
        "tests/hsgd/test_row_basis.py::test_the_source_is_that_of_the_recursion",
    ),
    Mutant(
        "hsgd/exact/row_basis/rows.py",
        "for sign in (1.0, -1.0):",
        "for sign in (1.0,):",
        "tests/hsgd/test_row_basis.py::test_equal_to_the_plain_recursion_at_every_iteration"
        "[subsets]",
    ),
    Mutant(
        "hsgd/exact/row_basis/time_panels.py",
        "(2.0 * offset + 1.0) / length - 1.0",
        "2.0 * offset / length - 1.0",
        "tests/hsgd/test_row_basis.py::test_sums_over_panels_are_those_of_the_loop",
    ),
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
        "hsgd/algorithms/base.py",
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
        'number("initial", self.initial, strict=True)',
        'number("initial", self.initial)',
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
        "hsgd/schedules.py",
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
    Mutant(
        "hsgd/schedules.py",
        "tolerance = 1e-14",
        "tolerance = 1e-7",
        "tests/hsgd/test_schedules.py::test_the_odometer_is_the_integral_of_the_rate",
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
    Mutant(
        "hsgd/hermite.py",
        "if tails.max() > -60.0:",
        "if tails.max() > 60.0:",
        "tests/hsgd/test_hermite.py::test_bad_activations_get_one_sentence",
    ),
)
