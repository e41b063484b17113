"""Bugs in the solver: compression, and what is said without solving."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    # ----------------------------------------------------------------- compression
    Mutant(
        "volterra/compression/cells.py",
        "_POINTS = 4",
        "_POINTS = 3",
        "tests/volterra/test_compression.py::test_cells_keep_seven_moments_each",
    ),
    Mutant(
        "volterra/compression/cells.py",
        "_CHUNK = 1 << 18",
        "_CHUNK = 1 << 24",
        "tests/volterra/test_compression.py::test_memory_is_a_small_multiple_of_the_input",
    ),
    Mutant(
        "volterra/compression/cells.py",
        "PER_OCTAVE = 32",
        "PER_OCTAVE = 4",
        "tests/volterra/test_compression.py::test_the_error_is_bounded_and_within_the_tolerance[1e-12-uniform]",
    ),
    Mutant(
        "volterra/compression/gauss.py",
        "        q -= np.dot(np.dot(known, q), known)\n",
        "",
        "tests/volterra/test_compression.py::test_lanczos_stays_orthogonal_where_nodes_settle",
    ),
    Mutant(
        "volterra/compression/gauss.py",
        "jacobi[nodes, nodes] += coupling / pivot",
        "jacobi[nodes, nodes] += 0.9 * coupling / pivot",
        "tests/volterra/test_compression.py::test_gauss_and_radau_match_moments_and_enclose",
    ),
    Mutant(
        "volterra/compression/certificate.py",
        "truncation = np.maximum(_transform(self.radau, t) - lower, 0.0)",
        "truncation = 0.1 * np.maximum(_transform(self.radau, t) - lower, 0.0)",
        "tests/volterra/test_compression.py::test_the_certificate_is_sharp_where_rules_are_short",
    ),
    Mutant(
        "volterra/compression/certificate.py",
        "from_left = truncation * math.exp(2.0 * self.gauss.nodes.size * STEP)",
        "from_left = truncation",
        "tests/volterra/test_compression.py::test_the_bound_holds_between_the_times_of_its_grid",
    ),
    Mutant(
        "volterra/compression/certificate.py",
        "out += t * (decay @ (weights * self.moved))",
        "out += 0.1 * t * (decay @ (weights * self.moved))",
        "tests/volterra/test_compression.py::test_nodes_that_no_rate_can_hold_are_counted",
    ),
    Mutant(
        "volterra/compression/compress.py",
        "moved=np.abs(rounded - gauss.nodes)",
        "moved=np.zeros_like(rounded)",
        "tests/volterra/test_compression.py::test_nodes_that_no_rate_can_hold_are_counted",
    ),
    Mutant(
        "volterra/compression/compress.py",
        "max(error for _, _, error in rules)",
        "min(error for _, _, error in rules)",
        "tests/volterra/test_compression.py::test_terms_of_both_signs_zero_rates_and_a_constant",
    ),
    Mutant(
        "volterra/compression/majorants.py",
        "bound = factor / (1.0 - dB) * error",
        "bound = 0.1 * factor / (1.0 - dB) * error",
        "tests/volterra/test_compression.py::test_derivative_bounds_what_a_perturbation_does",
    ),
    Mutant(
        "volterra/compression/majorants.py",
        "factor = (1.0 + d) ** self.factors",
        "factor = 1.0 + d",
        "tests/volterra/test_compression.py::test_derivative_bounds_what_a_perturbation_does_to_an_observation",
    ),
    Mutant(
        "volterra/compression/majorants.py",
        "bound = error + self.deviation / self.inflation * gap",
        "bound = error + 0.1 * self.deviation / self.inflation * gap",
        "tests/volterra/test_compression.py::test_chord_bounds_what_a_perturbation_does",
    ),
    Mutant(
        "volterra/compression/majorants.py",
        "+ 2.0 * (between @ g)",
        "+ between @ g",
        "tests/volterra/test_compression.py::test_renewal_bound_holds_and_is_not_absurd",
    ),
    Mutant(
        "volterra/compression/short.py",
        "sized(forcing, larger), sized_sum(kernel, larger), rough)",
        "sized(forcing, larger), kernel, rough)",
        "tests/volterra/test_compression.py::test_chord_bounds_what_a_perturbation_does",
    ),
    Mutant(
        "volterra/compression/short.py",
        "size = None if forcing.is_positive else inner.forced_by(sized_sum(forcing, 1.0))",
        "size = None",
        "tests/volterra/test_compression.py::test_what_compressing_the_forcing_does_is_counted",
    ),
    Mutant(
        "volterra/compression/method.py",
        "deviation = max(kernel.error, 0.0 if forcing is None else forcing.error)",
        "deviation = kernel.error",
        "tests/volterra/test_compression.py::test_what_compressing_the_forcing_does_is_counted",
    ),
    Mutant(
        "volterra/compression/method.py",
        "deviation = max(driver.deviation, v.error)",
        "deviation = driver.deviation",
        "tests/volterra/test_compression.py::test_what_compressing_an_observation_does_is_counted",
    ),
    Mutant(
        "volterra/compression/method.py",
        "until = float(t[-1]) if is_exact else np.inf",
        "until = float(t[-1])",
        "tests/volterra/test_compression.py::test_a_clock_that_runs_far_ahead_of_time",
    ),
    Mutant(
        "volterra/compression/question.py",
        "_AFFORDABLE_ROOTS = 8_000",
        "_AFFORDABLE_ROOTS = 80_000",
        "tests/volterra/test_limits.py::test_only_few_modes_may_stay_uncompressed",
    ),
    # ----------------------------------------------------------------- without solving
    Mutant(
        "volterra/analysis/analyse.py",
        "weights / rates**2",
        "weights / rates",
        "tests/volterra/test_analyse.py::test_critical_limit",
    ),
    Mutant(
        "volterra/analysis/analyse.py",
        "exponent, deficit > 0)",
        "exponent, deficit >= 0)",
        "tests/volterra/test_analyse.py::test_critical_limit",
    ),
    Mutant(
        "volterra/analysis/convolution.py",
        "total + last * shrink / (1 - shrink)",
        "total",
        "tests/volterra/test_analyse_convolution.py::test_a_tail_that_goes_on_beyond_all_scales_counts",
    ),
    Mutant(
        "volterra/analysis/convolution.py",
        "_AGREEMENT = 1e-9",
        "_AGREEMENT = 1e-2",
        "tests/volterra/test_analyse_convolution.py::test_refusals_are_one_sentence",
    ),
    Mutant(
        "volterra/analysis/resolvent.py",
        "error = size @ self.weight_error + (size * blur) @ np.abs(self.weights)",
        "error = 0.1 * (size @ self.weight_error + (size * blur) @ np.abs(self.weights))",
        "tests/volterra/test_analyse.py::test_the_error_of_a_resolvent_is_sharp",
    ),
)
