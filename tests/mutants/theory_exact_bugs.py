"""Bugs in the exact mean, and in the fast way to it."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_ORDERS = "hsgd/exact/orders.py"
_ALL_ORDERS = "tests/hsgd/test_exact_orders.py::test_it_is_the_mean_over_all_orders"

MUTANTS: tuple[Mutant, ...] = (
    # ------------------------------------------------------------------ the mean over orders
    Mutant(_ORDERS, "if not seen & mask:", "if True:", f"{_ALL_ORDERS}[reshuffle-4-1-3]"),
    Mutant(
        _ORDERS,
        "given = {0: given[(1 << n) - 1]}",
        "given = {0: whole}",
        f"{_ALL_ORDERS}[reshuffle-4-2-3]",
    ),
    Mutant(_ORDERS, "fade[iteration] * outside", "outside", f"{_ALL_ORDERS}[single_shuffle-3-1-5]"),
    Mutant(_ORDERS, "place = k * size % n", "place = 0", f"{_ALL_ORDERS}[single_shuffle-4-1-3]"),
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
        "times = np.arange(first, last) / num_rows",
        "times = np.arange(last - first) / num_rows",
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
)
