"""Bugs in what the theory's verbs say, in its modes, and in how far it says it may be off."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    # ------------------------------------------------------------------ the verbs
    Mutant(
        "hsgd/theory/asking.py",
        "if not any_rate:",
        "if any_rate:",
        "tests/hsgd/test_prediction.py::test_bad_arguments_get_one_sentence_before_any_work",
    ),
    Mutant(
        "hsgd/theory/batches.py",
        "n / (1.0 + phi * (n - 1))",
        "n / (1.0 + phi * n)",
        "tests/hsgd/test_batches.py::test_the_critical_batch_size_is_where_both_limits_meet",
    ),
    Mutant(
        "hsgd/theory/batches.py",
        "most = min(question.num_rows, 2**20) if",
        "most = 2**20 if",
        "tests/hsgd/test_batches.py::test_a_batch_grows_no_larger_than_the_data",
    ),
    Mutant(
        "hsgd/theory/batches.py",
        "threshold = float(losses[fallen[0]]) / fall",
        "threshold = threshold / fall",
        "tests/hsgd/test_batches.py::"
        "test_growing_batches_change_where_the_predicted_risk_has_fallen[False]",
    ),
    Mutant(
        "hsgd/theory/batches.py",
        "return rate, float(np.ceil(self.count(stability, rate))), critical",
        "return rate, float(np.floor(self.count(stability, rate))), critical",
        "tests/hsgd/test_batches.py::test_iterations_to_a_target",
    ),
    Mutant(
        "hsgd/theory/bootstrap.py",
        '{"ridge": problem.ridge / problem.num_rows,',
        '{"ridge": problem.ridge,',
        "tests/hsgd/test_bootstrap.py::test_it_is_the_difference_of_two_predictions[hsgd]",
    ),
    Mutant(
        "hsgd/theory/bootstrap.py",
        '"bootstrap_risk_error": (sum(errors),',
        '"bootstrap_risk_error": (errors[0],',
        "tests/hsgd/test_bootstrap.py::test_it_is_the_difference_of_two_predictions[hsgd]",
    ),
    Mutant(
        "hsgd/theory/bootstrap.py",
        "relative = (gaps[0] * first + gaps[1] * second) / np.abs(difference)",
        "relative = gaps[0] * first / np.abs(difference)",
        "tests/hsgd/test_bootstrap.py::test_it_is_the_difference_of_two_predictions[hsgd]",
    ),
    Mutant(
        "hsgd/theory/bootstrap.py",
        "float(np.linalg.norm(residual)) / count**0.5",
        "float(np.linalg.norm(residual)) / (count - 1) ** 0.5",
        "tests/hsgd/test_bootstrap.py::test_every_kind_of_population_becomes_rows",
    ),
    Mutant(
        "hsgd/theory/bootstrap.py",
        "tuple(b / self.scale for b in self.inner.breakpoints)",
        "self.inner.breakpoints",
        "tests/hsgd/test_bootstrap.py::test_schedules_are_taken_at_the_same_iterations",
    ),
    Mutant(
        "hsgd/theory/critical.py",
        "ask(problem, algorithm, method=method, averages=True)",
        "ask(problem, algorithm, averages=True)",
        "tests/hsgd/test_batches.py::test_noise_and_curvature_are_one_limit_in_finite_steps",
    ),
    Mutant(
        "hsgd/theory/critical.py",
        "return HeavyBall(0.0, momentum, batch_size=batch_size, sampling=sampling)",
        "return HeavyBall(0.0, momentum, batch_size=batch_size)",
        "tests/hsgd/test_batches.py::"
        "test_the_critical_learning_rate_brackets_divergence[0.7-subset-60]",
    ),
    Mutant(
        "hsgd/theory/curves.py",
        "Curve(flow, value, error + rounding, left_out)",
        "Curve(flow, flow + noise, error, left_out)",
        "tests/hsgd/test_prediction.py::test_a_statistic_without_curvature_is_rounded_too",
    ),
    Mutant(
        "hsgd/theory/curves.py",
        "0.5 * np.linalg.norm(between, 2) * trace",
        "np.linalg.norm(between, 2) * trace",
        "tests/hsgd/test_streaming.py::test_the_bound_on_what_is_left_out_between_modes_is_attained",
    ),
    Mutant(
        "hsgd/theory/curves.py",
        "    np.fill_diagonal(between, 0.0)\n",
        "",
        "tests/hsgd/test_streaming.py::test_the_bound_on_what_is_left_out_between_modes_is_attained",
    ),
    Mutant(
        "hsgd/theory/diagnosis.py",
        "max(horizon * question.problem.iterations_per_unit, 1.0)",
        "max(horizon, 1.0)",
        "tests/hsgd/test_diagnosis.py::test_late_times_are_on_the_way_too",
    ),
    Mutant(
        "hsgd/theory/epochs.py",
        "4.0 / (top**0.5 + low**0.5) ** 2,",
        "2.0 / (top**0.5 + low**0.5) ** 2,",
        "tests/hsgd/test_limits.py::test_the_predicted_epochs_are_the_curves",
    ),
    Mutant(
        "hsgd/theory/epochs.py",
        "4.0 * np.arctanh(k * k), 4.0 * np.arctanh(k)",
        "4.0 * np.arctanh(k * k), 2.0 * np.arctanh(k)",
        "tests/hsgd/test_limits.py::test_the_predicted_epochs_are_the_curves",
    ),
    Mutant(
        "hsgd/theory/limits.py",
        "system.trace / system.iterations_per_unit / smallest",
        "system.trace / system.dimension / smallest",
        "tests/hsgd/test_asymptotics.py::test_condition_numbers",
    ),
    Mutant(
        "hsgd/theory/limits.py",
        "largest / (system.trace / system.dimension)",
        "largest / spectrum.mean()",
        "tests/hsgd/test_asymptotics.py::test_condition_numbers",
    ),
    Mutant(
        "hsgd/theory/prediction.py",
        "error = curve.error + rounding(problem, statistic, curve.value)",
        "error = curve.error",
        "tests/hsgd/test_prediction.py::test_an_expanded_risk_that_vanishes_is_accurate_to_its_terms",
    ),
    Mutant(
        "hsgd/theory/prediction.py",
        "judged, iterations[-1] /",
        "judged, iterations[0] /",
        "tests/hsgd/test_diagnosis.py::test_the_largest_rate_of_a_schedule_counts",
    ),
    Mutant(
        "hsgd/theory/settling.py",
        "np.where(np.isnan(values), np.inf, values)",
        "values",
        "tests/hsgd/test_finite_steps.py::test_a_mode_at_rest_is_no_number_times_infinity",
    ),
    Mutant(
        "hsgd/theory/spectra/eigenmodes.py",
        "weights = np.concatenate((mode * p * q, 0.5 * mode * q**2, outside))",
        "weights = np.concatenate((0.5 * mode * p * q, 0.5 * mode * q**2, outside))",
        "tests/hsgd/test_prediction.py::"
        "test_long_spectra_give_the_same_curves_block_by_block_and_made_short",
    ),
    Mutant(
        "hsgd/theory/spectra/modes.py",
        "allowed = 0.5 * self.rounding",
        "allowed = 1e4 * self.rounding",
        "tests/hsgd/test_prediction.py::"
        "test_long_spectra_give_the_same_curves_block_by_block_and_made_short",
    ),
    Mutant(
        "hsgd/theory/question.py",
        'memory.check(needed, f"a prediction at {len(k)} times',
        'memory.check(0, f"a prediction at {len(k)} times',
        "tests/hsgd/test_memory.py::"
        "test_what_does_not_fit_is_refused_with_both_figures_before_it_is_allocated"
        "[predict, streaming]",
    ),
    # ------------------------------------------------------------------ typical samples
    Mutant(
        "hsgd/theory/spectra/sampled.py",
        "(nu[:, None] * sigma - nu * sigma[:, None]) / apart",
        "(nu[:, None] * sigma) / apart",
        "tests/hsgd/test_typical.py::test_the_two_sided_resolvent_is_that_of_ridge_regression[100]",
    ),
    Mutant(
        "hsgd/theory/spectra/sampled.py",
        "return self.spectrum.num_rows * self.spectrum.weights / mu",
        "return self.spectrum.num_rows * self.spectrum.weights / mu * self.spectrum.nodes",
        "tests/hsgd/test_typical.py::test_a_sample_without_end_is_ridge_regression[200-4.0]",
    ),
    Mutant(
        "hsgd/theory/spectra/sampled.py",
        "noise = self.label_noise**2 * mu * h**2 / (s.num_rows * s.nodes)",
        "noise = self.label_noise**2 * mu * h**2 / s.num_rows",
        "tests/hsgd/test_typical.py::test_label_noise_alone_moves_the_solution",
    ),
    Mutant(
        "hsgd/theory/spectra/sampled.py",
        "risk -= 2.0 * np.einsum",
        "risk -= np.einsum",
        "tests/hsgd/test_typical.py::test_gradient_flow_is_the_mean_over_drawn_samples[60-25-3.0]",
    ),
    Mutant(
        "hsgd/theory/spectra/sampled.py",
        "residual_outside=rows.noise**2 * (n - spectrum.rank)",
        "residual_outside=rows.noise**2 * n",
        "tests/hsgd/test_typical.py::test_a_sample_without_end_is_ridge_regression[200-0.0]",
    ),
    Mutant(
        "hsgd/theory/spectra/sources.py",
        "share = np.clip((lam - lower) / (upper - lower), 0.0, 1.0)",
        "share = np.full_like(lam, 0.5)",
        "tests/hsgd/test_typical.py::test_many_eigenvalues_are_gathered_and_hardly_change_a_curve",
    ),
    Mutant(
        "hsgd/theory/spectra/sample_covariance.py",
        "known[-1] = n / self.at_zero",
        "known[-1] = 2 * n / self.at_zero",
        "tests/hsgd/test_typical.py::"
        "test_nodes_have_the_transforms_that_define_the_spectrum[power law-20]",
    ),
    Mutant(
        "hsgd/theory/spectra/sample_covariance.py",
        "(np.abs(rough - fine) <= _TOLERANCE * fine).all(axis=1)",
        "(np.abs(rough - fine) <= 1.0).all(axis=1)",
        "tests/hsgd/test_typical.py::test_bulks_that_have_just_merged_are_told_apart",
    ),
    Mutant(
        "hsgd/theory/spectra/sample_covariance.py",
        "zero = np.asarray(amounts) @ (self.at_zero / (lam + self.at_zero))",
        "zero = np.asarray(amounts) @ (lam / (lam + self.at_zero))",
        "tests/hsgd/test_typical.py::"
        "test_nodes_have_the_transforms_that_define_the_spectrum[power law-20]",
    ),
    Mutant(
        "hsgd/theory/trust/judgement.py",
        "return 1.0 + (own - 1.0) * drawn.num_rows / question.problem.n",
        "return 1.0",
        "tests/hsgd/test_typical.py::test_the_discrepancy_is_that_of_drawn_rows",
    ),
    Mutant(
        "hsgd/theory/effective.py",
        "share = (fine_risks[before] - targets[i]) / fall if fall > 0 else 1.0",
        "share = 2.0",
        "tests/hsgd/test_typical.py::"
        "test_effective_epochs_are_the_fresh_rows_that_reach_the_same_risk",
    ),
    Mutant(
        "hsgd/problems/spectrum.py",
        "GaussianRows(self.eigenvalues, np.sqrt(squares), self.noise",
        "GaussianRows(self.eigenvalues, squares, self.noise",
        "tests/hsgd/test_typical.py::test_a_spectrum_is_enough",
    ),
    Mutant(
        "hsgd/theory/spectra/sampled.py",
        "wick=1.0,",
        "wick=0.0,",
        "tests/hsgd/test_typical.py::test_finite_steps_count_that_rows_are_gaussian_in_every_mode",
    ),
    Mutant(
        "hsgd/theory/stability/asymptotics.py",
        "own + 2.0 * loss * self.system.multiplicity)",
        "self.system.multiplicity * (own + 2.0 * loss))",
        "tests/hsgd/test_typical.py::test_stepping_is_the_closed_form",
    ),
    Mutant(
        "hsgd/theory/dynamics/stepping_kernel.py",
        "wick * eigenvalues[j] * noise[j]",
        "wick * driven[j] * noise[j]",
        "tests/hsgd/test_typical.py::test_stepping_is_the_closed_form",
    ),
    # ------------------------------------------------------------------ large matrices
    Mutant(
        "hsgd/theory/spectra/matrix_free.py",
        "a = -(c + ridge * (start[: len(rule.vectors)] @ rule.vectors[:, rule.seen]))",
        "a = -c",
        "tests/hsgd/test_large_matrices.py::"
        "test_curves_are_those_of_the_factored_matrix[1-hsgd-240-80-1.0-0.5]",
    ),
    Mutant(
        "hsgd/theory/spectra/matrix_free.py",
        "w -= self.found_vectors @ (self.found_vectors.T @ w)",
        "w = w",
        "tests/hsgd/test_large_matrices.py::"
        "test_curves_are_those_of_the_factored_matrix[1-hsgd-240-80-0.0-0.0]",
    ),
    Mutant(
        "hsgd/theory/spectra/matrix_free.py",
        "np.asarray(0.25 * size**2 * mixed * rule.first)",
        "np.asarray(0.2 * size**2 * mixed * rule.first)",
        "tests/hsgd/test_large_matrices.py::"
        "test_curves_are_those_of_the_factored_matrix[1-hsgd-240-80-1.0-0.5]",
    ),
    Mutant(
        "hsgd/theory/spectra/matrix_free.py",
        "many = many * (rest / estimated)",
        "many = many",
        "tests/hsgd/test_large_matrices.py::test_every_kind_of_matrix_has_the_theory[sparse]",
    ),
    Mutant(
        "hsgd/theory/spectra/probes.py",
        "share = (above - place) / (above - below)",
        "share = 0.5",
        "tests/hsgd/test_large_matrices.py::test_the_grid_of_probes_keeps_weights_and_means",
    ),
    Mutant(
        "hsgd/theory/spectra/lanczos.py",
        "(self._before * self._beta[-1] if self._beta else 0.0)",
        "0.0",
        "tests/hsgd/test_large_matrices.py::test_a_gauss_rule_is_exact_for_polynomials",
    ),
    Mutant(
        "hsgd/theory/spectra/jackknife.py",
        "(count - 1) / count * np.sum(apart**2, axis=0)",
        "np.sum(apart**2, axis=0) / count",
        "tests/hsgd/test_large_matrices.py::test_the_reported_error_is_that_of_chance",
    ),
    Mutant(
        "hsgd/theory/settling.py",
        "question = question.but(spectrum=finer)",
        "return Settled(question, solved, curves, solved.status)",
        "tests/hsgd/test_large_matrices.py::test_more_probes_are_drawn_until_the_tolerance_is_met",
    ),
    Mutant(
        "hsgd/problems/products.py",
        "return np.asarray(self._added(_transposed_times, np.split(Y, self._ends()[:-1])))",
        "return np.asarray(self._added(_transposed_times, [Y[: len(Y) // 5]] * len(self._blocks)))",
        "tests/hsgd/test_large_matrices.py::test_products_of_every_kind_are_one_product",
    ),
    # ------------------------------------------------------------------ the modes
    Mutant(
        "hsgd/theory/spectra/modes.py",
        "shares = self.driven * (self.eigenvalues / self.damping)",
        "shares = self.driven",
        "tests/hsgd/test_stability.py::test_homogenized_value_is_that_of_the_theory",
    ),
    Mutant(
        "hsgd/theory/spectra/eigenmodes.py",
        "outside = fade[:, None] * self.start_outside - centre_outside",
        "outside = fade[:, None] * self.start_outside",
        "tests/hsgd/test_prediction.py::test_every_statistic_for_every_kind_of_problem"
        "[1-with_replacement-x0-0.0-wide]",
    ),
    Mutant(
        "hsgd/theory/spectra/eigenmodes.py",
        "if known is None or known[0] is not directions:",
        "if known is None:",
        "tests/hsgd/test_prediction.py::test_a_statistic_may_be_asked_of_several_problems",
    ),
    Mutant(
        "hsgd/theory/spectra/population.py",
        "values[order] > N * np.finfo(float).eps * values.max()",
        "values[order] > 0.0",
        "tests/hsgd/test_streaming.py::test_directions_that_no_row_sees_are_no_modes",
    ),
    Mutant(
        "hsgd/theory/spectra/rows.py",
        "start_outside=problem.x0 - right @ z",
        "start_outside=problem.x0",
        "tests/hsgd/test_prediction.py::test_every_statistic_for_every_kind_of_problem"
        "[1-with_replacement-x0-0.0-wide]",
    ),
    # ------------------------------------------------------------------ how far it may be off
    Mutant(
        "hsgd/theory/trust/applicability.py",
        "rate = algorithm.schedule.largest(start, end)",
        "rate = algorithm.schedule.largest(0.0, end)",
        "tests/hsgd/test_diagnosis.py::test_a_rate_is_judged_with_the_batch_that_takes_it",
    ),
    Mutant(
        "hsgd/theory/trust/applicability.py",
        'return min(raised, key=lambda verdict: not verdict[0].startswith("unstable"))',
        "return raised[0]",
        "tests/hsgd/test_diagnosis.py::test_a_rate_is_judged_with_the_batch_that_takes_it",
    ),
    Mutant(
        "hsgd/theory/trust/applicability.py",
        "_steps_stable(question.but(method=twin), rate)",
        "_steps_stable(question, rate)",
        "tests/hsgd/test_streaming.py::"
        "test_large_steps_that_only_their_limit_survives_are_warned_of",
    ),
    Mutant(
        "hsgd/theory/trust/discrepancy.py",
        "gap = np.where(value > 0, np.abs(other / value - 1.0), 0.0)",
        "gap = np.where(value > 0, 2.0 * np.abs(other / value - 1.0), 0.0)",
        "tests/hsgd/test_streaming.py::test_the_limit_errs_like_one_over_d",
    ),
    Mutant(
        "hsgd/theory/trust/discrepancy.py",
        "excess=feedback_excess(question, factor)",
        "excess=feedback_excess(question, factor) ** 2",
        "tests/hsgd/test_prediction.py::test_the_expected_discrepancy_has_the_size_of_the_true_one",
    ),
    Mutant(
        "hsgd/theory/trust/discrepancy.py",
        "np.min(question.algorithm.batch_sizes(iterations / question.num_rows))",
        "np.max(question.algorithm.batch_sizes(iterations / question.num_rows))",
        "tests/hsgd/test_prediction.py::test_growing_batches_are_allowed_what_their_first_size_is",
    ),
    Mutant(
        "hsgd/theory/trust/discrepancy.py",
        "np.full(len(found) - len(own), own[-1])",
        "np.zeros(len(found) - len(own))",
        "tests/hsgd/test_streaming.py::test_ten_thousand_modes_of_a_power_law",
    ),
    Mutant(
        "hsgd/theory/trust/first_steps.py",
        "(rho @ squares - g * g / n)",
        "(rho @ squares)",
        "tests/hsgd/test_prediction.py::test_one_step_with_the_rows_is_exact",
    ),
    Mutant(
        "hsgd/theory/trust/first_steps.py",
        "V = (factor**2 - phi * (rate * lam / n) ** 2) * V",
        "V = factor**2 * V",
        "tests/hsgd/test_prediction.py::test_steps_with_rows_along_the_axes_are_exact",
    ),
    Mutant(
        "hsgd/theory/trust/first_steps.py",
        "(g + problem.ridge * inside)",
        "g",
        "tests/hsgd/test_prediction.py::test_one_step_with_the_rows_is_exact",
    ),
    Mutant(
        "hsgd/theory/trust/judgement.py",
        "return (heavier - norm) * norm / (1.0 - heavier)",
        "return (heavier - norm) / (1.0 - heavier)",
        "tests/hsgd/test_prediction.py::test_late_the_discrepancy_is_that_of_the_limit",
    ),
    Mutant(
        "hsgd/theory/trust/judgement.py",
        "steps = SmallSteps if small else FiniteSteps",
        "steps = SmallSteps",
        "tests/hsgd/test_diagnosis.py::"
        "test_large_steps_of_batches_are_not_taken_for_an_effect_of_the_rows[16]",
    ),
    Mutant(
        "hsgd/theory/trust/judgement.py",
        "far = in_the_limit > LARGEST_DISCREPANCY or discrepancy > LARGEST_ON_THE_WAY",
        "far = in_the_limit > LARGEST_DISCREPANCY and discrepancy > LARGEST_ON_THE_WAY",
        "tests/hsgd/test_diagnosis.py::test_large_steps_are_told[256-0.25-0.02]",
    ),
    Mutant(
        "hsgd/theory/trust/judgement.py",
        '"curvature": rate / small.curvature_limit(),',
        '"curvature": 2.0 * rate / small.curvature_limit(),',
        "tests/hsgd/test_diagnosis.py::test_the_figures_are_what_their_names_say",
    ),
    Mutant(
        "hsgd/theory/trust/judgement.py",
        "float(spectrum.max() / system.trace * problem.dimension)",
        "float(spectrum.max() / system.trace * problem.num_rows)",
        "tests/hsgd/test_diagnosis.py::test_the_figures_are_what_their_names_say",
    ),
    Mutant(
        "hsgd/theory/trust/judgement.py",
        'float(np.einsum("ij,ij->i", left, left).max())',
        'float(np.einsum("ij,ij->i", left, left).mean())',
        "tests/hsgd/test_diagnosis.py::test_the_figures_are_what_their_names_say",
    ),
    Mutant(
        "hsgd/theory/trust/judgement.py",
        "usual = 0.5 * critical <= 0.75 * on_rows",
        "usual = True",
        "tests/hsgd/test_diagnosis.py::"
        "test_a_rate_that_only_these_rows_do_not_bear_comes_first_with_one_that_they_do",
    ),
    Mutant(
        "hsgd/theory/settling.py",
        "return _infinite(_sure(len(others)) * jackknife(others))",
        "return _infinite(0.1 * _sure(len(others)) * jackknife(others))",
        "tests/hsgd/test_large_matrices.py::test_limits_say_what_is_left_to_chance",
    ),
    Mutant(
        "hsgd/theory/limits.py",
        "if system.replicas:  # nobody has seen",
        "if False:  # nobody has seen",
        "tests/hsgd/test_large_matrices.py::test_limits_say_what_is_left_to_chance",
    ),
)
