"""Bugs in the solver: its exact methods and the recursion."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    # ----------------------------------------------------------------- exact
    Mutant(
        "volterra/exact/secular.py",
        "rounding[part] = 6.0 + 2.0 * np.abs(factors)",
        "rounding[part] = 0.6 + 0.2 * np.abs(factors)",
        "tests/volterra/test_secular.py::test_rounding_of_the_implied_weights_is_bounded_and_not_by_much",
    ),
    Mutant(
        "volterra/exact/secular.py",
        "(EPS * rounding + deviation) * weights",
        "EPS * rounding * weights",
        "tests/volterra/test_compression.py::test_derivative_bounds_what_a_perturbation_does",
    ),
    Mutant(
        "volterra/exact/secular.py",
        "moved, added = 2.0 * P1 * S3 / S2, -P2",
        "moved, added = P1 * S3 / S2, -P2",
        "tests/volterra/test_secular.py::test_slopes_are_derivatives_in_the_direction_of_the_weight_error",
    ),
    Mutant(
        "volterra/exact/secular.py",
        "_MAX_ITERATIONS = 60",
        "_MAX_ITERATIONS = 6",
        "tests/volterra/test_secular.py::test_roots_between_clusters_of_rates",
    ),
    Mutant(
        "volterra/exact/secular.py",
        "_CHUNK = 120_000",
        "_CHUNK = 120_000_000",
        "tests/volterra/test_limits.py::test_no_matrix_of_all_pairs_of_modes_is_made",
    ),
    Mutant(
        "volterra/exact/smallest_root.py",
        "else math.fsum([1.0, *(-terms)])",
        "else 1.0 - float(np.sum(terms))",
        "tests/volterra/test_secular.py::test_kernel_deficit",
    ),
    Mutant(
        "volterra/exact/residues.py",
        "slope = roots.residue_slope * positive + g * squared * roots.root_slope",
        "slope = roots.residue_slope * positive",
        "tests/volterra/test_compression.py::test_derivative_bounds_what_a_perturbation_does_to_an_observation",
    ),
    Mutant(
        "volterra/exact/residues.py",
        "keep = (weights > floor) | (v != 0)",
        "keep = weights > floor",
        "tests/volterra/test_exact.py::test_observations[exact-zero weight]",
    ),
    Mutant(
        "volterra/exact/resonances.py",
        "np.arange(-2, 2)",
        "np.arange(-1, 1)",
        "tests/volterra/test_exact.py::test_many_double_resonances",
    ),
    Mutant(
        "volterra/exact/resonances.py",
        "RESONANT = 0.5",
        "RESONANT = 5e9",
        "tests/volterra/test_exact.py::test_many_double_resonances",
    ),
    Mutant(
        "volterra/exact/convolution.py",
        "error = np.abs(slope) + EPS * rounding",
        "error = 0.1 * np.abs(slope) + EPS * rounding",
        "tests/volterra/test_compression.py::test_derivative_bounds_what_a_perturbation_does",
    ),
    Mutant(
        "volterra/exact/convolution.py",
        "error = np.abs(slope) + EPS * rounding",
        "error = np.abs(slope) + 0.1 * EPS * rounding",
        "tests/volterra/test_exact.py::test_the_error_is_sharp_at_late_times",
    ),
    Mutant(
        "volterra/exact/convolution.py",
        "        plain *= power\n",
        "",
        "tests/volterra/test_exact.py::test_the_error_is_sharp_at_late_times",
    ),
    Mutant(
        "volterra/exact/convolution.py",
        "_TIME_CHUNK = 200_000",
        "_TIME_CHUNK = 200_000_000",
        "tests/volterra/test_limits.py::test_no_matrix_of_all_times_and_modes_is_made",
    ),
    Mutant(
        "volterra/exact/method.py",
        "_MANY_MODES = 8_000",
        "_MANY_MODES = 80_000",
        "tests/volterra/test_limits.py::test_auto_does_not_pair_modes_that_it_can_iterate",
    ),
    Mutant(
        "volterra/exact/method.py",
        "            error = error + 4 * EPS * np.abs(extra)\n",
        "",
        "tests/volterra/test_exact.py::test_what_an_added_forcing_drowns_is_reported",
    ),
    Mutant(
        "volterra/exact/segment.py",
        "_ROUNDED = 2.0",
        "_ROUNDED = 0.2",
        "tests/volterra/test_segments.py::test_weights_that_are_off_are_counted",
    ),
    Mutant(
        "volterra/exact/segment.py",
        "total = _ROUNDED * (error + slack_error) + np.abs(slack)",
        "total = _ROUNDED * (error + slack_error)",
        "tests/volterra/test_segments.py::test_errors_of_the_modes_are_carried_into_the_next_segment",
    ),
    Mutant(
        "volterra/exact/segment.py",
        "rounding = (FEW + 3.0 * power) * np.abs(kept)",
        "rounding = FEW * np.abs(kept)",
        "tests/volterra/test_segments.py::test_rounding_of_large_exponents_is_counted",
    ),
    Mutant(
        "volterra/exact/segments.py",
        "blur = EPS * (2.0 + (2.0 + number * clocked) * power) * np.abs(amplitude)",
        "blur = EPS * 2.0 * np.abs(amplitude)",
        "tests/volterra/test_segments.py::test_rounding_of_large_exponents_is_counted",
    ),
    Mutant(
        "volterra/exact/segments.py",
        "_MANY_PAIRS = 10_000_000",
        "_MANY_PAIRS = 1_000_000_000",
        "tests/volterra/test_limits.py::test_auto_steps_through_many_segments_of_many_modes",
    ),
    Mutant(
        "volterra/exact/segments.py",
        "return value + extra, error + 4 * EPS * np.abs(extra)",
        "return value + extra, error",
        "tests/volterra/test_exact.py::test_what_an_added_forcing_drowns_is_reported",
    ),
    # ----------------------------------------------------------------- companion
    Mutant(
        "volterra/companion/complex_roots.py",
        "root_error[part] = np.abs(g) * P1 +",
        "root_error[part] = 0.1 * np.abs(g) * P1 +",
        "tests/volterra/test_companion.py::test_errors_of_roots_and_residues_are_those_of_weights_that_are_off",
    ),
    Mutant(
        "volterra/companion/complex_roots.py",
        "np.abs(g) * (2.0 * root_error[part] * np.abs(S3) + P2)",
        "np.abs(g) * (root_error[part] * np.abs(S3) + P2)",
        "tests/volterra/test_companion.py::test_errors_of_roots_and_residues_are_those_of_weights_that_are_off",
    ),
    Mutant(
        "volterra/companion/complex_roots.py",
        "_FIRST_ORDER = 0.1",
        "_FIRST_ORDER = 1e9",
        "tests/volterra/test_companion.py::test_nearly_equal_roots_are_admitted_and_handed_over",
    ),
    Mutant(
        "volterra/companion/convolution.py",
        "error = errors + pair_errors + EPS",
        "error = 0.1 * (errors + pair_errors) + EPS",
        "tests/volterra/test_companion.py::test_errors_of_roots_and_residues_are_carried_into_the_solution",
    ),
    Mutant(
        "volterra/companion/convolution.py",
        "+ time * self.slow.blur + brief * self.fast.blur",
        "+ time * self.slow.blur",
        "tests/volterra/test_companion.py::test_errors_of_roots_and_residues_are_carried_into_the_solution",
    ),
    Mutant(
        "volterra/companion/convolution.py",
        "at_roots = (a @ size) * dG + (a @ size**2) * G * dx",
        "at_roots = (a @ size) * dG",
        "tests/volterra/test_companion.py::test_errors_of_roots_and_residues_are_carried_into_the_solution",
    ),
    Mutant(
        "volterra/companion/method.py",
        "_MOST_MODES = 1_500",
        "_MOST_MODES = 15_000",
        "tests/volterra/test_companion.py::test_bad_input",
    ),
    Mutant(
        "volterra/companion/method.py",
        "_WORTHWHILE_MODES = 300",
        "_WORTHWHILE_MODES = 3_000",
        "tests/volterra/test_limits.py::test_auto_finds_no_eigenvalues_of_many_modes",
    ),
    Mutant(
        "volterra/companion/method.py",
        "        error[part] += np.abs(g) * slope * roots.root_error[part]\n",
        "",
        "tests/volterra/test_companion.py::test_errors_of_roots_are_carried_into_observations",
    ),
    Mutant(
        "volterra/companion/method.py",
        "return value + extra, error + 4 * EPS * np.abs(extra)",
        "return value + extra, error",
        "tests/volterra/test_exact.py::test_what_an_added_forcing_drowns_is_reported",
    ),
    Mutant(
        "volterra/companion/oscillations.py",
        "return Oscillations(rate, decay, error / np.abs(ratio), ratio)",
        "return Oscillations(rate, decay, error, ratio)",
        "tests/volterra/test_companion.py::test_errors_of_roots_and_residues_are_carried_into_the_solution",
    ),
    # ----------------------------------------------------------------- recursion
    Mutant(
        "volterra/recursion/loop.py",
        "E[j] = ratio * E[j] + wrong + unit",
        "E[j] = ratio * E[j] + unit",
        "tests/volterra/test_powers.py::test_errors_of_the_forcing_are_iterated_like_the_forcing",
    ),
    Mutant(
        "volterra/recursion/loop.py",
        "+ terms * size + unit * abs(y[k])",
        "+ terms * size",
        "tests/volterra/test_powers.py::test_the_error_of_the_recursion_is_sharp",
    ),
    Mutant(
        "volterra/recursion/method.py",
        "unit = EPS if weights.dtype == np.float64",
        "unit = 0.1 * EPS if weights.dtype == np.float64",
        "tests/volterra/test_powers.py::test_the_error_of_the_recursion_is_sharp",
    ),
    Mutant(
        "volterra/recursion/method.py",
        " or last * max(1, modes) > _MOST_WORK:",
        ":",
        "tests/volterra/test_limits.py::test_too_many_iterations_are_refused_before_the_first",
    ),
)
