"""Bugs in the solver: its rim, its kernels, and what all methods share."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    # ----------------------------------------------------------------- the rim
    Mutant(
        "volterra/checks.py",
        "if largest > SPAN:",
        "if largest > SPAN**1.2:",
        "tests/volterra/test_kernels.py::test_bad_sums_are_refused",
    ),
    Mutant(
        "volterra/checks.py",
        "if largest and not 1.0 / _FASTEST <= largest <= _FASTEST:",
        "if largest > _FASTEST:",
        "tests/volterra/test_kernels.py::test_bad_sums_are_refused",
    ),
    Mutant(
        "volterra/checks.py",
        "(not signed and np.any(array < 0))",
        "np.any(array < 0)",
        "tests/volterra/test_kernels.py::test_evaluates_arrays_of_any_shape",
    ),
    Mutant(
        "volterra/checks.py",
        "(result < minimum or (strict and result == minimum))",
        "result < minimum",
        "tests/volterra/test_compression.py::test_bad_input_is_one_sentence",
    ),
    Mutant(
        "volterra/arrays.py",
        "float(np.finfo(np.float64).eps)",
        "float(np.finfo(np.float64).epsneg)",
        "tests/volterra/test_collocation.py::test_rounding_of_a_forcing_whose_terms_cancel_is_counted",
    ),
    Mutant(
        "volterra/compiling.py",
        "except OSError as error:",
        "except PermissionError as error:",
        "tests/test_unwritable.py::test_a_full_disk_costs_a_compilation_and_a_warning",
    ),
    Mutant(
        "volterra/solve.py",
        "np.any(np.diff(times) <= 0)",
        "np.any(np.diff(times) < 0)",
        "tests/volterra/test_solve.py::test_bad_input_is_one_sentence",
    ),
    Mutant(
        "volterra/solve.py",
        "question = Question(forcing, kernel, times, rtol, atol, breakpoints=points)",
        "question = Question(forcing, kernel, times, rtol, atol)",
        "tests/volterra/test_unseen.py::test_what_is_named_costs_little[collocation]",
    ),
    Mutant(
        "volterra/solve.py",
        "thinned = tuple(chosen.run(replace(question, forcing=f)) for f in samples.thinned)",
        "thinned = tuple(chosen.run(replace(question, forcing=f)) for f in samples.thinned[:1])",
        "tests/volterra/test_sampled.py::test_oscillations_and_uneven_times",
    ),
    Mutant(
        "volterra/methods.py",
        "(COMPRESSED, EXACT, SEGMENTS, COMPANION, RECURSION, COLLOCATION, PANELS)",
        "(COMPRESSED, EXACT, SEGMENTS, RECURSION, COMPANION, COLLOCATION, PANELS)",
        "tests/volterra/test_powers.py::test_auto",
    ),
    Mutant(
        "volterra/question.py",
        "isinstance(question.kernel, self.kernels) and not self.refusal(question)",
        "isinstance(question.kernel, self.kernels)",
        "tests/volterra/test_solve.py::test_auto_takes_the_exact_method_where_it_can",
    ),
    Mutant(
        "volterra/refusals.py",
        "isinstance(question.forcing, Sum) and question.forcing.is_complex",
        "isinstance(question.kernel, Sum) and question.kernel.is_complex",
        "tests/volterra/test_companion.py::test_methods_for_real_kernels_refuse_complex_ones",
    ),
    Mutant(
        "volterra/solution.py",
        "return 4.0 * EPS * float(np.sum",
        "return 0.4 * EPS * float(np.sum",
        "tests/volterra/test_collocation.py::test_rounding_of_a_forcing_whose_terms_cancel_is_counted",
    ),
    Mutant(
        "volterra/solution.py",
        "float(np.sum(np.abs(forcing.weights)) + abs(forcing.constant))",
        "float(np.sum(np.abs(forcing.weights)))",
        "tests/volterra/test_collocation.py::test_rounding_of_a_forcing_whose_terms_cancel_is_counted",
    ),
    Mutant(
        "volterra/solution.py",
        "elif np.all(error <= rtol * np.abs(y) + atol):",
        "elif np.all(error <= 2.0 * (rtol * np.abs(y) + atol)):",
        "tests/volterra/test_solve.py::test_the_status_is_what_the_errors_say",
    ),
    Mutant(
        "volterra/solution.py",
        "if atol == 0 and near_zero and small:",
        "if atol == 0 and near_zero:",
        "tests/volterra/test_solve.py::test_the_status_is_what_the_errors_say",
    ),
    Mutant(
        "volterra/solution.py",
        "out=np.full_like(error, np.inf)",
        "out=np.zeros_like(error)",
        "tests/volterra/test_solve.py::test_where_nothing_is_allowed_any_error_is_too_large",
    ),
    # ----------------------------------------------------------------- samples
    Mutant(
        "volterra/sampled.py",
        "return y, error + self._effect[",
        "return y, error + 0.1 * self._effect[",
        "tests/volterra/test_sampled.py::test_oscillations_and_uneven_times",
    ),
    Mutant(
        "volterra/sampled.py",
        "_WINDOW = 4",
        "_WINDOW = 0",
        "tests/volterra/test_sampled.py::test_oscillations_and_uneven_times",
    ),
    Mutant(
        "volterra/sampled.py",
        "for first in (0, 1)]",
        "for first in (0, 0)]",
        "tests/volterra/test_sampled.py::test_oscillations_and_uneven_times",
    ),
    # ----------------------------------------------------------------- kernels
    Mutant(
        "volterra/kernels/exponentials.py",
        "np.any(self.rates.real < 0)",
        "np.any(self.rates.real < -1e-9)",
        "tests/volterra/test_kernels.py::test_bad_sums_are_refused",
    ),
    Mutant(
        "volterra/kernels/exponentials.py",
        "_CHUNK = 1_000_000",
        "_CHUNK = 100_000_000",
        "tests/volterra/test_limits.py::test_no_matrix_of_all_times_and_modes_is_made",
    ),
    Mutant(
        "volterra/kernels/exponents.py",
        "return Exponents(rate, decay, 1.0 / q, excess",
        "return Exponents(rate, decay, np.ones_like(q), excess",
        "tests/volterra/test_powers.py::test_resonances",
    ),
    Mutant(
        "volterra/kernels/exponents.py",
        "out: Array = np.where(values == 0, 0.0, values * factor * factor)",
        "out: Array = np.where(values == 0, 0.0, values * (factor * factor))",
        "tests/volterra/test_exact.py::test_only_what_is_too_large_itself_overflows",
    ),
    Mutant(
        "volterra/kernels/functions.py",
        "not 0 <= singularity < 1",
        "not 0 <= singularity <= 1",
        "tests/volterra/test_panels.py::test_bad_nouns_are_one_sentence",
    ),
    Mutant(
        "volterra/kernels/functions.py",
        "np.any(points <= 0)",
        "np.any(points < 0)",
        "tests/volterra/test_unseen.py::test_breakpoints_of_kernels_are_positive_differences",
    ),
    Mutant(
        "volterra/kernels/functions.py",
        "step = max(1, _CHUNK // size**2)",
        "step = max(1, _CHUNK)",
        "tests/volterra/test_limits.py::test_a_function_is_not_asked_for_too_much_at_once",
    ),
    Mutant(
        "volterra/kernels/piecewise.py",
        't, side="right")',
        't, side="left")',
        "tests/volterra/test_segments.py::test_is_a_time_changed_kernel",
    ),
    Mutant(
        "volterra/kernels/piecewise.py",
        "            and np.array_equal(mine.clock_rates, kernel.clock_rates)\n",
        "",
        "tests/volterra/test_segments.py::test_bad_input_gets_a_sentence",
    ),
    Mutant(
        "volterra/kernels/piecewise.py",
        "np.any(np.diff(edges, prepend=0.0) <= 0)",
        "np.any(np.diff(edges, prepend=0.0) < 0)",
        "tests/volterra/test_segments.py::test_bad_input_gets_a_sentence",
    ),
    Mutant(
        "volterra/kernels/powers.py",
        "_UNIT_CIRCLE = 1.0 + 4 * EPS",
        "_UNIT_CIRCLE = 1.0",
        "tests/volterra/test_powers.py::test_ratios_on_the_unit_circle_may_be_off_by_rounding",
    ),
    Mutant(
        "volterra/kernels/powers.py",
        "_LAST_ITERATION = 2.0**53",
        "_LAST_ITERATION = 2.0**63",
        "tests/volterra/test_powers.py::test_bad_input_is_one_sentence",
    ),
    Mutant(
        "volterra/kernels/powers.py",
        "_CHUNK = 1_000_000",
        "_CHUNK = 100_000_000",
        "tests/volterra/test_limits.py::test_no_matrix_of_all_times_and_modes_is_made",
    ),
    Mutant(
        "volterra/kernels/sums.py",
        "_MERGE_TOLERANCE = 8 * EPS",
        "_MERGE_TOLERANCE = 80 * EPS",
        "tests/volterra/test_kernels.py::test_a_chain_of_close_rates_is_not_one_rate",
    ),
    Mutant(
        "volterra/kernels/sums.py",
        "mass = np.abs(weights) + np.finfo",
        "mass = weights + np.finfo",
        "tests/volterra/test_kernels.py::test_a_merged_rate_lies_between_those_it_is_made_of",
    ),
    Mutant(
        "volterra/kernels/sums.py",
        "bool(np.all(self.weights >= 0)) and self.constant >= 0",
        "bool(np.all(self.weights >= 0))",
        "tests/volterra/test_kernels.py::test_a_negative_constant_is_no_positive_sum",
    ),
)
