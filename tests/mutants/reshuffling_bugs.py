"""Small bugs in the mean field of rows that are drawn without replacement."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_TESTS = "tests/hsgd/test_reshuffling.py"
_KERNEL = "hsgd/theory/reshuffling/two_times_kernel.py"
_REFINEMENT = "hsgd/theory/reshuffling/refinement.py"
_RUNS = f"{_TESTS}::test_it_is_the_mean_of_runs_and_independent_draws_are_not"
_DESCENT = f"{_TESTS}::test_whole_batches_are_gradient_descent"
_END = f"{_TESTS}::test_a_single_order_ends_where_the_closed_form_says"
_ORDER = f"{_TESTS}::test_cells_are_of_second_order_and_the_error_says_how_far_they_are"
_SHARP = f"{_TESTS}::test_the_error_is_that_of_one_grid_less"
_FLOW = "hsgd/theory/reshuffling/flow.py"
_ENDS = "hsgd/theory/reshuffling/ends.py"
_LATE = f"{_TESTS}::test_new_orders_end_where_late_passes_are"
_PACE = "hsgd/theory/reshuffling/pace.py"
_FIT = "hsgd/theory/reshuffling/data_fit.py"
_DATA_TESTS = "tests/hsgd/test_reshuffled_data.py"
_DATA = f"{_DATA_TESTS}::test_risks_are_those_of_runs_within_what_is_expected"
_WHOLE = f"{_DATA_TESTS}::test_whole_batches_without_momentum_are_gradient_descent_to_second_order"
_START = f"{_DATA_TESTS}::test_a_start_a_schedule_and_the_population_risk"
_DISTANCE = f"{_DATA_TESTS}::test_the_flow_moves_every_statistic_as_the_mean_of_runs"
_ZERO = f"{_DATA_TESTS}::test_rows_that_sum_to_zero_are_fitted_as_one_less"
_BATCHES = f"{_TESTS}::test_batches_between_two_grids"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(_KERNEL, "1.5 * R[c, u] - 0.5 * R[c - 1, u]", "0.5 * (R[c, u] + R[c + 1, u])", _ORDER),
    Mutant(_KERNEL, "(c // cells) * cells)", "c)", f"{_RUNS}[reshuffle]"),
    Mutant(_KERNEL, "Phi[c, s] -= met * Phi[u, s]", "Phi[c, s] += met * Phi[u, s]", _DESCENT),
    Mutant(
        _KERNEL,
        "old[which, j, c] = means[which, j, c] + half",
        "old[which, j, c] = means[which, j, c] + 0.0",
        _ORDER,
    ),
    Mutant(_KERNEL, "drive = h * rate * ridge * which", "drive = h * rate * ridge", _DESCENT),
    Mutant(_KERNEL, "R[c + 1, s] -= phi * taken[u, s]", "pass", _ORDER),
    Mutant(_KERNEL, "rate, summed = rates[c], 0", "rate = rates[c]", _DESCENT),
    Mutant(_KERNEL, "elif s == c or (single and (c - s) % cells == 0):", "elif s == c:", _ORDER),
    Mutant(_KERNEL, "value -= q[c, u] * D[s, u]", "value += q[c, u] * D[s, u]", _END),
    Mutant(_KERNEL, "P[c] -= q[c, s] * value", "P[c] += q[c, s] * value", _END),
    Mutant(_KERNEL, "total += h * felt[s] * inner", "total += 0.9 * h * felt[s] * inner", _DESCENT),
    Mutant(_KERNEL, "inner += share * D[s, u] * felt[u]", "pass", _DESCENT),
    Mutant(_KERNEL, "spread[c + 1] += squared * N[c, c]", "pass", _DESCENT),
    Mutant(_KERNEL, "spread[c + 1] += N[c, s] * cross[c + 1, s]", "pass", _DESCENT),
    Mutant(
        _REFINEMENT, "better = (4.0 * grids[-1] - grids[-2]) / 3.0", "better = grids[-1]", _SHARP
    ),
    Mutant(_REFINEMENT, "relative / safety, 4.0", "0.1 * relative / safety, 4.0", _SHARP),
    Mutant(
        _REFINEMENT, "found.value + first * share + bend", "found.value + first * share", _BATCHES
    ),
    Mutant(
        "hsgd/theory/reshuffling/two_times.py",
        "return np.asarray(square + cross + cross.T)",
        "return np.asarray(square + cross)",
        _DESCENT,
    ),
    Mutant(
        "hsgd/theory/spectra/nodes.py",
        "half = 0.5 * third / variance",
        "half = 0.0",
        f"{_TESTS}::test_nodes_are_gauss_rules_of_their_bins",
    ),
    Mutant(_FLOW, "1.0 - 0.5 * apart * rates", "1.0 + 0.5 * apart * rates", _DATA),
    Mutant(_FLOW, "apart = 1.0 - pace.together", "apart = 1.0", _WHOLE),
    Mutant(_FLOW, "0.5 * pace.together", "pace.together", _WHOLE),
    Mutant(_FLOW, "fade * np.exp(-f)", "fade", _DISTANCE),
    Mutant(_FLOW, "D * (limit + q)", "D * q", _START),
    Mutant(_FLOW, "limit = target + p", "limit = target", _START),
    Mutant(_FLOW, "kinks, np.linspace(0.0, passes[-1], _STEPS + 1)", "kinks", _START),
    Mutant(
        _ENDS,
        "y = rate * (ridge + n * lam * f)\n    bias",
        "y = rate * (0.9 * ridge + n * lam * f)\n    bias",
        _END,
    ),
    Mutant(_ENDS, "left + back", "left", _END),
    Mutant(_ENDS, "np.tanh(0.5 * y)", "np.tanh(y)", _END),
    Mutant(_ENDS, "np.abs(ratio[:, 1] - ratio[:, 0])", "0 * ratio[:, 0]", _LATE),
    Mutant(_ENDS, "return Ends(ratio[:, 1] * flow", "return Ends(flow", _LATE),
    Mutant(_PACE, "(done - left)", "done", f"{_DATA_TESTS}::test_momentum_lags"),
    Mutant(_PACE, "* (1.0 - self.momentum)", "", f"{_DATA}[momentum-reshuffle-data_fit]"),
    Mutant(
        _FIT,
        "passes, statistic) * ratio",
        "passes, statistic)",
        f"{_DATA_TESTS}::test_larger_steps_need_the_fitted_population",
    ),
    Mutant(
        _FIT, "rows, columns = (rank, d) if n <= d else (n, rank)", "rows, columns = n, d", _ZERO
    ),
    Mutant(_FIT, "found.value[which] + more) / below", "found.value[which]) / below", _ZERO),
    Mutant(
        "hsgd/theory/reshuffling/modified_flow.py",
        "+ _INSIDE * per_row**2",
        "",
        f"{_DATA_TESTS}::test_risks_inside_a_pass",
    ),
)
